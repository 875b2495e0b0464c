"""Outcome measures: the registered outcomes by arm, as the report of endpoints counts them."""

from collections.abc import Iterator, Sequence
from datetime import date

from services.api.exports.registry.people import Person, analysed
from services.api.exports.registry.tables import (
    PARTICIPANTS,
    Group,
    by_arm,
    cells,
    denominators,
    number,
)
from services.api.protocol.schema import Json, Outcome, Protocol
from services.api.reports.arm_schemas import Comparison
from services.api.reports.endpoints import registered
from services.api.reports.schemas import Estimate

SMALLEST_P = 0.0001
"""The registry takes a smaller p value as being below it."""


def outcome_measures(everybody: Sequence[Person], protocol: Protocol, today: date) -> Json:
    """The module: the primary outcome, and the secondary one that is derived."""
    people = analysed(everybody)
    groups = by_arm("OG", people, protocol)
    arms = {
        arm.code: [one.participant for one in group.people]
        for arm, group in zip(protocol.arms, groups, strict=True)
    }
    study = protocol.study
    told = [("PRIMARY", study.primary_outcome)]
    told += [("SECONDARY", outcome) for outcome in study.secondary_outcomes[:1]]
    compared = registered(arms, protocol, today)
    return {
        "outcomeMeasures": [
            _measure(kind, outcome, groups, comparison)
            for (kind, outcome), comparison in zip(told, compared, strict=False)
        ]
    }


def _measure(kind: str, outcome: Outcome, groups: Sequence[Group], comparison: Comparison) -> Json:
    found = list(zip(groups, comparison.arms, strict=True))
    left_out = "; ".join(
        f"{group.title}, {arm.not_evaluable} not evaluable and"
        f" {arm.early_events + arm.pending} still under observation"
        for group, arm in found
    )
    return {
        "type": kind,
        "title": outcome.measure,
        "description": outcome.description,
        "populationDescription": "Everybody who was randomized, in the arm they were allocated to,"
        " whose time of observation is over and whose outcome is known. Nothing is imputed."
        f" Left out: {left_out}.",
        "reportingStatus": "POSTED",
        "paramType": "COUNT_OF_PARTICIPANTS",
        "unitOfMeasure": PARTICIPANTS,
        "timeFrame": outcome.time_frame,
        "groups": [group.told() for group in groups],
        "denoms": denominators({group.id: arm.evaluable for group, arm in found}),
        "classes": [
            {
                "categories": [
                    {"measurements": cells({group.id: arm.events for group, arm in found})}
                ]
            }
        ],
        "analyses": list(_analyses(groups, comparison)),
    }


def _analyses(groups: Sequence[Group], comparison: Comparison) -> Iterator[Json]:
    """What could be computed; the differences are the first group minus the second."""
    both = {
        "groupIds": [group.id for group in groups[:2]],
        "groupDescription": f"{groups[0].title} minus {groups[1].title}",
        "nonInferiorityType": "SUPERIORITY",
    }
    if comparison.stratified_test is not None:
        yield both | {
            "statisticalMethod": "Cochran-Mantel-Haenszel",
            "statisticalComment": "Over the strata used at randomization, without continuity"
            " correction; two-sided, not adjusted for several outcomes or looks.",
            "pValue": _p(comparison.stratified_test.p),
        }
    for name, estimate, comment in (
        ("Risk Difference (RD)", comparison.difference, "Miettinen and Nurminen's interval."),
        ("Odds Ratio (OR)", comparison.common_odds_ratio, "Mantel and Haenszel, over the strata."),
    ):
        if estimate is not None:
            yield both | _estimated(name, estimate, comment)


def _estimated(name: str, estimate: Estimate, comment: str) -> Json:
    return {
        "paramType": name,
        "paramValue": number(estimate.estimate),
        "ciPctValue": "95",
        "ciNumSides": "TWO_SIDED",
        "ciLowerLimit": number(estimate.low),
        "ciUpperLimit": number(estimate.high),
        "estimateComment": comment,
    }


def _p(value: float) -> str:
    return f"<{SMALLEST_P}" if value < SMALLEST_P else number(value)

"""Outcome measures are the report's figures in the registry's table."""

from datetime import date

from services.api.endpoint.rules import OutcomeStatus
from services.api.exports.registry.outcomes import outcome_measures
from services.api.statistics.proportions import miettinen_nurminen
from tests.exports.registry.persons import PROTOCOL, RUNNING, TODAY, person
from tests.make import Json

EVENT, UNKNOWN = OutcomeStatus.EVENT, OutcomeStatus.NOT_EVALUABLE
PEOPLE = [
    *(person(n, outcome=EVENT) for n in range(4)),
    *(person(10 + n) for n in range(6)),
    person(20, outcome=UNKNOWN),
    person(21, outcome=EVENT, window=RUNNING),
    *(person(30 + n, "control", outcome=EVENT) for n in range(7)),
    *(person(40 + n, "control") for n in range(3)),
]


def values(told: Json) -> list[str]:
    """The one row of the measure."""
    return [one["value"] for one in told["classes"][0]["categories"][0]["measurements"]]


def test_denominators_are_those_whose_outcome_is_known() -> None:
    primary, secondary = outcome_measures(PEOPLE, PROTOCOL, TODAY)["outcomeMeasures"]
    assert (primary["type"], secondary["type"]) == ("PRIMARY", "SECONDARY")
    assert primary["title"] == PROTOCOL.study.primary_outcome.measure
    assert [one["value"] for one in primary["denoms"][0]["counts"]] == ["10", "10"]
    assert values(primary) == ["4", "7"]
    assert (
        "Left out: experimental group, 1 not evaluable and 1 still under observation;"
        in (primary["populationDescription"])
    )


def test_differences_are_the_first_arm_minus_the_second() -> None:
    primary = outcome_measures(PEOPLE, PROTOCOL, TODAY)["outcomeMeasures"][0]
    test, difference, ratio = primary["analyses"]
    assert test["statisticalMethod"] == "Cochran-Mantel-Haenszel"
    assert 0 < float(test["pValue"]) < 1
    expected = miettinen_nurminen(4, 10, 7, 10)
    assert expected
    assert difference["paramValue"] == "-0.3"
    assert float(difference["ciLowerLimit"]) == round(expected.low, 4)
    assert float(difference["ciUpperLimit"]) == round(expected.high, 4)
    assert float(ratio["paramValue"]) < 1
    assert {tuple(one["groupIds"]) for one in primary["analyses"]} == {("OG000", "OG001")}


def test_a_very_small_p_is_told_as_a_limit() -> None:
    apart = [
        *(person(n, outcome=EVENT) for n in range(60)),
        *(person(100 + n, "control") for n in range(60)),
    ]
    primary = outcome_measures(apart, PROTOCOL, TODAY)["outcomeMeasures"][0]
    assert primary["analyses"][0]["pValue"] == "<0.0001"


def test_without_anybody_there_is_nothing_to_analyse() -> None:
    for one in outcome_measures([], PROTOCOL, date(2026, 1, 1))["outcomeMeasures"]:
        assert values(one) == ["0", "0"]
        assert one["analyses"] == []

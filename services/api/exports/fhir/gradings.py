"""What assessors saw, and what follows from it: Observation."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from services.api.certificates.rules import Validities, certified
from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.exports.extract import OF_OUTCOME, Part, SubjectRecord
from services.api.exports.fhir.codes import PAIN_SCORE, two_valued
from services.api.exports.fhir.elements import (
    HL7,
    PSEUDONYMISED,
    Json,
    Names,
    coding,
    concept,
    instant,
    kept,
    listed,
    period,
    quantity,
    recorded,
    reference,
    resource,
)
from services.api.exports.fhir.people import People
from services.api.exports.fhir.subject import encounter_id
from services.api.protocol.schema import Component, Protocol

PARTS = (*OF_OUTCOME, Part.VISITS)

_DERIVED = ("protocol", "who", "rtog")
_PAIN = "pain_score"
_EXAM = [concept(coding(f"{HL7}/observation-category", "exam"))]


def resources(
    record: SubjectRecord, names: Names, protocol: Protocol, people: People, valid: Validities
) -> Iterator[Json]:
    """Every grading and adjudication in its current version."""
    visits = {one.code for one in record.all(Part.VISITS)}
    at_visit = defaultdict(list)
    for grading in record.current(Part.GRADINGS):
        at_visit[grading.visit].append(grading)
        held = certified(valid, grading.assessor, grading.assessed_on)
        yield kept(
            **_of_visit("grading", grading, names, visits),
            effectiveDateTime=instant(grading.assessed_at),
            issued=instant(grading.recorded_at),
            performer=people.references(grading.assessor),
            valueInteger=grading.grade,
            component=[*_components(grading, names, protocol, certified=held)],
        )
    for adjudication in record.current(Part.ADJUDICATIONS):
        yield _adjudicated(adjudication, at_visit[adjudication.visit], names, people, visits)


def _of_visit(assessment: str, row: Any, names: Names, visits: set[str]) -> Json:
    """What the observations of a visit have in common.

    A visit is recorded beside its gradings, so it may not be yet.
    """
    met = encounter_id(row.subject_id, row.visit) if row.visit in visits else None
    return resource(
        "Observation",
        row.id,
        meta=recorded(row),
        status="final" if row.version == 1 else "corrected",
        category=_EXAM,
        code=names.concept("assessment", assessment),
        subject=reference("Patient", row.subject_id),
        encounter=met and reference("Encounter", met),
    )


def _components(
    grading: Any, names: Names, protocol: Protocol, *, certified: bool
) -> Iterator[Json]:
    for component in protocol.grading.components:
        others = [PAIN_SCORE] if component.id == _PAIN else []
        yield {
            "code": names.concept("component", component.id, *others),
            **_value(component, getattr(grading, component.id), names),
        }
    for scale in _DERIVED:
        grade = getattr(grading, f"derived_{scale}")
        if grade is not None:
            yield _integer(names, f"derived-{scale}", grade)
    yield {"code": names.concept("assessment", "certified"), "valueBoolean": certified}


def _value(component: Component, value: Any, names: Names) -> Json:
    if two_valued(component):
        return {"valueBoolean": value}
    if component.choices:
        return {"valueCodeableConcept": names.concept(component.id, value)}
    return {"valueInteger": value}


def _integer(names: Names, assessment: str, value: int) -> Json:
    return {"code": names.concept("assessment", assessment), "valueInteger": value}


def _adjudicated(
    adjudication: Any, gradings: list[Any], names: Names, people: People, visits: set[str]
) -> Json:
    """The grade that counts for a visit whose gradings differ; none until it is decided.

    The first version opens an adjudication, the second decides it: from the third on it was
    corrected.
    """
    common = _of_visit("adjudicated-grade", adjudication, names, visits)
    decided = adjudication.grade is not None
    if adjudication.version <= 2:
        common["status"] = "final" if decided else "registered"
    return kept(
        **common,
        issued=instant(adjudication.recorded_at),
        performer=people.references(adjudication.recorded_by) if decided else None,
        valueInteger=adjudication.grade,
        derivedFrom=[reference("Observation", one.id) for one in gradings],
    )


# --- outcomes -----------------------------------------------------------------------------


def outcomes(record: SubjectRecord, outcome: Outcome, today: date, names: Names) -> Iterator[Json]:
    """Both outcomes as the protocol's rule derives them today, once there is a first fraction."""
    window = outcome.window
    if window is None:
        return
    figures = [_integer(names, "days-severe", outcome.days_severe)]
    if outcome.max_grade is not None:
        figures.append(_integer(names, "max-grade", outcome.max_grade))
    if outcome.days_to_first_severe is not None:
        figures.append(_integer(names, "days-to-first-severe", outcome.days_to_first_severe))
    yield _outcome(record, "primary", outcome.primary, window, today, names, figures)
    yield _outcome(record, "secondary", outcome.secondary, window, today, names, [])


def _outcome(
    record: SubjectRecord,
    kind: str,
    decision: Decision,
    window: Window,
    today: date,
    names: Names,
    figures: list[Json],
) -> Json:
    subject = record.subject
    over = window.over(today, subject.left_on)
    pending = decision.status is OutcomeStatus.PENDING
    graded = {one.id for one in record.current(Part.GRADINGS)}
    deciding = decision.deciding and decision.deciding.grading
    return resource(
        "Observation",
        f"{subject.id}-{kind}",
        meta=PSEUDONYMISED,
        status="final" if over and not pending else "preliminary",
        category=[concept(coding(f"{HL7}/observation-category", "survey"))],
        code=names.concept("assessment", f"{kind}-outcome"),
        subject=reference("Patient", subject.id),
        effectivePeriod=period(window.from_, window.to),
        valueCodeableConcept=names.concept("outcome-status", decision.status.value),
        component=figures,
        derivedFrom=listed(
            reference("Observation", deciding) if deciding in graded else None,
        ),
    )


# --- radiotherapy -------------------------------------------------------------------------


def radiotherapy(row: Any, names: Names) -> Json:
    """Dose and fractions, planned and delivered, of the Procedure of the same subject."""
    doses = {"planned-dose": row.planned_dose_gy, "delivered-dose": row.delivered_dose_gy}
    fractions = {
        "planned-fractions": row.planned_fractions,
        "delivered-fractions": row.delivered_fractions,
    }
    return resource(
        "Observation",
        f"{row.subject_id}-radiotherapy",
        meta=recorded(row),
        status="preliminary" if row.last_fraction_on is None else "final",
        category=[concept(coding(f"{HL7}/observation-category", "therapy"))],
        code=names.concept("assessment", "radiotherapy"),
        partOf=[reference("Procedure", row.subject_id)],
        subject=reference("Patient", row.subject_id),
        effectivePeriod=period(row.first_fraction_on or row.planned_start, row.last_fraction_on),
        component=[
            *(
                {
                    "code": names.concept("assessment", name),
                    "valueQuantity": quantity(dose, "Gy", "Gy"),
                }
                for name, dose in doses.items()
                if dose is not None
            ),
            *(
                _integer(names, name, number)
                for name, number in fractions.items()
                if number is not None
            ),
            {
                "code": names.concept("assessment", "concurrent-chemotherapy"),
                "valueBoolean": row.concurrent_chemotherapy,
            },
        ],
    )

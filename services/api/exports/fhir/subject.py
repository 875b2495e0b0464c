"""A subject: Patient, ResearchSubject, Consent and Encounter."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.api.core.clock import Clock
from services.api.discontinuations.rules import LEADS_TO, StudyCause
from services.api.enrolment.rules import FHIR_STATES, SubjectStatus, failed_screening
from services.api.exports.extract import Part, SubjectRecord
from services.api.exports.fhir.elements import (
    HL7,
    PSEUDONYMISED,
    Json,
    Names,
    coding,
    concept,
    first,
    instant,
    kept,
    listed,
    period,
    recorded,
    reference,
    resource,
)
from services.api.protocol.schema import Protocol
from services.api.signatures.rules import SignatureMeaning
from services.api.visits.rules import rule_of

PARTS = (
    Part.CONSENTS,
    Part.WITHDRAWALS,
    Part.EVALUATION_SIGNATURES,
    Part.RADIOTHERAPY,
    Part.ALLOCATIONS,
    Part.EXPOSURES,
    Part.DISCONTINUATIONS,
    Part.VISITS,
)


def resources(
    record: SubjectRecord, names: Names, protocol: Protocol, clock: Clock
) -> Iterator[Json]:
    """Who the subject is as the trial knows them, and where they stand in it."""
    subject = record.subject
    yield patient(subject)
    yield _research_subject(record, names, protocol, clock)
    withdrawn = {one.consent_id: one for one in record.all(Part.WITHDRAWALS)}
    for consent in record.all(Part.CONSENTS):
        yield _consent(consent, withdrawn.get(consent.id), names)
    for visit in record.current(Part.VISITS):
        yield _encounter(visit, names, protocol)


def patient(subject: Any) -> Json:
    """Sex, year of birth, and the day of death if there is one: no identifier, no name."""
    died = subject.status == SubjectStatus.DIED
    return resource(
        "Patient",
        subject.id,
        meta=PSEUDONYMISED,
        gender=subject.sex,
        birthDate=str(subject.year_of_birth),
        deceasedDateTime=subject.died_on and subject.died_on.isoformat(),
        deceasedBoolean=True if died and subject.died_on is None else None,
    )


def encounter_id(subject_id: object, code: str) -> str:
    """The id of a visit, which has no other key than its subject and code."""
    return f"{subject_id}-{code}"


def _research_subject(
    record: SubjectRecord, names: Names, protocol: Protocol, clock: Clock
) -> Json:
    subject = record.subject
    consents = record.all(Part.CONSENTS)
    allocation = record.one(Part.ALLOCATIONS)
    numbers = [names.identifier("subject-number", subject.number)]
    if allocation is not None:
        numbers.append(names.identifier("randomization-number", allocation.randomization_number))
    return resource(
        "ResearchSubject",
        subject.id,
        meta=recorded(subject),
        identifier=numbers,
        status="active",
        progress=[*_milestones(record), *_progress(record, names, clock)],
        period=period(first(one.signed_on for one in consents), subject.left_on),
        study=reference("ResearchStudy", protocol.study.nct_id),
        subject=reference("Patient", subject.id),
        assignedComparisonGroup=allocation and allocation.arm,
        actualComparisonGroup=_followed(record, protocol),
        consent=[reference("Consent", one.id) for one in consents],
    )


def _followed(record: SubjectRecord, protocol: Protocol) -> str | None:
    """The arm whose treatment the subject began: study drug, or radiotherapy without any."""
    allocation, radiotherapy = record.one(Part.ALLOCATIONS), record.one(Part.RADIOTHERAPY)
    if allocation is None:
        return None
    arm = next(one for one in protocol.arms if one.code == allocation.arm)
    if arm.receives_study_drug:
        began = any(one.applications > 0 for one in record.current(Part.EXPOSURES))
    else:
        began = radiotherapy is not None and radiotherapy.first_fraction_on is not None
    return arm.code if began else None


# --- progress -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _State:
    """A state and the local day from which the subject was in it, if that is recorded."""

    state: str
    since: date | None
    reason: Json | None = None


def _milestones(record: SubjectRecord) -> Iterator[Json]:
    """What was reached once and stays true."""
    reached = [("Screened", record.subject.created_at)]
    allocation = record.one(Part.ALLOCATIONS)
    if allocation is not None:
        reached.append(("Randomized", allocation.randomized_at))
    for milestone, at in reached:
        yield {
            "type": _type("Milestone"),
            "milestone": concept(coding(f"{HL7}/research-subject-milestone", milestone)),
            "startDate": instant(at),
        }


def _progress(record: SubjectRecord, names: Names, clock: Clock) -> Iterator[Json]:
    states = _states(record, names, clock)
    following: list[_State | None] = [*states[1:], None]
    for one, after in zip(states, following, strict=True):
        yield kept(
            type=_type("Enrollment"),
            subjectState=concept(
                coding(f"{HL7}/research-subject-state", one.state),
            ),
            reason=one.reason,
            startDate=one.since and one.since.isoformat(),
            endDate=after and after.since and after.since.isoformat(),
        )


def _states(record: SubjectRecord, names: Names, clock: Clock) -> list[_State]:
    """The states that the records tell of, in their order; the last is the one of now."""
    subject = record.subject
    states = [_State("screening", clock.local_date(subject.created_at))]
    signed = [
        one.signed_at
        for one in record.all(Part.EVALUATION_SIGNATURES)
        if one.meaning == SignatureMeaning.ELIGIBLE
    ]
    allocation, radiotherapy = record.one(Part.ALLOCATIONS), record.one(Part.RADIOTHERAPY)
    if signed and (allocation is not None or subject.status == SubjectStatus.ELIGIBLE):
        states.append(_State("eligible", clock.local_date(signed[-1])))
    if allocation is not None:
        states.append(_State("on-study", clock.local_date(allocation.randomized_at)))
        last = radiotherapy and radiotherapy.last_fraction_on
        if last is not None and (subject.left_on is None or last <= subject.left_on):
            states.append(_State("follow-up", last))
    now = _now(record, names)
    if states[-1].state != now.state:
        states.append(now)
    return states


def _now(record: SubjectRecord, names: Names) -> _State:
    """The state of now; of who is out of the study the first, which a later death leaves as it is.

    Why and in which state somebody left can be unknown when more happened since.
    """
    subject, ended = record.subject, record.one(Part.DISCONTINUATIONS)
    recorded = ended and ended.study_cause
    why = record.why_left()
    cause = StudyCause(why) if why is not None and why in LEADS_TO else None
    causes = [] if cause is None else [names.coding("study-cause", cause.value)]
    if cause is StudyCause.OTHER and recorded is None:
        return _State("off-study", subject.left_on, concept(*causes))
    status = SubjectStatus(subject.status) if cause is None else LEADS_TO[cause]
    if failed_screening(status, subject.left_on):
        status = SubjectStatus.SCREEN_FAILED
    reason = concept(names.coding("subject-status", status.value), *causes)
    return _State(FHIR_STATES[status], subject.left_on, reason)


def _type(code: str) -> Json:
    return concept(coding(f"{HL7}/research-subject-state-type", code))


# --- consents and visits ----------------------------------------------------------------------


def _consent(consent: Any, withdrawal: Any, names: Names) -> Json:
    form = names.identifier("consent-form", consent.version)
    return resource(
        "Consent",
        consent.id,
        meta=recorded(consent),
        status="active" if withdrawal is None else "inactive",
        category=[concept(coding(f"{HL7}/consentcategorycodes", "research"))],
        subject=reference("Patient", consent.subject_id),
        date=consent.signed_on.isoformat(),
        period=period(consent.signed_on, withdrawal and withdrawal.withdrawn_on),
        grantor=[reference("Patient", consent.subject_id)],
        grantee=[reference("Organization", consent.site)],
        policyBasis={
            "reference": {
                "identifier": form,
                "display": f"Informed consent form, version {consent.version}",
            }
        },
        decision="permit",
        provision=[{"purpose": [coding(f"{HL7}/v3-ActReason", "CLINTRCH")]}],
    )


def _encounter(visit: Any, names: Names, protocol: Protocol) -> Json:
    rule = rule_of(visit.code, protocol.visits)
    own = [] if rule is None else [names.coding("visit", rule.code)]
    return resource(
        "Encounter",
        encounter_id(visit.subject_id, visit.code),
        meta=recorded(visit),
        status="completed" if visit.visited_on is not None else "cancelled",
        **{"class": [concept(coding(f"{HL7}/v3-ActCode", "AMB"))]},
        type=listed(concept(*own, text=visit.code)),
        subject=reference("Patient", visit.subject_id),
        serviceProvider=reference("Organization", visit.site),
        actualPeriod=period(visit.visited_on, visit.visited_on),
        location=[{"location": reference("Location", visit.site)}],
    )

"""Case reports: reads what a case's report is made of. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import Session

from services.api.adverse_events import reading
from services.api.adverse_events.models import AdverseEvent
from services.api.case_reports import rules
from services.api.case_reports.content import case_report
from services.api.case_reports.errors import NotReportable
from services.api.case_reports.rules import Case, Obstacle, Version
from services.api.case_reports.schemas import CaseReport
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import FieldError
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.exposures import service as exposures
from services.api.protocol.safety import AdverseEvents
from services.api.protocol.schema import Protocol
from services.api.radiotherapy import service as radiotherapy
from services.api.radiotherapy.models import Radiotherapy
from services.api.randomization import service as randomization
from services.api.randomization.errors import NotRandomized

LACKS = {
    Obstacle.NOT_SERIOUS: ("/serious", "No occurrence of the case is serious"),
    Obstacle.NOT_SUSPECTED: (
        "/causality/study_drug",
        "Neither the investigator nor the sponsor suspects the study drug of a serious occurrence",
    ),
    Obstacle.EXPECTED: (
        "/expectedness",
        "Every serious occurrence of which the study drug is suspected counts as expected",
    ),
    Obstacle.NEVER_REPORTABLE: ("/nullified", "The case was nullified and never was a SUSAR"),
}
"""Where an adverse event shows the obstacle, and what it is."""


def read(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, event_id: UUID
) -> CaseReport:
    """The report of the case that the adverse event belongs to, as the records stand now.

    Raises:
        NotFound: no such event at the caller's sites.
        NotReportable: the case is no SUSAR and was nullified as none; says why.
    """
    event = reading.get_event(session, caller, event_id)
    subject = enrolment.get_subject(session, caller, event.subject_id)
    section = protocol.adverse_events
    versions = _versions(reading.case_versions(session, event.case_id), section)
    if obstacles := rules.obstacles(versions):
        raise NotReportable(errors=[_lack(obstacle) for obstacle in obstacles])
    linked = _reportable_cases(session, subject, section) - {event.case_id}
    case = _case(session, caller, protocol, subject, event.case_id, versions, linked)
    return case_report(case, protocol, clock.now())


def _lack(obstacle: Obstacle) -> FieldError:
    pointer, detail = LACKS[obstacle]
    return FieldError(pointer=pointer, code=obstacle.value, detail=detail)


def _reportable_cases(session: Session, subject: Subject, section: AdverseEvents) -> set[UUID]:
    """The cases of the subject that have a report and are not nullified."""
    occurrences: dict[UUID, list[AdverseEvent]] = defaultdict(list)
    for row in reading.standing_of(session, subject):
        occurrences[row.case_id].append(row)
    return {
        case_id
        for case_id, rows in occurrences.items()
        if not rules.obstacles(_versions(rows, section))
    }


def _case(
    session: Session,
    caller: Principal,
    protocol: Protocol,
    subject: Subject,
    case_id: UUID,
    versions: Sequence[Version],
    linked: Iterable[UUID],
) -> Case:
    return Case(
        case_id=case_id,
        versions=tuple(versions),
        linked=tuple(sorted(linked)),
        subject_number=subject.number,
        year_of_birth=subject.year_of_birth,
        sex=subject.sex,
        died=subject.status == SubjectStatus.DIED,
        died_on=subject.died_on,
        site_name=next(site.name for site in protocol.sites if site.code == subject.site),
        receives_study_drug=_receives_study_drug(session, caller, protocol, subject),
        drug_days=exposures.days_taken(session, subject),
        radiotherapy=_radiotherapy(radiotherapy.current(session, subject)),
    )


def _radiotherapy(plan: Radiotherapy | None) -> rules.Radiotherapy | None:
    """The plan and its delivery as reports see them."""
    if plan is None:
        return None
    return rules.Radiotherapy(
        planned_dose_gy=plan.planned_dose_gy,
        planned_fractions=plan.planned_fractions,
        first_fraction_on=plan.first_fraction_on,
        last_fraction_on=plan.last_fraction_on,
        concurrent_chemotherapy=plan.concurrent_chemotherapy,
    )


def _receives_study_drug(
    session: Session, caller: Principal, protocol: Protocol, subject: Subject
) -> bool | None:
    """Whether the subject's arm takes the study drug; None before randomization."""
    try:
        allocation = randomization.read_allocation(session, caller, subject.id)
    except NotRandomized:
        return None
    arms = {arm.code: arm.receives_study_drug for arm in protocol.arms}
    return arms[allocation["arm"]]


def _versions(rows: Iterable[AdverseEvent], section: AdverseEvents) -> list[Version]:
    return [_version(row, section) for row in rows]


def _version(row: AdverseEvent, section: AdverseEvents) -> Version:
    """A version as reports see it."""
    one = reading.occurrence(row, section)
    return Version(
        event_id=row.id,
        version=row.version,
        informed_at=row.informed,
        aware_at=row.aware_at,
        reason=row.reason,
        nullified=bool(row.nullified),
        serious=row.serious,
        suspected=one.suspected,
        expectedness=row.expectedness,
        expected=one.expected,
        reference_version=row.reference_version,
        term=row.term,
        term_detail=row.term_detail,
        meddra_code=row.meddra_code,
        # Versions recorded before it was stored with them have the dictionary's own codes.
        meddra_version=row.meddra_version or section.meddra_version,
        ctcae_version=row.ctcae_version,
        grade=row.grade,
        onset_on=row.onset_on,
        resolved_on=row.resolved_on,
        seriousness=tuple(row.seriousness),
        causality_study_drug=row.causality_study_drug,
        causality_radiotherapy=row.causality_radiotherapy,
        sponsor_causality=row.sponsor_causality,
        action_taken=row.action_taken,
        outcome=row.outcome,
        narrative=row.narrative,
    )

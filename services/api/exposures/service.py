"""Study drug taken, day by day: the only user of its table."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.making import new_id
from services.api.core.pagination import PageQuery, page
from services.api.core.records import change, current, latest
from services.api.deviations import service as deviations
from services.api.deviations.schemas import DeviationCode
from services.api.discontinuations import service as discontinuations
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.exposures import rules
from services.api.exposures.errors import TreatmentDiscontinued
from services.api.exposures.models import Exposure
from services.api.exposures.rules import Course, ExposureFlag
from services.api.exposures.schemas import ExposureCreate, ExposurePatch
from services.api.protocol.schema import Protocol
from services.api.visits import service as visits
from services.api.visits.rules import rt_end, rt_start

NOTED: dict[ExposureFlag, tuple[DeviationCode, str]] = {
    ExposureFlag.OVERDOSE: (
        DeviationCode.STUDY_DRUG_OVERDOSE,
        "More applications of the study drug in a day than the protocol asks for.",
    ),
    ExposureFlag.OUTSIDE_PERIOD: (
        DeviationCode.TREATMENT_OUTSIDE_PERIOD,
        "Study drug taken outside the protocol's period of treatment.",
    ),
}
"""The deviation that is noted when a record is flagged, and was not before.

Study drug after the end of treatment is refused, and flagged where the end was recorded later.
"""


def course(session: Session, clock: Clock, protocol: Protocol, subject: Subject) -> Course:
    """The subject's days of treatment as radiotherapy and the end of treatment are known today."""
    ended_on = discontinuations.treatment_ended_on(session, subject)
    radiotherapy = visits.course(session, subject)
    if radiotherapy is None:
        return Course(None, ended_on)
    end = rt_end(radiotherapy, protocol.visits, today=clock.today(), left_on=subject.left_on)
    return Course(rules.period(rt_start(radiotherapy), end, protocol.treatment), ended_on)


def list_exposures(
    session: Session, subject: Subject, asked: PageQuery
) -> tuple[Sequence[Exposure], str | None]:
    """The current version of each of the subject's days, in the order of their recording."""
    query = current(Exposure).where(Exposure.subject_id == subject.id)
    return page(session, query, Exposure.id, asked)


def days_taken(session: Session, subject: Subject) -> tuple[date, date] | None:
    """The first and the last day on which the subject took study drug, as recorded so far."""
    query = current(Exposure).where(Exposure.subject_id == subject.id, Exposure.applications > 0)
    days = [row.day for row in session.exec(query)]
    return (min(days), max(days)) if days else None


def get_exposure(session: Session, caller: Principal, exposure_id: UUID) -> Exposure:
    """The current version of one record at the caller's sites.

    Raises:
        NotFound: there is none.
    """
    row: Exposure | None = latest(session, Exposure, id=exposure_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    remember_read(session, row.site, row.subject_id)
    return row


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    given: ExposureCreate,
) -> tuple[Exposure, Course]:
    """Record the study drug of one day; answers the days of treatment with it.

    What departs from the protocol is stored, and noted as a deviation.

    Raises:
        NotFound, DayRecorded.
        NoTreatment, NoStudyDrug: the subject takes none.
        SubjectClosed, NoConsent, BeforeConsent, AfterLeaving: as in `enrolment.require_observed`.
        TreatmentDiscontinued: the treatment ended before that day.
        Invalid: a day in the future or before randomization, or no reason for what was missed.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    randomized_on = discontinuations.treated_from(session, caller, clock, protocol, subject)
    enrolment.not_after(clock.today(), given.day, "/day")
    if given.day < randomized_on:
        raise Invalid.at("/day", "before_randomization", "Not before randomization")
    enrolment.require_observed(session, subject, given.day)
    days = course(session, clock, protocol, subject)
    _require_treated(days, given.day, given.applications)
    row = Exposure(
        id=new_id(),
        version=1,
        site=subject.site,
        subject_id=subject.id,
        recorded_by=caller.id,
        day=given.day,
        applications=given.applications,
        missed_reason=given.missed_reason,
        protocol_version=protocol.version,
    )
    return _store(session, caller, protocol, subject, days, None, row), days


def correct(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    exposure_id: UUID,
    expected: int,
    patch: ExposurePatch,
) -> tuple[Exposure, Course]:
    """Record a corrected version of one day; the day itself stays.

    A record of a wrong day is corrected to no application, saying so.

    Raises:
        NotFound, StaleVersion.
        AfterLeaving, TreatmentDiscontinued: study drug after the subject left or ended treatment.
        Invalid: no reason for what was missed.
    """
    found = get_exposure(session, caller, exposure_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_exposure(session, caller, exposure_id)
    check_version(expected, before.version)
    changed = {"applications": before.applications, "missed_reason": before.missed_reason}
    row = Exposure(
        id=before.id,
        version=before.version + 1,
        site=before.site,
        subject_id=before.subject_id,
        day=before.day,
        protocol_version=protocol.version,
        reason=patch.reason,
        **{**changed, **patch.changes()},
    )
    if row.applications > 0:
        enrolment.require_not_left(subject, row.day)
    days = course(session, clock, protocol, subject)
    _require_treated(days, row.day, row.applications)
    return _store(session, caller, protocol, subject, days, before, row), days


def _require_treated(days: Course, day: date, applications: int) -> None:
    if applications > 0 and days.ended_on is not None and day > days.ended_on:
        raise TreatmentDiscontinued


def _store(
    session: Session,
    caller: Principal,
    protocol: Protocol,
    subject: Subject,
    days: Course,
    before: Exposure | None,
    row: Exposure,
) -> Exposure:
    treatment = protocol.treatment
    if rules.reason_missing(row.applications, row.missed_reason, treatment):
        raise Invalid.at("/missed_reason", "missing", "Say why fewer were taken than planned")
    change(session, caller, row)
    known = rules.flags(before.day, before.applications, days, treatment) if before else ()
    raised = rules.flags(row.day, row.applications, days, treatment)
    for flag, deviation in NOTED.items():
        if flag in raised and flag not in known:
            deviations.note(session, caller, subject, *deviation, row.day)
    return row

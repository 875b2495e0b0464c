"""Recorded visits: the only user of their table."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import NotFound
from services.api.core.etag import check_version
from services.api.core.records import change, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.service import not_after
from services.api.protocol.schema import Protocol
from services.api.radiotherapy import service as radiotherapies
from services.api.visits import rules
from services.api.visits.errors import NoSchedule
from services.api.visits.models import Visit
from services.api.visits.schemas import VisitPut


@dataclass(frozen=True)
class Scheduled:
    """A visit as the schedule has it (None when it left the schedule) and as recorded."""

    code: str
    planned: rules.PlannedVisit | None
    recorded: Visit | None
    status: rules.Status
    flags: tuple[rules.Flag, ...]


def course(session: Session, subject: Subject) -> rules.Radiotherapy | None:
    """The subject's radiotherapy as the schedule reads it, if any is recorded."""
    row = radiotherapies.current(session, subject)
    if row is None:
        return None
    return rules.Radiotherapy(
        planned_start=row.planned_start,
        planned_fractions=row.planned_fractions,
        first_fraction_on=row.first_fraction_on,
        last_fraction_on=row.last_fraction_on,
        planned_dose_gy=row.planned_dose_gy,
        delivered_dose_gy=row.delivered_dose_gy,
    )


@dataclass(frozen=True)
class Calendar:
    """A subject's visits as planned, and the current version of each one recorded."""

    planned: dict[str, rules.PlannedVisit]
    recorded: dict[str, Visit]


def calendar(session: Session, protocol: Protocol, subject: Subject) -> Calendar:
    """The subject's calendar; nothing is planned before a radiotherapy plan."""
    radiotherapy = course(session, subject)
    planned = rules.schedule(radiotherapy, protocol.visits) if radiotherapy else ()
    rows = session.exec(
        select(Visit).where(Visit.subject_id == subject.id).order_by(col(Visit.version))
    )
    return Calendar({visit.code: visit for visit in planned}, {row.code: row for row in rows})


def schedule(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject
) -> list[Scheduled]:
    """The subject's visits in chronological order, then those that left the schedule."""
    visits = calendar(session, protocol, subject)
    left = sorted(visits.recorded.keys() - visits.planned.keys())
    return [_scheduled(visits, code, clock, protocol) for code in (*visits.planned, *left)]


def get_visit(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject, code: str
) -> Scheduled:
    """One visit of the subject.

    Raises:
        NotFound: the schedule has no such visit and none is recorded.
    """
    return _scheduled(calendar(session, protocol, subject), code, clock, protocol)


def _scheduled(visits: Calendar, code: str, clock: Clock, protocol: Protocol) -> Scheduled:
    planned, recorded = visits.planned.get(code), visits.recorded.get(code)
    on = recorded.visited_on if recorded else None
    missed = recorded is not None and on is None
    if planned is None:
        if recorded is None:
            raise NotFound
        # It left the schedule when the radiotherapy dates moved.
        status = rules.Status.MISSED if missed else rules.Status.DONE
        return Scheduled(code, None, recorded, status, (rules.Flag.OUT_OF_WINDOW,))
    status = rules.status(planned, on, missed, clock.today())
    flags = rules.flags(planned, on, _other_slots(visits, code), protocol.visits) if on else ()
    return Scheduled(code, planned, recorded, status, flags)


def _other_slots(visits: Calendar, code: str) -> list[date]:
    """The days on which the subject's other slot visits took place."""
    return [
        row.visited_on
        for row in visits.recorded.values()
        if row.visited_on
        and row.code != code
        and (planned := visits.planned.get(row.code))
        and planned.slot
    ]


def record_visit(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    code: str,
    expected: int,
    given: VisitPut,
) -> Scheduled:
    """Record that a visit took place, or why it was missed.

    Raises:
        NotFound, SubjectClosed, NoConsent, NoSchedule, StaleVersion, VisitHasGradings.
        Invalid: a date in the future, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_open(subject)
    enrolment.require_consented(session, subject)
    not_after(clock.today(), given.date, "/date")
    visits = calendar(session, protocol, subject)
    if not visits.planned:
        raise NoSchedule
    before = _scheduled(visits, code, clock, protocol).recorded
    check_version(expected, before.version if before else 0)
    row = Visit(
        site=subject.site,
        subject_id=subject.id,
        code=code,
        version=expected + 1,
        reason=given.reason,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        visited_on=given.date,
        missed_reason=given.missed_reason,
    )
    change(session, caller, row)
    visits.recorded[code] = row
    return _scheduled(visits, code, clock, protocol)


def recorded(session: Session, subject_id: UUID, code: str) -> Visit | None:
    """The current version of a recorded visit."""
    row: Visit | None = latest(session, Visit, subject_id=subject_id, code=code)
    return row

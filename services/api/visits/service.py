"""Recorded visits: the only user of their table."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, Text, Uuid, bindparam, column, table
from sqlalchemy import select as columns_of
from sqlmodel import Session, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import BadCursor, NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.pagination import decode, encode
from services.api.core.permissions import Role
from services.api.core.records import change, last_of_each, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus, failed_screening
from services.api.enrolment.service import not_after
from services.api.protocol.schema import Protocol
from services.api.queries import service as queries
from services.api.radiotherapy import service as radiotherapies
from services.api.visits import rules
from services.api.visits.errors import NoSchedule
from services.api.visits.models import Visit
from services.api.visits.schemas import VisitPut, VisitQuery

BATCH = 50
"""Subjects whose visits are read together."""
MOST_BATCHES = 40
"""Read for one page: so it costs the same however few of the visits a filter leaves."""
LAST = "~"
"""Comes after every code."""
ORDINAL_BYTES = 4
"""Of a calendar day in a cursor."""


@dataclass(frozen=True)
class Scheduled:
    """A visit as the schedule has it (None when it left the schedule) and as recorded.

    `gradable` says that a grading may be recorded of it, by whoever has made none.
    """

    code: str
    planned: rules.PlannedVisit | None
    recorded: Visit | None
    status: rules.VisitStatus
    flags: tuple[rules.VisitFlag, ...]
    gradable: bool


@dataclass(frozen=True)
class Calendar:
    """A subject's visits as planned, and the current version of each one recorded."""

    subject: Subject
    planned: dict[str, rules.PlannedVisit]
    recorded: dict[str, Visit]


# --- radiotherapy as the schedule reads it ---------------------------------------------


def course(session: Session, subject: Subject) -> rules.Radiotherapy | None:
    """The subject's radiotherapy as the schedule reads it, if any is recorded."""
    row = radiotherapies.current(session, subject)
    return None if row is None else course_of(row)


def all_courses(session: Session, sites: Collection[str]) -> dict[UUID, rules.Radiotherapy]:
    """The radiotherapy of every subject of the sites who has any, by subject, in one query."""
    return _courses(radiotherapies.current_at(session, sites))


def _courses(rows: Iterable[Any]) -> dict[UUID, rules.Radiotherapy]:
    return {row.subject_id: course_of(row) for row in rows}


def course_of(row: Any) -> rules.Radiotherapy:
    """A row of radiotherapy as the schedule reads it."""
    return rules.Radiotherapy(
        planned_start=row.planned_start,
        planned_fractions=row.planned_fractions,
        first_fraction_on=row.first_fraction_on,
        last_fraction_on=row.last_fraction_on,
        planned_dose_gy=row.planned_dose_gy,
        delivered_dose_gy=row.delivered_dose_gy,
        interruptions=radiotherapies.interruptions(row.interruptions),
    )


# --- one subject -------------------------------------------------------------------------


def schedule(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject
) -> list[Scheduled]:
    """The subject's visits in chronological order, then those that left the schedule."""
    visits = _calendar_of(session, clock, protocol, subject)
    return _all(visits, clock.today(), protocol)


def get_visit(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject, code: str
) -> Scheduled:
    """One visit of the subject.

    Raises:
        NotFound: the schedule has no such visit and none is recorded.
    """
    visits = _calendar_of(session, clock, protocol, subject)
    return _scheduled(visits, code, clock.today(), protocol)


def _calendar_of(session: Session, clock: Clock, protocol: Protocol, subject: Subject) -> Calendar:
    """The subject's calendar; nothing is planned before a radiotherapy plan."""
    rows = _recorded(session, [subject.id]).get(subject.id, {})
    return _calendar(subject, course(session, subject), rows, clock.today(), protocol, kept=rows)


def _calendar(
    subject: Subject,
    radiotherapy: rules.Radiotherapy | None,
    recorded: dict[str, Visit],
    today: date,
    protocol: Protocol,
    *,
    kept: Collection[str],
) -> Calendar:
    if radiotherapy is None:
        return Calendar(subject, {}, recorded)
    planned = rules.schedule(
        radiotherapy, protocol.visits, today=today, left_on=subject.left_on, kept=kept
    )
    return Calendar(subject, {visit.code: visit for visit in planned}, recorded)


def _recorded(session: Session, subjects: Collection[UUID]) -> dict[UUID, dict[str, Visit]]:
    """The current version of every recorded visit, by subject and code, in one query."""
    wanted = select(Visit).where(col(Visit.subject_id).in_(subjects))
    query = last_of_each(wanted, Visit, "subject_id", "code")
    found: dict[UUID, dict[str, Visit]] = {}
    for row in session.exec(query):
        found.setdefault(row.subject_id, {})[row.code] = row
    return found


def _all(visits: Calendar, today: date, protocol: Protocol) -> list[Scheduled]:
    left = sorted(visits.recorded.keys() - visits.planned.keys())
    return [_scheduled(visits, code, today, protocol) for code in (*visits.planned, *left)]


def _scheduled(visits: Calendar, code: str, today: date, protocol: Protocol) -> Scheduled:
    planned, recorded = visits.planned.get(code), visits.recorded.get(code)
    on = recorded.visited_on if recorded else None
    missed = recorded is not None and on is None
    if planned is not None:
        status = rules.status(planned, on, missed, today)
    elif recorded is not None:
        # It left the schedule when the radiotherapy dates moved.
        status = rules.VisitStatus.MISSED if missed else rules.VisitStatus.DONE
    else:
        raise NotFound
    flags = (
        rules.flags(
            planned, on, visits.planned.values(), _other_slots(visits, code), protocol.visits
        )
        if on
        else ()
    )
    gradable = on is not None and rules.asks_for_grading(planned) and _took_part(visits.subject, on)
    return Scheduled(code, planned, recorded, status, flags, gradable)


def _took_part(subject: Subject, day: date) -> bool:
    """Whether what was observed on the day of a recorded visit still belongs to the trial."""
    if failed_screening(SubjectStatus(subject.status), subject.left_on):
        return False
    return subject.left_on is None or day <= subject.left_on


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

    Gradings of the visit that say another day are asked about. Of a subject who
    left the study visits until that day may still be
    recorded and corrected, also one whose planned day came later.

    Raises:
        NotFound, NoSchedule, StaleVersion, VisitHasGradings.
        SubjectClosed, NoConsent, BeforeConsent, AfterLeaving: as in `enrolment.require_observed`;
            nor is a visit missed that was planned for a day after the subject left.
        Invalid: a date in the future, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    not_after(clock.today(), given.date, "/date")
    enrolment.require_observed(session, subject, given.date)
    radiotherapy = course(session, subject)
    if radiotherapy is None:
        raise NoSchedule
    rows = _recorded(session, [subject.id]).get(subject.id, {})
    visits = _calendar(subject, radiotherapy, rows, clock.today(), protocol, kept={*rows, code})
    found = _scheduled(visits, code, clock.today(), protocol)
    if found.recorded is None and found.planned is not None and given.date is None:
        enrolment.require_not_left(subject, found.planned.planned_on)
    check_version(expected, found.recorded.version if found.recorded else 0)
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
    announce(session, EventType.VISIT_RECORDED, code, site=subject.site, subject_id=subject.id)
    if row.version > 1 and row.visited_on is not None:
        _ask_about_gradings(session, caller, clock, subject, code, row.visited_on)
    visits.recorded[code] = row
    return _scheduled(visits, code, clock.today(), protocol)


# Gradings stand above visits, so their table is named here by what is read of it.
_GRADING = table(
    "grading",
    column("subject_id", Uuid),
    column("visit", Text),
    column("id", Uuid),
    column("version", Integer),
    column("assessor", Uuid),
    column("assessed_on", Date),
)
_GRADED_ON = last_of_each(
    columns_of(_GRADING.c.id, _GRADING.c.assessed_on).where(
        _GRADING.c.subject_id == bindparam("subject_id"), _GRADING.c.visit == bindparam("code")
    ),
    _GRADING.c,
    "id",
)
_GRADED = (
    columns_of(_GRADING.c.subject_id, _GRADING.c.visit)
    .where(_GRADING.c.subject_id.in_(bindparam("subjects", expanding=True)))
    .where(_GRADING.c.version == 1)
)
_GRADED_BY = _GRADED.where(_GRADING.c.assessor == bindparam("assessor"))
OTHER_DAY = "other_day"


def _ask_about_gradings(
    session: Session, caller: Principal, clock: Clock, subject: Subject, code: str, day: date
) -> None:
    """Ask for the gradings that say another day than the visit says now."""
    found = session.connection().execute(_GRADED_ON, {"subject_id": subject.id, "code": code})
    for grading_id, assessed_on in found.all():
        of_grading = {"record": "grading", "record_id": str(grading_id), "code": OTHER_DAY}
        if assessed_on == day:
            text = "The visit's day is that of the grading again."
            queries.settle_by_system(session, caller, subject, **of_grading, text=text)
        else:
            text = "The visit's day was corrected; correct the time of the grading too."
            queries.raise_by_system(
                session, caller, clock, subject, **of_grading, field="assessed_at", text=text
            )


def awaiting_grading(
    session: Session, caller: Principal, visits: Iterable[Scheduled]
) -> set[tuple[UUID, str]]:
    """Of the visits those, by subject and code, that wait for a grading: the caller sees none.

    In one query. Of an assessor their own gradings count alone: they may grade
    every other visit, and whether somebody else has is not to lead them. Source:
    docs/gradings.md, second gradings.
    """
    gradable = {
        (visit.recorded.subject_id, visit.code)
        for visit in visits
        if visit.gradable and visit.recorded is not None
    }
    if not gradable:
        return gradable
    query = _GRADED_BY if caller.role is Role.ASSESSOR else _GRADED
    given = {"subjects": list({subject_id for subject_id, _ in gradable}), "assessor": caller.id}
    found = session.connection().execute(query, given)
    return gradable - {(subject_id, code) for subject_id, code in found}


def recorded(session: Session, subject_id: UUID, code: str) -> Visit | None:
    """The current version of a recorded visit."""
    row: Visit | None = latest(session, Visit, subject_id=subject_id, code=code)
    return row


# --- every subject -----------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Position:
    """A place in the list of all visits, whether or not a visit stands there today."""

    subject_id: UUID
    planned_on: date
    code: str

    def cursor(self) -> str:
        """The cursor that goes on after this place."""
        day = self.planned_on.toordinal().to_bytes(ORDINAL_BYTES)
        return encode(self.subject_id.bytes + day + self.code.encode())


def _read(cursor: str) -> Position:
    """The place that a cursor of ours names.

    Raises:
        BadCursor: it is not one.
    """
    held = decode(cursor)
    subject, day, code = held[:16], held[16 : 16 + ORDINAL_BYTES], held[16 + ORDINAL_BYTES :]
    try:
        return Position(
            UUID(bytes=subject), date.fromordinal(int.from_bytes(day)), code.decode("ascii")
        )
    except (ValueError, OverflowError):
        raise BadCursor from None


@dataclass(frozen=True)
class OfSubject:
    """A visit, and whose it is."""

    subject_id: UUID
    number: str
    site: str
    visit: Scheduled

    @property
    def position(self) -> Position:
        """Its place in the list of all visits."""
        planned = self.visit.planned
        return Position(
            self.subject_id, planned.planned_on if planned else date.max, self.visit.code
        )


@dataclass(frozen=True)
class Listed(OfSubject):
    """A visit in the list of one caller, who decides whether it waits for a grading."""

    awaits_grading: bool


def list_visits(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, asked: VisitQuery
) -> tuple[Sequence[Listed], str | None]:
    """Visits of the subjects of the caller's sites: by subject, then by planned day.

    Subjects are read in batches, each with one statement a table. A page reads
    `MOST_BATCHES` of them at most; one that filters out nearly everything may
    end there, with few visits or none and the cursor at which to go on.

    Raises:
        BadCursor: it is not one of ours.
    """
    remember_read(session)
    after = _read(asked.cursor) if asked.cursor is not None else None
    sites = [site for site in caller.sites if asked.site in (None, site)]
    shown: list[Listed] = []
    for batch in islice(_batches(session, sites, after), MOST_BATCHES):
        found = _listed(session, caller, list(of_subjects(session, clock, protocol, batch)))
        shown.extend(one for one in found if _asked_for(one, asked, after))
        if len(shown) > asked.limit:
            return shown[: asked.limit], shown[asked.limit - 1].position.cursor()
        if len(batch) < BATCH:
            return shown, None
    return shown, Position(batch[-1].id, date.max, LAST).cursor()


def _listed(session: Session, caller: Principal, visits: Sequence[OfSubject]) -> Iterator[Listed]:
    awaiting = awaiting_grading(session, caller, (one.visit for one in visits))
    for one in visits:
        awaits = (one.subject_id, one.visit.code) in awaiting
        yield Listed(one.subject_id, one.number, one.site, one.visit, awaits_grading=awaits)


def all_visits(
    session: Session, clock: Clock, protocol: Protocol, sites: Sequence[str]
) -> Iterator[OfSubject]:
    """Every visit of every subject of the sites, as `list_visits` orders them."""
    for batch in _batches(session, sites, None):
        yield from of_subjects(session, clock, protocol, batch)


def _batches(
    session: Session, sites: Sequence[str], after: Position | None
) -> Iterator[Sequence[Subject]]:
    """The sites' subjects in the order of their ids, the cursor's own subject first again."""
    query = select(Subject).where(col(Subject.site).in_(sites)).order_by(col(Subject.id))
    if after is not None:
        query = query.where(col(Subject.id) >= after.subject_id)
    while True:
        batch = session.exec(query.limit(BATCH)).all()
        yield batch
        if len(batch) < BATCH:
            return
        query = query.where(col(Subject.id) > batch[-1].id)


def of_subjects(
    session: Session, clock: Clock, protocol: Protocol, subjects: Sequence[Subject]
) -> Iterator[OfSubject]:
    """Every visit of some subjects, each subject's by planned day, with one statement a table."""
    ids = [subject.id for subject in subjects]
    courses = _courses(radiotherapies.current_of(session, ids))
    recorded, today = _recorded(session, ids), clock.today()
    for subject in subjects:
        rows = recorded.get(subject.id, {})
        visits = _calendar(subject, courses.get(subject.id), rows, today, protocol, kept=rows)
        found = [
            OfSubject(subject.id, subject.number, subject.site, visit)
            for visit in _all(visits, today, protocol)
        ]
        yield from sorted(found, key=lambda one: one.position)


def _asked_for(one: Listed, asked: VisitQuery, after: Position | None) -> bool:
    if after is not None and one.position <= after:
        return False
    if asked.status and one.visit.status not in asked.status:
        return False
    if asked.awaits_grading not in {None, one.awaits_grading}:
        return False
    planned = one.visit.planned
    if planned is None:
        return asked.from_ is None and asked.to is None
    return (asked.from_ or date.min) <= planned.planned_on <= (asked.to or date.max)

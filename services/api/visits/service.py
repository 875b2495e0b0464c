"""Recorded visits, gradings and the endpoint: the only user of their tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import new_id
from services.api.core.errors import Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.records import change, current, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.service import not_after
from services.api.protocol.schema import Protocol
from services.api.visits import endpoint_rules, grading_rules, rules
from services.api.visits.errors import (
    NoSchedule,
    NotTheAuthor,
    VisitHasGradings,
    VisitNotGraded,
    VisitNotRecorded,
)
from services.api.visits.models import Grading, Visit
from services.api.visits.schemas import GradingCreate, GradingPatch, VisitPut

COMPONENTS = ("mucosal_appearance", "ulceration", "pain_score", "analgesic", "diet")


@dataclass(frozen=True)
class Scheduled:
    """A visit as the schedule has it (None when it left the schedule) and as recorded."""

    code: str
    planned: rules.PlannedVisit | None
    recorded: Visit | None
    status: rules.Status
    flags: tuple[rules.Flag, ...]


# --- visits -------------------------------------------------------------------------


def _radiotherapy(session: Session, subject: Subject) -> rules.Radiotherapy | None:
    row = enrolment.radiotherapy_of(session, subject)
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


def schedule(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject
) -> list[Scheduled]:
    """The subject's visits in chronological order; empty before a radiotherapy plan."""
    radiotherapy = _radiotherapy(session, subject)
    planned = rules.schedule(radiotherapy, protocol.visits) if radiotherapy else ()
    recorded = _recorded(session, subject)
    slots = {
        visit.code: on
        for visit in planned
        if visit.slot and visit.code in recorded and (on := recorded[visit.code].visited_on)
    }
    listed = [
        _scheduled(visit, recorded.get(visit.code), slots, protocol, clock) for visit in planned
    ]
    left = recorded.keys() - {visit.code for visit in planned}
    return [*listed, *(_left(recorded[code]) for code in sorted(left))]


def _recorded(session: Session, subject: Subject) -> dict[str, Visit]:
    """The current version of each recorded visit, by its code."""
    rows = session.exec(
        select(Visit).where(Visit.subject_id == subject.id).order_by(col(Visit.version))
    )
    return {row.code: row for row in rows}


def _scheduled(
    planned: rules.PlannedVisit,
    recorded: Visit | None,
    slots: dict[str, date],
    protocol: Protocol,
    clock: Clock,
) -> Scheduled:
    on = recorded.visited_on if recorded else None
    missed = recorded is not None and on is None
    others = [day for code, day in slots.items() if code != planned.code]
    return Scheduled(
        code=planned.code,
        planned=planned,
        recorded=recorded,
        status=rules.status(planned, on, missed, clock.today()),
        flags=rules.flags(planned, on, others, protocol.visits) if on else (),
    )


def _left(recorded: Visit) -> Scheduled:
    """A recorded visit that left the schedule when the radiotherapy dates moved."""
    status = rules.Status.MISSED if recorded.visited_on is None else rules.Status.DONE
    return Scheduled(recorded.code, None, recorded, status, (rules.Flag.OUT_OF_WINDOW,))


def get_visit(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject, code: str
) -> Scheduled:
    """One visit of the subject.

    Raises:
        NotFound: the schedule has no such visit and none is recorded.
    """
    for visit in schedule(session, clock, protocol, subject):
        if visit.code == code:
            return visit
    raise NotFound


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
        NotFound, SubjectClosed, NoSchedule, StaleVersion, VisitHasGradings.
        Invalid: a date in the future, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_open(subject)
    not_after(clock.today(), given.date, "/date")
    if _radiotherapy(session, subject) is None:
        raise NoSchedule
    before = get_visit(session, clock, protocol, subject, code).recorded
    check_version(expected, before.version if before else 0)
    if any(row.assessed_on != given.date for row in gradings_at(session, subject, code)):
        raise VisitHasGradings
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
    return get_visit(session, clock, protocol, subject, code)


# --- gradings ------------------------------------------------------------------------


def gradings_of(session: Session, subject: Subject) -> Sequence[Grading]:
    """The current version of every grading of a subject, in the order of their making."""
    query = current(Grading).where(Grading.subject_id == subject.id).order_by(col(Grading.id))
    rows: Sequence[Grading] = session.exec(query).all()
    return rows


def gradings_at(session: Session, subject: Subject, code: str) -> list[Grading]:
    """The current gradings made at one visit."""
    return [row for row in gradings_of(session, subject) if row.visit == code]


def grade(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    code: str,
    given: GradingCreate,
) -> Grading:
    """Record the caller's grading at a visit that took place.

    Raises:
        NotFound, SubjectClosed, VisitNotGraded, VisitNotRecorded, AlreadyGraded.
        Invalid: assessed in the future or on another day than the visit.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_open(subject)
    visit = get_visit(session, clock, protocol, subject, code)
    if visit.planned is not None and not visit.planned.graded:
        raise VisitNotGraded
    if visit.recorded is None or visit.recorded.visited_on is None:
        raise VisitNotRecorded
    row = Grading(
        id=new_id(),
        site=subject.site,
        subject_id=subject.id,
        visit=code,
        version=1,
        assessor=caller.id,
        **_content(given.model_dump(), clock, protocol, visit.recorded.visited_on),
    )
    change(session, caller, row)
    return row


def _content(
    given: dict[str, Any], clock: Clock, protocol: Protocol, visited_on: date
) -> dict[str, Any]:
    """The columns of a grading: what was observed, and what follows from it."""
    not_after(clock.now(), given["assessed_at"], "/assessed_at")
    assessed_on = clock.local_date(given["assessed_at"])
    if assessed_on != visited_on:
        raise Invalid.at(
            "/assessed_at", "other_day", "Not on the local date recorded for the visit"
        )
    observed = {name: given[name] for name in COMPONENTS}
    derived = grading_rules.derive(observed, protocol.grading)
    return {
        **observed,
        **{f"derived_{scale}": value for scale, value in derived.items()},
        "grade": given["grade"],
        "assessed_at": given["assessed_at"],
        "assessed_on": assessed_on,
        "protocol_version": protocol.version,
    }


def get_grading(session: Session, caller: Principal, grading_id: UUID) -> Grading:
    """The current version of one grading at the caller's sites.

    Raises:
        NotFound: there is none.
    """
    row: Grading | None = latest(session, Grading, id=grading_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    return row


def grading_versions(session: Session, caller: Principal, grading_id: UUID) -> Sequence[Grading]:
    """Every version of one grading, oldest first.

    Raises:
        NotFound: no such grading at the caller's sites.
    """
    get_grading(session, caller, grading_id)
    query = select(Grading).where(Grading.id == grading_id).order_by(col(Grading.version))
    return session.exec(query).all()


def correct_grading(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    grading_id: UUID,
    expected: int,
    patch: GradingPatch,
) -> Grading:
    """Record a corrected version of the caller's own grading; the old one stays readable.

    Raises:
        NotFound, NotTheAuthor, SubjectClosed, StaleVersion.
        Invalid: assessed in the future or on another day than the visit.
    """
    found = get_grading(session, caller, grading_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_grading(session, caller, grading_id)
    if before.assessor != caller.id:
        raise NotTheAuthor
    enrolment.require_open(subject)
    check_version(expected, before.version)
    row = Grading(
        id=before.id,
        site=before.site,
        subject_id=before.subject_id,
        visit=before.visit,
        assessor=before.assessor,
        version=before.version + 1,
        reason=patch.reason,
        **_content({**before.model_dump(), **patch.changes()}, clock, protocol, before.assessed_on),
    )
    change(session, caller, row)
    return row


# --- the endpoint ----------------------------------------------------------------------


def endpoint(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, subject_id: UUID
) -> tuple[endpoint_rules.Outcome, dict[UUID, int]]:
    """The subject's outcome as of today, and the version of each grading it was derived from.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    gradings = gradings_of(session, subject)
    assessed = [
        endpoint_rules.Assessed(row.id, row.assessed_on, row.assessed_at, row.grade, row.visit)
        for row in gradings
    ]
    radiotherapy = _radiotherapy(session, subject)
    if radiotherapy is None:
        return endpoint_rules.NOTHING_YET, {}
    outcome = endpoint_rules.endpoint(
        assessed,
        radiotherapy,
        visits=protocol.visits,
        grading=protocol.grading,
        rule=protocol.endpoint,
        today=clock.today(),
    )
    return outcome, {row.id: row.version for row in gradings}

"""Recorded visits, gradings and the endpoint: the only user of their tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.core.audit import remember_read
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
from services.api.radiotherapy import service as radiotherapies
from services.api.signatures import service as signatures
from services.api.signatures.schemas import SignatureCreate
from services.api.visits import endpoint_rules, grading_rules, rules
from services.api.visits.errors import (
    NoSchedule,
    NotTheAuthor,
    VisitHasGradings,
    VisitNotGraded,
    VisitNotRecorded,
)
from services.api.visits.models import Grading, GradingSignature, Visit
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
    radiotherapy = _radiotherapy(session, subject)
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
    if given.date is None and gradings_at(session, subject, code):
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
    visits.recorded[code] = row
    return _scheduled(visits, code, clock, protocol)


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
        NotFound, SubjectClosed, NoConsent, VisitNotGraded, VisitNotRecorded, AlreadyGraded.
        Invalid: assessed in the future or on another day than the visit.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_open(subject)
    enrolment.require_consented(session, subject)
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
    remember_read(session, row.site, row.subject_id)
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
        **_content(
            {**before.model_dump(), **patch.changes()},
            clock,
            protocol,
            _visited_on(session, before),
        ),
    )
    change(session, caller, row)
    return row


def sign_grading(
    session: Session, caller: Principal, clock: Clock, grading_id: UUID, given: SignatureCreate
) -> tuple[GradingSignature, Grading]:
    """Sign the caller's own grading in its current version; answers both.

    Raises:
        NotFound, NotTheAuthor.
        PeopleOnly, Invalid, ReauthenticationFailed, TooManyRequests: as in `signatures.prove`.
        AlreadySigned, ContentChanged: as in `signatures.sign`.
    """
    found = get_grading(session, caller, grading_id)
    if found.assessor != caller.id:
        raise NotTheAuthor
    signer = signatures.prove(session, caller, GradingSignature, given)
    enrolment.get_subject(session, caller, found.subject_id, lock=True)
    grading = get_grading(session, caller, grading_id)
    signature = signatures.sign(
        session, clock, signer, GradingSignature, grading, given.content_hash, grading_id=grading_id
    )
    return signature, grading


def _visited_on(session: Session, grading: Grading) -> date:
    """The day now recorded for the visit at which the grading was made."""
    visit: Visit = latest(session, Visit, subject_id=grading.subject_id, code=grading.visit)
    if visit.visited_on is None:
        raise VisitNotRecorded
    return visit.visited_on


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

"""Gradings of oral mucositis: the only user of their tables."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.adjudications import service as adjudications
from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.making import new_id
from services.api.core.permissions import Role
from services.api.core.records import change, current, last_of_each, latest
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.service import not_after
from services.api.gradings import rules
from services.api.gradings.errors import (
    AlreadyGraded,
    GradedOnOtherDay,
    NotTheAuthor,
    SecondGradingByAssessor,
    VisitNotGraded,
    VisitNotRecorded,
)
from services.api.gradings.models import Grading, GradingSignature
from services.api.gradings.rules import Assessment, Doubt, Pair
from services.api.gradings.schemas import GradingCreate, GradingPatch
from services.api.protocol.schema import Protocol
from services.api.queries import service as queries
from services.api.signatures import service as signatures
from services.api.signatures.schemas import SignatureCreate
from services.api.visits import service as visits
from services.api.visits.rules import highest_grade

COMPONENTS = ("mucosal_appearance", "ulceration", "pain_score", "analgesic", "diet")
MENDED = "The grading was corrected, and the contradiction is gone."


def gradings_of(session: Session, subject: Subject) -> Sequence[Grading]:
    """The current version of every grading of a subject, in the order of their making."""
    query = current(Grading).where(Grading.subject_id == subject.id).order_by(col(Grading.id))
    rows: Sequence[Grading] = session.exec(query).all()
    return rows


def gradings_at(session: Session, caller: Principal, subject: Subject, code: str) -> list[Grading]:
    """The current gradings made at one visit, as far as the caller may see them."""
    rows = _made_at(session, subject.id, code)
    return [row for row in rows if not _concealed(caller, row, rows)]


def _made_at(session: Session, subject_id: UUID, code: str) -> list[Grading]:
    query = current(Grading).where(Grading.subject_id == subject_id, Grading.visit == code)
    return list(session.exec(query.order_by(col(Grading.id))).all())


def _concealed(caller: Principal, grading: Grading, at_visit: Sequence[Grading]) -> bool:
    """Whether it is kept from an assessor who may still grade the visit independently of it."""
    if caller.role is not Role.ASSESSOR or grading.assessor == caller.id:
        return False
    return all(row.assessor != caller.id for row in at_visit)


def doubts(row: Grading, protocol: Protocol) -> list[Doubt]:
    """The contradictions in a version of a grading."""
    return list(
        rules.doubts(
            row.grade,
            {name: getattr(row, name) for name in COMPONENTS},
            derived(row, protocol),
            highest_grade(row.visit, protocol.visits),
            protocol.grading,
        )
    )


def derived(row: Grading, protocol: Protocol) -> dict[str, int | None]:
    """The stored grade on each of the protocol's scales."""
    return {scale.id: getattr(row, f"derived_{scale.id}") for scale in protocol.grading.scales}


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

    When it differs from another one of the visit, an adjudication is opened;
    what contradicts itself in it raises data queries.

    Raises:
        NotFound, VisitNotGraded, VisitNotRecorded, AlreadyGraded.
        SubjectClosed, NoConsent, BeforeConsent, AfterLeaving: as in `enrolment.require_observed`.
        SecondGradingByAssessor: the visit was graded, and the caller could have read how.
        GradedOnOtherDay: the visit's day was corrected after it was graded.
        Invalid: assessed in the future or on another day than the visit.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    _require_observed(session, clock, subject, given.assessed_at)
    visit = visits.get_visit(session, clock, protocol, subject, code)
    if visit.planned is not None and not visit.planned.graded:
        raise VisitNotGraded
    if visit.recorded is None or visit.recorded.visited_on is None:
        raise VisitNotRecorded
    made = _made_at(session, subject.id, code)
    _require_independent(caller, made)
    if any(row.assessed_on != visit.recorded.visited_on for row in made):
        raise GradedOnOtherDay
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
    _tell(session, EventType.GRADING_RECORDED, row)
    _follow_up(session, caller, clock, protocol, subject, row, before=(), at_visit=[*made, row])
    return row


def _tell(session: Session, kind: EventType, row: Grading) -> None:
    announce(session, kind, row.id, site=row.site, subject_id=row.subject_id)


def _require_observed(
    session: Session, clock: Clock, subject: Subject, assessed_at: datetime | None
) -> None:
    not_after(clock.now(), assessed_at, "/assessed_at")
    day = clock.local_date(assessed_at) if assessed_at is not None else None
    enrolment.require_observed(session, subject, day)


def _require_independent(caller: Principal, made: Sequence[Grading]) -> None:
    """Refuse a second grading by the same person, or by one who could have read the first.

    Raises:
        AlreadyGraded, SecondGradingByAssessor.
    """
    if any(row.assessor == caller.id for row in made):
        raise AlreadyGraded
    if made and caller.role is not Role.ASSESSOR:
        raise SecondGradingByAssessor


def _follow_up(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    row: Grading,
    before: Sequence[Doubt],
    at_visit: Iterable[Grading],
) -> None:
    """Ask about contradictions that are new, settle those that are gone, open an adjudication."""
    of_grading = {"record": "grading", "record_id": str(row.id)}
    now = doubts(row, protocol)
    for doubt in now:
        if doubt not in before:
            queries.raise_by_system(
                session,
                caller,
                clock,
                subject,
                **of_grading,
                field=doubt.field,
                code=doubt.code,
                text=doubt.text,
            )
    for doubt in before:
        if doubt not in now:
            queries.settle_by_system(
                session, caller, subject, **of_grading, code=doubt.code, text=MENDED
            )
    if rules.differ(one.grade for one in at_visit):
        adjudications.open_for(session, caller, protocol, subject, row.visit)


def _content(
    given: dict[str, Any], clock: Clock, protocol: Protocol, visited_on: date
) -> dict[str, Any]:
    """The columns of a grading: what was observed, and what follows from it."""
    assessed_on = clock.local_date(given["assessed_at"])
    if assessed_on != visited_on:
        raise Invalid.at(
            "/assessed_at", "other_day", "Not on the local date recorded for the visit"
        )
    observed = {name: given[name] for name in COMPONENTS}
    grades = rules.derive(observed, protocol.grading)
    return {
        **observed,
        **{f"derived_{scale}": value for scale, value in grades.items()},
        "grade": given["grade"],
        "assessed_at": given["assessed_at"],
        "assessed_on": assessed_on,
        "protocol_version": protocol.version,
    }


def get_grading(session: Session, caller: Principal, grading_id: UUID) -> Grading:
    """The current version of one grading at the caller's sites.

    An assessor finds the grading of another one only after grading the visit too.

    Raises:
        NotFound: there is none.
    """
    row: Grading | None = latest(session, Grading, id=grading_id)
    if row is None or row.site not in caller.sites:
        raise NotFound
    if _concealed(caller, row, _made_at(session, row.subject_id, row.visit)):
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
        NotFound, NotTheAuthor, StaleVersion, VisitNotRecorded.
        SubjectClosed, BeforeConsent, AfterLeaving: as in `enrolment.require_observed`.
        Invalid: assessed in the future or on another day than the visit.
    """
    found = get_grading(session, caller, grading_id)
    subject = enrolment.get_subject(session, caller, found.subject_id, lock=True)
    before = get_grading(session, caller, grading_id)
    if before.assessor != caller.id:
        raise NotTheAuthor
    check_version(expected, before.version)
    changes = patch.changes()
    given = {**before.model_dump(), **changes}
    # Another time is looked at; what was accepted may be corrected although the subject left since.
    _require_observed(session, clock, subject, changes.get("assessed_at"))
    row = Grading(
        id=before.id,
        site=before.site,
        subject_id=before.subject_id,
        visit=before.visit,
        assessor=before.assessor,
        version=before.version + 1,
        reason=patch.reason,
        **_content(given, clock, protocol, _visited_on(session, before)),
    )
    change(session, caller, row)
    _tell(session, EventType.GRADING_CORRECTED, row)
    made = _made_at(session, subject.id, row.visit)
    _follow_up(
        session,
        caller,
        clock,
        protocol,
        subject,
        row,
        before=doubts(before, protocol),
        at_visit=made,
    )
    queries.settle_by_system(
        session,
        caller,
        subject,
        record="grading",
        record_id=str(row.id),
        code=visits.OTHER_DAY,
        text="The grading is of the visit's day again.",
    )
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
    visit = visits.recorded(session, grading.subject_id, grading.visit)
    if visit is None or visit.visited_on is None:
        raise VisitNotRecorded
    return visit.visited_on


# --- what the analysis reads --------------------------------------------------------------


def assessments(session: Session, subject: Subject) -> list[Assessment]:
    """The grade that counts at each visit of one subject; see `rules.assessments`."""
    return rules.assessments(
        gradings_of(session, subject), adjudications.of_subject(session, subject)
    )


_TABLE = SQLModel.metadata.tables["grading"]


def all_assessments(session: Session, sites: Collection[str]) -> Mapping[UUID, list[Assessment]]:
    """The grade that counts at each visit of every graded subject of the sites.

    Two statements, whatever the number of subjects.
    """
    columns = ("subject_id", "id", "version", "visit", "assessed_at", "assessed_on", "grade")
    query = columns_of(*(_TABLE.c[name] for name in columns)).where(_TABLE.c.site.in_(sites))
    graded: dict[UUID, list[Any]] = {}
    # Grouped here: a sort by the primary key is cheaper than two.
    for row in session.connection().execute(last_of_each(query, _TABLE.c, "id")):
        graded.setdefault(row.subject_id, []).append(row)
    adjudicated: dict[UUID, list[Any]] = {}
    for row in adjudications.of_sites(session, sites):
        adjudicated.setdefault(row.subject_id, []).append(row)
    return {
        subject_id: rules.assessments(rows, adjudicated.get(subject_id, ()))
        for subject_id, rows in graded.items()
    }


def pairs(session: Session, sites: Collection[str]) -> list[Pair]:
    """The first two gradings of every visit that has two, as they were first entered.

    Neither assessor could see the other's before; later versions are left out.
    """
    columns = ("site", "subject_id", "visit", "assessor", "assessed_on", "grade")
    turn = func.row_number().over(
        partition_by=(_TABLE.c.subject_id, _TABLE.c.visit), order_by=_TABLE.c.id
    )
    entered = columns_of(*(_TABLE.c[name] for name in columns), turn.label("turn"))
    made = entered.where(_TABLE.c.version == 1, _TABLE.c.site.in_(sites)).cte("made")
    first, second = made.alias("first"), made.alias("second")
    both = columns_of(
        first.c.site,
        first.c.subject_id,
        first.c.visit,
        first.c.assessor,
        second.c.assessor,
        first.c.grade,
        second.c.grade,
    ).join_from(
        first,
        second,
        (first.c.subject_id == second.c.subject_id)
        & (first.c.visit == second.c.visit)
        & (first.c.assessed_on == second.c.assessed_on),
    )
    chosen = both.where(first.c.turn == 1, second.c.turn == 2)
    ordered = chosen.order_by(first.c.site, first.c.subject_id, first.c.visit)
    return [Pair(*row) for row in session.connection().execute(ordered)]

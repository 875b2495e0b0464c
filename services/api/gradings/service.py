"""Gradings of oral mucositis: the only user of their tables."""

from collections.abc import Sequence
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
from services.api.gradings import rules
from services.api.gradings.errors import NotTheAuthor, VisitNotGraded, VisitNotRecorded
from services.api.gradings.models import Grading, GradingSignature
from services.api.gradings.schemas import GradingCreate, GradingPatch
from services.api.protocol.schema import Protocol
from services.api.signatures import service as signatures
from services.api.signatures.schemas import SignatureCreate
from services.api.visits import service as visits

COMPONENTS = ("mucosal_appearance", "ulceration", "pain_score", "analgesic", "diet")


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
    visit = visits.get_visit(session, clock, protocol, subject, code)
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
    derived = rules.derive(observed, protocol.grading)
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
    visit = visits.recorded(session, grading.subject_id, grading.visit)
    if visit is None or visit.visited_on is None:
        raise VisitNotRecorded
    return visit.visited_on

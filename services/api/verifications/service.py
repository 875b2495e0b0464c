"""Source data verification of gradings: the only user of its table."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns_of
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.pagination import PageQuery, page
from services.api.enrolment import service as enrolment
from services.api.gradings import service as gradings
from services.api.gradings.models import Grading
from services.api.verifications.errors import NotTheCurrentVersion
from services.api.verifications.models import Verification
from services.api.verifications.rules import VerificationState
from services.api.verifications.schemas import VerificationCreate, WorkFilter


def verify(
    session: Session, caller: Principal, grading_id: UUID, given: VerificationCreate
) -> Verification:
    """Record that the caller compared a grading, as it stands, with its source.

    Raises:
        NotFound: no such grading at the caller's sites.
        NotTheCurrentVersion: the grading has been corrected since, or never had that version.
        AlreadyVerified: someone compared this version before.
    """
    found = gradings.get_grading(session, caller, grading_id)
    enrolment.get_subject(session, caller, found.subject_id, lock=True)
    grading = gradings.get_grading(session, caller, grading_id)
    if given.version != grading.version:
        raise NotTheCurrentVersion
    row = Verification(
        site=grading.site,
        subject_id=grading.subject_id,
        recorded_by=caller.id,
        grading_id=grading.id,
        name=caller.name,
        **given.model_dump(),
    )
    session.add(row)
    session.flush()
    return row


def list_of_grading(
    session: Session, caller: Principal, grading_id: UUID, asked: PageQuery
) -> tuple[Sequence[Verification], str | None]:
    """The verifications of one grading, oldest first.

    Raises:
        NotFound: no such grading at the caller's sites.
    """
    gradings.get_grading(session, caller, grading_id)
    query = select(Verification).where(Verification.grading_id == grading_id)
    return page(session, query, Verification.id, asked)


# --- the monitor's work list -------------------------------------------------------------

_NEWER = aliased(Grading)
_SUPERSEDED = (
    select(_NEWER.id).where(_NEWER.id == Grading.id, _NEWER.version == Grading.version + 1).exists()
)
_VERIFIED = (
    select(func.max(Verification.version))
    .where(Verification.grading_id == Grading.id)
    .correlate(Grading)
    .scalar_subquery()
)
_IN_STATE: dict[VerificationState, ColumnElement[bool]] = {
    VerificationState.VERIFIED: col(Grading.version) == _VERIFIED,
    VerificationState.OUTDATED: col(Grading.version) > _VERIFIED,
    VerificationState.MISSING: _VERIFIED.is_(None),
}


def list_work(
    session: Session, caller: Principal, asked: WorkFilter
) -> tuple[Sequence[Any], str | None]:
    """The gradings at the caller's sites, each with its current version and the last verified."""
    query = columns_of(
        col(Grading.id),
        col(Grading.site),
        col(Grading.subject_id),
        col(Grading.visit),
        col(Grading.version).label("current"),
        _VERIFIED.label("verified"),
    ).where(col(Grading.site).in_(caller.sites), ~_SUPERSEDED)
    if asked.site is not None:
        query = query.where(col(Grading.site) == asked.site)
    if asked.state is not None:
        query = query.where(_IN_STATE[asked.state])
    rows, cursor = page(session, query, Grading.id, asked)
    remember_read(session)
    return rows, cursor

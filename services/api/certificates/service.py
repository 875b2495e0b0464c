"""Certificates of assessors: the only user of their table."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_, false, literal, or_
from sqlmodel import Session, col, select

from services.api.accounts.service import get_user
from services.api.certificates.models import Certificate
from services.api.certificates.rules import Validities, by_assessor
from services.api.certificates.schemas import (
    CertificateCreate,
    CertificatePatch,
    CertificateQuery,
)
from services.api.core.auth import Principal
from services.api.core.errors import Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.making import new_id
from services.api.core.pagination import page
from services.api.core.permissions import GRANTS, SITE_BOUND, Action, Role
from services.api.core.records import change, current
from services.api.identity.models import Account


def validities(session: Session, assessors: Collection[UUID]) -> Validities:
    """The days for which each of these accounts is certified, as recorded now."""
    found = current(Certificate).where(col(Certificate.assessor).in_(assessors))
    rows = session.exec(found).all()
    return by_assessor((row.assessor, row.valid_from, row.valid_until) for row in rows)


def list_certificates(
    session: Session, caller: Principal, asked: CertificateQuery
) -> tuple[Sequence[Certificate], str | None]:
    """The certificates that the caller may see."""
    query = _visible(caller)
    if asked.assessor is not None:
        query = query.where(Certificate.assessor == asked.assessor)
    return page(session, query, Certificate.id, asked)


def get_certificate(session: Session, caller: Principal, certificate_id: UUID) -> Certificate:
    """One certificate that the caller may see, in its current version.

    Raises:
        NotFound: there is none.
    """
    query = _visible(caller).where(Certificate.id == certificate_id)
    row: Certificate | None = session.exec(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def _visible(caller: Principal) -> Any:
    """The current certificates: of everybody, of the caller's sites, or the assessor's own."""
    query = current(Certificate)
    if caller.role is Role.ASSESSOR:
        return query.where(Certificate.assessor == caller.id)
    if caller.role in SITE_BOUND:
        own = [literal(site) == any_(col(Account.sites)) for site in caller.sites]
        colleagues = select(Account.id).where(or_(false(), *own))
        return query.where(col(Certificate.assessor).in_(colleagues))
    return query


def certify(session: Session, caller: Principal, given: CertificateCreate) -> Certificate:
    """Record that someone was trained in grading.

    Raises:
        Invalid: there is no such user, or their role never grades.
    """
    _require_grader(session, given.assessor)
    row = Certificate(id=new_id(), version=1, recorded_by=caller.id, **given.model_dump())
    change(session, caller, row)
    return row


def change_certificate(
    session: Session,
    caller: Principal,
    certificate_id: UUID,
    expected: int,
    patch: CertificatePatch,
) -> Certificate:
    """Correct a certificate, or end it early; the version before stays in the trail.

    Raises:
        NotFound, StaleVersion.
        Invalid: the last day would be before the first.
    """
    found = get_certificate(session, caller, certificate_id)
    get_user(session, found.assessor, lock=True)
    before = get_certificate(session, caller, certificate_id)
    check_version(expected, before.version)
    kept = before.model_dump(exclude={"recorded_at", "reason", "version"})
    row = Certificate(
        **{**kept, **patch.changes()}, version=before.version + 1, reason=patch.reason
    )
    if row.valid_until < row.valid_from:
        raise Invalid.at("/valid_until", "before_start", "Not before the certificate's first day")
    change(session, caller, row)
    return row


def _require_grader(session: Session, account_id: UUID) -> None:
    try:
        role = Role(get_user(session, account_id).role)
    except NotFound:
        raise Invalid.at("/assessor", "unknown", "There is no such user") from None
    if Action.GRADE not in GRANTS[role]:
        raise Invalid.at("/assessor", "never_grades", "The user's role does not grade")

"""Certificates of assessors over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.certificates import service
from services.api.certificates.schemas import (
    CertificateCreate,
    CertificateId,
    CertificatePage,
    CertificatePatch,
    CertificateQuery,
    CertificateRead,
)
from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    RecordLocked,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router

router = Router(prefix="/v1/certificates", tags=["certificates"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_CERTIFICATES))]


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_certificates(
    caller: Reader, session: SessionDep, asked: Annotated[CertificateQuery, Query()]
) -> CertificatePage:
    """Who is certified to grade at your sites; an assessor reads their own certificates.

    A certificate covers the gradings of the days from `valid_from` through `valid_until`.
    """
    rows, cursor = service.list_certificates(session, caller, asked)
    items = [CertificateRead.model_validate(row) for row in rows]
    return CertificatePage(items=items, next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(Unauthorized, Forbidden, Invalid, RecordLocked, *KEY_REFUSALS),
)
def record_certificate(
    given: CertificateCreate,
    caller: Annotated[Principal, Depends(require(Action.CERTIFY))],
    session: SessionDep,
) -> CertificateRead:
    """Record that an assessor or investigator was trained in grading.

    Gradings of days that no certificate covers are stored and flagged; a
    certificate that is entered late takes the flag away.
    """
    return CertificateRead.model_validate(service.certify(session, caller, given))


@router.get("/{certificate_id}", responses=responses(*ONE))
def read_certificate(
    certificate_id: CertificateId, caller: Reader, session: SessionDep
) -> CertificateRead:
    """One certificate in its current version."""
    return CertificateRead.model_validate(service.get_certificate(session, caller, certificate_id))


@router.patch(
    "/{certificate_id}",
    responses=responses(*ONE, Invalid, RecordLocked, StaleVersion, IfMatchMissing),
)
def change_certificate(
    certificate_id: CertificateId,
    patch: Annotated[CertificatePatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CERTIFY))],
    expected: IfMatch,
    session: SessionDep,
) -> CertificateRead:
    """Correct a certificate, or end it early by an earlier last day.

    Gradings of days that it no longer covers are flagged from then on; none is lost.
    """
    row = service.change_certificate(session, caller, certificate_id, expected, patch)
    return CertificateRead.model_validate(row)

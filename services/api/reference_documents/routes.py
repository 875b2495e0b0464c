"""Reference safety information over HTTP."""

from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    responses,
)
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.reference_documents import service
from services.api.reference_documents.errors import VersionPublished
from services.api.reference_documents.schemas import (
    DocumentVersion,
    ReferenceDocumentCreate,
    ReferenceDocumentPage,
    ReferenceDocumentRead,
)

router = Router(prefix="/v1/safety/reference-documents", tags=["reference documents"])

Reader = Annotated[Principal, Depends(require(Action.READ_REFERENCE_DOCUMENTS))]


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_reference_documents(
    _: Reader, session: SessionDep, asked: PageDep
) -> ReferenceDocumentPage:
    """Every version of the reference safety information, by which events are expected or not."""
    rows, cursor = service.list_documents(session, asked)
    items = [ReferenceDocumentRead.model_validate(row) for row in rows]
    return ReferenceDocumentPage(items=items, next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(Unauthorized, Forbidden, VersionPublished, Invalid, *KEY_REFUSALS),
)
def publish_reference_document(
    given: ReferenceDocumentCreate,
    caller: Annotated[Principal, Depends(require(Action.PUBLISH_REFERENCE_DOCUMENT))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> ReferenceDocumentRead:
    """Publish a version of the reference safety information; it never changes afterwards.

    It decides for events that begin on `effective_on` or later, until the
    next version takes effect. Only the trial's first version may take effect
    before today. Assessments that were made stay as they are, with the
    version that they were made by.
    """
    row = service.publish(session, caller, clock, protocol, given)
    return ReferenceDocumentRead.model_validate(row)


@router.get("/{version}", responses=responses(Unauthorized, Forbidden, NotFound))
def read_reference_document(
    version: DocumentVersion, _: Reader, session: SessionDep
) -> ReferenceDocumentRead:
    """One version of the reference safety information."""
    return ReferenceDocumentRead.model_validate(service.get_document(session, version))

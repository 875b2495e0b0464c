"""Source data verification over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
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
from services.api.gradings.schemas import GradingId
from services.api.verifications import service
from services.api.verifications.errors import AlreadyVerified, NotTheCurrentVersion
from services.api.verifications.rules import state_of
from services.api.verifications.schemas import (
    GradingToVerify,
    GradingToVerifyPage,
    VerificationCreate,
    VerificationPage,
    VerificationRead,
    WorkFilter,
)

router = Router(prefix="/v1", tags=["verifications"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_VERIFICATIONS))]


@router.get("/gradings/{grading_id}/verifications", responses=responses(*ONE, BadCursor))
def list_grading_verifications(
    grading_id: GradingId, caller: Reader, session: SessionDep, asked: PageDep
) -> VerificationPage:
    """Who compared which versions of a grading with their source."""
    rows, cursor = service.list_of_grading(session, caller, grading_id, asked)
    items = [VerificationRead.model_validate(row) for row in rows]
    return VerificationPage(items=items, next_cursor=cursor)


@router.post(
    "/gradings/{grading_id}/verifications",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*ONE, NotTheCurrentVersion, AlreadyVerified, Invalid, *KEY_REFUSALS),
)
def verify_grading(
    grading_id: GradingId,
    given: VerificationCreate,
    caller: Annotated[Principal, Depends(require(Action.VERIFY_SOURCE))],
    session: SessionDep,
) -> VerificationRead:
    """Record that a grading, in its current version, agrees with its source.

    Where it does not, raise a query instead. A correction makes the grading
    need verifying again.
    """
    return VerificationRead.model_validate(service.verify(session, caller, grading_id, given))


@router.get("/verifications", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_verifications(
    caller: Reader, session: SessionDep, asked: Annotated[WorkFilter, Query()]
) -> GradingToVerifyPage:
    """The gradings at your sites and where each stands in source data verification.

    It is the monitor's work list: filter by `state` for what is still to be compared.
    """
    rows, cursor = service.list_work(session, caller, asked)
    items = [
        GradingToVerify(
            grading_id=row.id,
            site=row.site,
            subject_id=row.subject_id,
            visit=row.visit,
            current=row.current,
            verified=row.verified,
            state=state_of(row.current, row.verified),
        )
        for row in rows
    ]
    return GradingToVerifyPage(items=items, next_cursor=cursor)

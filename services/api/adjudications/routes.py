"""Adjudications over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.adjudications import service
from services.api.adjudications.errors import AdjudicatorGraded
from services.api.adjudications.models import Adjudication
from services.api.adjudications.schemas import (
    AdjudicationId,
    AdjudicationPage,
    AdjudicationPatch,
    AdjudicationQuery,
    AdjudicationRead,
    AdjudicationStatus,
)
from services.api.core.auth import Principal, require
from services.api.core.context import ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router

router = Router(prefix="/v1/adjudications", tags=["adjudications"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_ADJUDICATIONS))]


def _read(row: Adjudication) -> AdjudicationRead:
    decided = row.grade is not None
    return AdjudicationRead.model_validate(
        {
            **row.model_dump(),
            "status": AdjudicationStatus.DECIDED if decided else AdjudicationStatus.OPEN,
            "adjudicator": row.recorded_by if decided else None,
        }
    )


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_adjudications(
    caller: Reader, session: SessionDep, asked: Annotated[AdjudicationQuery, Query()]
) -> AdjudicationPage:
    """Visits of your sites whose gradings differ or differed, in their current version.

    The endpoint waits for those that are `open`.
    """
    rows, cursor = service.list_adjudications(session, caller, asked)
    return AdjudicationPage(items=[_read(row) for row in rows], next_cursor=cursor)


@router.get("/{adjudication_id}", responses=responses(*ONE))
def read_adjudication(
    adjudication_id: AdjudicationId, caller: Reader, session: SessionDep
) -> AdjudicationRead:
    """One adjudication in its current version."""
    return _read(service.get_adjudication(session, caller, adjudication_id))


@router.patch(
    "/{adjudication_id}",
    responses=responses(*ONE, AdjudicatorGraded, Invalid, StaleVersion, IfMatchMissing),
)
def decide_adjudication(
    adjudication_id: AdjudicationId,
    given: Annotated[AdjudicationPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.ADJUDICATE))],
    expected: IfMatch,
    session: SessionDep,
    protocol: ProtocolDep,
) -> AdjudicationRead:
    """Decide which grade counts for the visit, or correct the decision.

    The adjudicator is an investigator of the site who graded nothing at the
    visit. The gradings stay as they are; the endpoint reads the decision.
    """
    return _read(service.decide(session, caller, protocol, adjudication_id, expected, given))

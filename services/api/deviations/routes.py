"""Protocol deviations over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep
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
from services.api.deviations import service
from services.api.deviations.schemas import (
    DeviationCreate,
    DeviationPage,
    DeviationQuery,
    DeviationRead,
)
from services.api.enrolment.schemas import SubjectId

router = Router(prefix="/v1", tags=["deviations"])
ONE = (Unauthorized, Forbidden, NotFound)


Reader = Annotated[Principal, Depends(require(Action.READ_DEVIATIONS))]


@router.get("/deviations", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_all_deviations(
    caller: Reader, session: SessionDep, asked: Annotated[DeviationQuery, Query()]
) -> DeviationPage:
    """Departures from the protocol at your sites, in the order of their recording."""
    rows, cursor = service.list_all(session, caller, asked)
    items = [DeviationRead.model_validate(row) for row in rows]
    return DeviationPage(items=items, next_cursor=cursor)


@router.get("/subjects/{subject_id}/deviations", responses=responses(*ONE, BadCursor))
def list_deviations(
    subject_id: SubjectId,
    caller: Reader,
    session: SessionDep,
    asked: PageDep,
) -> DeviationPage:
    """Departures from the protocol, reported by people or noticed by the service.

    The service notes those that follow from what is recorded, such as a randomization later
    than the protocol asks for.
    """
    rows, cursor = service.list_deviations(session, caller, subject_id, asked)
    items = [DeviationRead.model_validate(row) for row in rows]
    return DeviationPage(items=items, next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/deviations",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*ONE, Invalid, *KEY_REFUSALS),
)
def report_deviation(
    subject_id: SubjectId,
    given: DeviationCreate,
    caller: Annotated[Principal, Depends(require(Action.RECORD_DEVIATION))],
    session: SessionDep,
    clock: ClockDep,
) -> DeviationRead:
    """Report a departure from the protocol.

    It stays as it is reported: a mistaken one is answered by a data query.
    """
    return DeviationRead.model_validate(service.report(session, caller, clock, subject_id, given))

"""The movable clock. In production these routes do not exist."""

from fastapi import Depends

from services.api.core.auth import open_to_all
from services.api.core.context import ClockDep
from services.api.core.db import SessionDep
from services.api.core.errors import Invalid, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.sandbox import service
from services.api.sandbox.errors import ClockRunsForward
from services.api.sandbox.schemas import ClockMove, ClockRead

router = Router(
    prefix="/sandbox", tags=["sandbox"], dependencies=[Depends(open_to_all(Action.MOVE_CLOCK))]
)


@router.get("/clock")
async def read_clock(clock: ClockDep) -> ClockRead:
    """Clinical time: what `today` and every `future` refusal refer to.

    A practice installation stands at any day you moved it to; tokens and the audit trail go
    on in real time.
    """
    return ClockRead(now=clock.now(), today=clock.today())


@router.post("/clock", responses=responses(ClockRunsForward, Invalid))
def move_clock(to: ClockMove, session: SessionDep, clock: ClockDep) -> ClockRead:
    """Move clinical time forward, so that months of a trial pass in minutes.

    Tokens, audit stamps and limits go on in real time.
    """
    clock.offset = service.move_clock(session, clock, to.now)
    return ClockRead(now=clock.now(), today=clock.today())

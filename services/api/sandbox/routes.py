"""The movable clock and the scenarios. In production these routes do not exist."""

from fastapi import Depends

from services.api.core.auth import open_to_all
from services.api.core.context import ClockDep
from services.api.core.db import SessionDep
from services.api.core.errors import Invalid, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.sandbox import service
from services.api.sandbox.errors import ClockRunsForward, ResetNotPossible, ResetUnderWay
from services.api.sandbox.scenarios import DESCRIPTIONS
from services.api.sandbox.schemas import (
    ClockMove,
    ClockRead,
    PlayedRead,
    ResetOrder,
    ResetRead,
    ScenarioList,
    ScenarioRead,
)
from services.api.sandbox.stage import StageDep

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


@router.get("/scenarios")
def list_scenarios(session: SessionDep, stage: StageDep) -> ScenarioList:
    """The scenarios that a reset can begin with, and the one that is played now."""
    scenario, seed = service.played(session)
    return ScenarioList(
        items=[
            ScenarioRead(name=name, description=description)
            for name, description in DESCRIPTIONS.items()
        ],
        played=PlayedRead(scenario=scenario, seed=seed, next_reset_at=stage.next_reset_at),
    )


@router.post("/reset", responses=responses(ResetUnderWay, ResetNotPossible))
def reset_sandbox(order: ResetOrder, stage: StageDep, clock: ClockDep) -> ResetRead:
    """Throw everything away and begin anew with a scenario.

    Its first use takes up to half a minute, while the sandbox goes on; every
    later one two or three seconds, in which all other requests are answered
    503 with Retry-After. Access tokens from before are refused afterwards.
    """
    played = stage.reset(order.scenario, order.seed)
    return ResetRead(
        scenario=played.scenario,
        seed=played.seed,
        next_reset_at=stage.next_reset_at,
        now=clock.now(),
        today=clock.today(),
    )

"""Who can set a sandbox back to a scenario: whoever started it, if the PostgreSQL allows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request

from services.api.sandbox.errors import ResetNotPossible
from services.api.sandbox.scenarios import Scenario


@dataclass(frozen=True)
class Played:
    """What a sandbox began with."""

    scenario: Scenario
    seed: int


class Stage(Protocol):
    """The databases of a sandbox; `next_reset_at` is when it is reset by itself, if ever."""

    next_reset_at: datetime | None

    def reset(self, scenario: Scenario | None, seed: int | None) -> Played:
        """Begin anew with a scenario and a seed; what is not given is as it was.

        Raises:
            ResetUnderWay: another reset is at work.
            ResetNotPossible: the PostgreSQL does not allow it; says what to do.
        """


class NoStage:
    """Of an application that nobody started as a sandbox of its own."""

    next_reset_at: datetime | None = None

    def reset(
        self,
        scenario: Scenario | None,  # noqa: ARG002 -- the signature is Stage's
        seed: int | None,  # noqa: ARG002 -- the signature is Stage's
    ) -> Played:
        """Refuse: there is nobody who could."""
        raise ResetNotPossible("Start the sandbox with trial serve --sandbox.")


async def _stage(request: Request) -> Stage:
    stage: Stage = request.app.state.stage
    return stage


StageDep = Annotated[Stage, Depends(_stage)]

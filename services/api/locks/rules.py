"""The states of a record, and the moves between them, as data.

`open`: the site records. `frozen`: the site no longer changes clinical data,
while safety reporting, withdrawals of consent, queries, source data
verification, the data manager's corrections and the safety officer's
assessments go on. `locked`: nobody changes anything.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from services.api.language.wording import Wording


class LockState(StrEnum):
    """What may be written about a subject, or about any subject of the trial."""

    OPEN = "open"
    FROZEN = "frozen"
    LOCKED = "locked"


MOVES: Mapping[LockState, Collection[LockState]] = {
    LockState.OPEN: {LockState.FROZEN, LockState.LOCKED},
    LockState.FROZEN: {LockState.OPEN, LockState.LOCKED},
    LockState.LOCKED: {LockState.OPEN, LockState.FROZEN},
}
"""Where each state leads: everywhere but to itself, for every step has its own reason."""


def may_move(state: LockState, to: LockState) -> bool:
    """Whether a record in that state may be put into the other."""
    return to in MOVES[state]


def must_be_settled(to: LockState) -> bool:
    """Whether the state waits for the review: a locked record takes no answer and no decision."""
    return to is LockState.LOCKED


def what_is_left(queries: int, adjudications: int) -> str:
    """What of the review is still open, for whoever wants to lock."""
    asked = "{queries} query is" if queries == 1 else "{queries} queries are"
    disputed = (
        "{disputed} adjudication is" if adjudications == 1 else "{disputed} adjudications are"
    )
    return Wording(f"{asked} not closed, {disputed} open.", queries=queries, disputed=adjudications)

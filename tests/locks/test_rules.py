"""The states of a record and the moves between them."""

from itertools import product

import pytest

from services.api.locks.rules import MOVES, LockState, may_move, must_be_settled, what_is_left


@pytest.mark.parametrize(("state", "to"), list(product(LockState, LockState)))
def test_every_state_leads_to_every_other_and_never_to_itself(
    state: LockState, to: LockState
) -> None:
    assert may_move(state, to) == (state is not to)


def test_every_state_has_its_moves() -> None:
    assert MOVES.keys() == set(LockState)


def test_only_a_locked_record_waits_for_its_queries() -> None:
    assert {state for state in LockState if must_be_settled(state)} == {LockState.LOCKED}


def test_what_is_left_names_queries_and_adjudications() -> None:
    assert what_is_left(1, 0) == "1 query is not closed, 0 adjudications are open."
    assert what_is_left(2, 1) == "2 queries are not closed, 1 adjudication is open."

"""What an allocation costs does not tell an arm: the same statements, the same questions, sizes.

No time is measured: the work is shown to be the same work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from services.api.embedded import Cluster
from services.api.randomization.rules import AllocationList
from tests.concealment.watched import Watched
from tests.concealment.worlds import LIST, Held, Trial, World, flipped, world
from tests.conftest import Served
from tests.make import created, ok

Statement = tuple[str, tuple[object, ...]]
ARMS = LIST.design.arm_codes


@contextmanager
def statements(opened: World) -> Iterator[list[Statement]]:
    """Every statement that is sent meanwhile, in either pool, with its parameters."""
    sent: list[Statement] = []

    def send(*given: Any) -> None:
        _, _, statement, parameters, *_ = given
        values = parameters.values() if isinstance(parameters, dict) else parameters or ()
        sent.append((statement, tuple(map(alike, values))))

    engines = [opened.api.state.database.engine, opened.api.state.database._aside]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", send)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", send)


def alike(value: object) -> object:
    """A parameter without its arm, and of what is new each time its type: ids, times, digests."""
    if isinstance(value, str):
        return "(tag)" if value.startswith("ETag") else "(arm)" if value in ARMS else value
    return value if isinstance(value, int | None) else type(value).__name__


Work = tuple[list[Statement], int, str, list[tuple[object, ...]]]


def work(cluster: Cluster, served: Served, trial: Trial, made: AllocationList) -> Work:
    """What the allocation of the waiting subject at NN takes: statements, size, arm, questions."""
    path, watched = f"/v1/subjects/{trial.records['ready']}/randomization", Watched(made)
    with (
        world(cluster, served, trial, "worked", made, Held(watched.as_list())) as here,
        statements(here) as sent,
    ):
        answer = here.api.as_("investigator").post(path, key="once")
    arm = created(answer)["arm"]
    return sent, len(answer.content) - len(arm), arm, watched.asked


@pytest.fixture(scope="module")
def here(cluster: Cluster, served: Served, trial: Trial) -> Work:
    return work(cluster, served, trial, LIST)


@pytest.fixture(scope="module")
def there(cluster: Cluster, served: Served, trial: Trial) -> Work:
    """Where the slot holds the other arm."""
    return work(cluster, served, trial, trial.list(flipped))


def test_either_arm_takes_the_same_statements_and_as_long_an_answer(
    here: Work, there: Work
) -> None:
    """The answer holds the arm's code and is longer or shorter by that alone."""
    assert {here[2], there[2]} == {*ARMS}
    assert here[0] == there[0]
    assert here[1] == there[1]


def test_no_statement_s_text_names_an_arm(here: Work) -> None:
    """Texts are logged with an error, shown in pg_stat_activity and kept in its statistics."""
    texts = [text for text, _ in here[0]]
    assert any(text.startswith("INSERT INTO allocation") for text in texts)
    assert [text for text in texts for arm in ARMS if arm in text] == []


def test_the_list_is_asked_for_the_drawn_slot_alone(here: Work, trial: Trial) -> None:
    slot = ("NN-C", trial.past["NN-C"] + 1)
    assert here[3] == [("leaf", *slot), ("arm", *slot)]


def test_the_list_is_made_whole_before_anything_is_allocated(
    cluster: Cluster, served: Served, trial: Trial
) -> None:
    """So no allocation waits for the arms of its own block to be drawn."""
    made = AllocationList(LIST.design, LIST.seed, LIST.block_sizes)
    with world(cluster, served, trial, "ready", LIST, Held(made)) as one:
        ok(one.api.get("/readyz"))
    assert {"arms", "leaves", "_tree"} <= vars(made).keys()

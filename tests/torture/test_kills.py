"""Processes are killed while many clients randomize: PostgreSQL's, the server's, all of them.

Nothing that was acknowledged may be lost, doubled, skipped or changed, and a
retry must get whatever was not acknowledged.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import chain, cycle, product

import httpx
import pytest

from tests.conftest import Rounds
from tests.eligible import make_eligible
from tests.make import Api
from tests.torture import truth
from tests.torture.conftest import Tell
from tests.torture.installation import Installation, Part, installation
from tests.torture.truth import Asked

CLIENTS = 32
KINDS = [*product(("NN", "LZ", "YL"), (True, False))]
MOMENTS = 0.6
"""Seconds within which a round's kill strikes, about as long as its requests would take."""
CHECKED_EVERY = 20
SECONDS = 120


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Kill at other moments each time, in a long run with three installations."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(3 if metafunc.config.getoption("torture") else 1))


@pytest.fixture
def number(rounds: Rounds) -> int:
    """How many rounds there are, in each of which one part is killed."""
    return rounds(len(Part), 100)


@pytest.fixture
def trial(tmp_path_factory: pytest.TempPathFactory, number: int) -> Iterator[Installation]:
    """An installation with room for one subject of every client in every round."""
    with installation(tmp_path_factory.mktemp("torture"), cap=number * CLIENTS) as running:
        yield running


@pytest.fixture
def subjects(trial: Installation, number: int) -> list[list[Asked]]:
    """The eligible subjects of each round, of every stratum in turn."""
    of_each = -(-number * CLIENTS // len(KINDS))
    made = make_eligible(trial.api, dict.fromkeys(KINDS, of_each))
    of_strata = ([Asked(one, site) for one in ids] for (site, _), ids in made.items())
    mixed = [*chain.from_iterable(zip(*of_strata, strict=True))]
    return [mixed[done : done + CLIENTS] for done in range(0, number * CLIENTS, CLIENTS)]


def acknowledge(api: Api, one: Asked) -> Counter[str]:
    """Ask until the randomization is acknowledged; how often which answer came, or none."""
    caller = api.as_("investigator", one.site)
    said: Counter[str] = Counter()
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            answer = caller.post(one.path, key=one.key)
        except httpx.TransportError:
            said["no answer"] += 1
        else:
            said[one.hear(answer) or "acknowledged"] += 1
        if said["acknowledged"]:
            return said
        assert time.monotonic() < deadline, said
        time.sleep(min(0.01 * said.total(), 0.5))  # mostly sooner than asked to


def insist(api: Api, asked: Sequence[Asked]) -> Counter[str]:
    """Each subject's randomization is asked for until it is acknowledged, and by one once more."""
    said = (acknowledge(api, one) for one in (*asked, asked[0]))
    return sum(said, Counter())


def kill_under_load(
    trial: Installation, part: Part, chance: random.Random, asked: Sequence[Sequence[Asked]]
) -> Counter[str]:
    """What the clients were answered while a part was killed at some moment."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        insisting = [clients.submit(insist, trial.api, of_client) for of_client in asked]
        time.sleep(chance.uniform(0, MOMENTS))  # any moment will do: it is what is tried
        if victims := trial.victims(part):
            trial.kill(part, chance.choice(victims))
        while wait(insisting, timeout=0.2).not_done:
            trial.keep_up()
    return sum((one.result() for one in insisting), Counter())


def test_whatever_is_killed_no_allocation_is_lost_doubled_skipped_or_changed(
    trial: Installation, subjects: list[list[Asked]], seed: int, tell: Tell
) -> None:
    chance = random.Random(seed)
    said: Counter[str] = Counter()
    asked: list[Asked] = []
    begun = time.monotonic()
    for done, (part, new) in enumerate(zip(cycle(Part), subjects, strict=False), start=1):
        earlier = chance.choices(asked or new, k=CLIENTS)
        said += kill_under_load(trial, part, chance, [*zip(new, earlier, strict=True)])
        asked += new
        if done % CHECKED_EVERY == 0:
            truth.check(trial.api, asked)
    seconds = time.monotonic() - begun
    trial.wait_until_ready()
    with ThreadPoolExecutor(CLIENTS) as clients:
        again = sum(clients.map(partial(acknowledge, trial.api), asked), Counter())
    assert again["acknowledged"] == len(asked)
    truth.check(trial.api, asked)
    assert trial.verified().faults == []
    killed = ", ".join(f"{count} times {part}" for part, count in trial.killed.items())
    answers = ", ".join(f"{count} {answer}" for answer, count in said.items())
    tell(f"{len(subjects)} rounds in {seconds:.0f} s killed {killed}.")
    tell(f"The server ended by itself, and was started again, {trial.restarts} times.")
    tell(f"{len(asked)} allocations by {sum(said.values())} requests: {answers}.")

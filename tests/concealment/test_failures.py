"""An allocation that fails shows nobody the arm that it drew, and the next one draws it again."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from services.api.embedded import Cluster
from services.api.randomization.rules import AllocationList
from tests.concealment.answers import Reader
from tests.concealment.dumps import dumped
from tests.concealment.failures import AFTER, BEFORE, await_blocked, limited
from tests.concealment.logs import Written, writing
from tests.concealment.requests import asked
from tests.concealment.watched import Watched
from tests.concealment.worlds import LIST, Held, Trial, World, flipped, world
from tests.conftest import Served
from tests.lived import plain
from tests.make import created, problem


@dataclass(frozen=True)
class Failed:
    """What was answered to an allocation that failed, and what was written meanwhile."""

    told: str
    answer: str
    drew: bool
    written: Written


@dataclass(frozen=True)
class Tried:
    """Every way of failing in one world, and the allocation that succeeds after them."""

    failed: dict[str, Failed]
    before: str
    after: str
    answer: dict[str, Any]


def tried(cluster: Cluster, served: Served, trial: Trial, name: str, made: AllocationList) -> Tried:
    """Let the same subject's allocation fail in every way, then let it pass."""
    subject, reader = trial.records["ready"], Reader(datetime.now(UTC))
    with world(cluster, served, trial, name, made) as opened:
        before, failed = stored(opened), {}
        for number, (title, (way, _)) in enumerate({**BEFORE, **AFTER}.items()):
            watched = Watched(made)
            opened.api.state.randomization_secret = Held(watched.as_list())
            with writing(cluster) as written, way(opened, subject):
                request, answer = asked(
                    "investigator", opened.api.as_("investigator"), subject, key=f"{number}"
                )
            assert answer.is_error, (title, answer.text)
            failed[title] = Failed(
                told=answer.json()["type"],
                answer=reader.heard(request, answer),
                drew=("arm", "NN-C", trial.past["NN-C"] + 1) in watched.asked,
                written=written,
            )
        after = stored(opened)
        answer = opened.api.as_("investigator").post(f"/v1/subjects/{subject}/randomization")
    return Tried(failed, before, after, created(answer))


def stored(opened: World) -> str:
    """The dump, without the numbers that were given to events and taken back."""
    return re.sub(r"((?:audit_event_id|feed_event_seq)_seq', )\d+", r"\1…", dumped(opened))


@pytest.fixture(scope="module")
def here(cluster: Cluster, served: Served, trial: Trial) -> Tried:
    return tried(cluster, served, trial, "failing", LIST)


@pytest.fixture(scope="module")
def there(cluster: Cluster, served: Served, trial: Trial) -> Tried:
    """The same, where the slot holds the other arm."""
    return tried(cluster, served, trial, "failing_too", trial.list(flipped))


WAYS = {**BEFORE, **AFTER}


@pytest.mark.parametrize("way", WAYS)
def test_an_allocation_that_fails_tells_nobody_what_it_drew(
    here: Tried, there: Tried, way: str
) -> None:
    """Not its caller, not our log, not the server's and not PostgreSQL's."""
    one, other = here.failed[way], there.failed[way]
    assert one.told == f"/problems/{WAYS[way][1]}", one.answer
    assert one.answer == other.answer
    assert one.written.lasting() == other.written.lasting()
    assert named(one) == named(other) == []


@pytest.mark.parametrize("way", WAYS)
def test_the_arm_is_drawn_only_once_nothing_else_is_missing(here: Tried, way: str) -> None:
    """So of what fails before there is nothing to tell; and what fails after had an arm."""
    assert here.failed[way].drew == (way in AFTER)


def test_nothing_of_a_failure_is_stored(here: Tried) -> None:
    assert here.before == here.after


def test_the_next_try_draws_the_same_slot(here: Tried, there: Tried) -> None:
    """In either world the subject has it at last, with another arm."""
    assert here.answer["randomization_number"] == there.answer["randomization_number"]
    assert {here.answer["arm"], there.answer["arm"]} == {*LIST.design.arm_codes}


def named(failed: Failed) -> list[str]:
    """The arms that were told or written, in letters or in hexadecimal digits."""
    said = failed.answer.lower().replace("cache-control", "") + failed.written.everything()
    return [arm for arm in LIST.design.arm_codes if arm in said or arm.encode().hex() in said]


def test_a_deadlock_logs_no_arm_and_the_next_attempt_draws_it(
    cluster: Cluster, served: Served, trial: Trial
) -> None:
    """PostgreSQL writes down the statements of both sides, whichever it gives up."""
    subject = trial.records["ready"]
    path = f"/v1/subjects/{subject}/randomization"
    with (
        world(cluster, served, trial, "deadlocked", LIST) as opened,
        limited(opened, "deadlock_timeout = '500ms'"),
        psycopg.connect(plain(opened.api.admin_url)) as other,
        writing(cluster) as written,
        ThreadPoolExecutor(1) as caller,
    ):
        other.execute(
            "SELECT 1 FROM audit_chain WHERE chain = %s FOR UPDATE", (f"subject:{subject}",)
        )
        answer = caller.submit(opened.api.as_("investigator").post, path)
        await_blocked(opened)
        with suppress(DeadlockDetected):
            other.execute("SELECT 1 FROM stratum WHERE code = 'NN-C' FOR UPDATE")
        other.rollback()
        told = created(answer.result())
    assert told["arm"] == LIST.arm("NN-C", trial.past["NN-C"] + 1)
    assert "deadlock detected" in written.postgresql
    assert "INSERT INTO allocation" in written.postgresql
    assert named(Failed("", "", True, written)) == []


def test_without_row_level_security_postgresql_would_log_the_arm(
    cluster: Cluster, served: Served, trial: Trial
) -> None:
    """So what is not found above could have been: PostgreSQL shows rows that fail a check."""
    way, _ = AFTER["a check of the allocation"]
    subject = trial.records["ready"]
    with world(cluster, served, trial, "unguarded", LIST) as opened:
        with opened.superuser() as superuser:
            superuser.execute("ALTER TABLE allocation DISABLE ROW LEVEL SECURITY")
        with writing(cluster) as written, way(opened, subject):
            api = opened.api.as_("investigator")
            problem(api.post(f"/v1/subjects/{subject}/randomization"), 500, "internal")
    failed = Failed("", "", True, written)
    assert named(failed) == [LIST.arm("NN-C", trial.past["NN-C"] + 1)]
    assert "Failing row contains" in written.postgresql


@pytest.mark.parametrize(("parameters", "shown"), [("0", False), ("-1", True)])
def test_a_log_of_statements_shows_no_arm_unless_it_has_parameters(
    cluster: Cluster, served: Served, trial: Trial, parameters: str, shown: bool
) -> None:
    """Why an installation that logs statements has to leave their parameters out."""
    way, _ = AFTER["a check of the allocation"]
    subject = trial.records["ready"]
    settings = ["log_statement = 'all'", "log_min_duration_statement = 0"]
    settings += [f"log_parameter_max_length = {parameters}"]
    settings += [f"log_parameter_max_length_on_error = {parameters}"]
    with (
        world(cluster, served, trial, "logged", LIST) as opened,
        limited(opened, ",".join(settings)),
        writing(cluster) as written,
        way(opened, subject),
    ):
        api = opened.api.as_("investigator")
        problem(api.post(f"/v1/subjects/{subject}/randomization"), 500, "internal")
    assert "INSERT INTO allocation" in written.postgresql
    drawn = LIST.arm("NN-C", trial.past["NN-C"] + 1)
    assert named(Failed("", "", True, written)) == ([drawn] if shown else [])

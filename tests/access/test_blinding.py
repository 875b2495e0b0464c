"""An assessor grades without knowing the arm: nothing that they can get tells it.

The trial here has arms with names of its own, and in each arm a subject at every stage. All that
an assessor may ask, or is refused, is asked and searched for those names; then every subject is
put into the other arm behind the service's back, and everything is answered the same, byte by byte.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, LiteralString
from uuid import uuid4, uuid5

import httpx
import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from services.api import setup
from services.api.core.auth import Principal
from services.api.core.permissions import SEES_ARM, Role
from services.api.embedded import Cluster
from services.api.identity import passwords
from services.api.identity.watch import SessionWatch
from services.api.sandbox.service import NAMESPACE
from services.api.settings import Settings
from tests.access.canary import (
    CANARIES,
    NAMES_THE_ARMS,
    NEW_EACH_TIME,
    STAGES,
    Person,
    document,
    heard,
    live,
    randomize,
    reads,
    secret,
    writes,
)
from tests.access.conftest import Quick
from tests.access.prepared import Prepared, copy, prepare
from tests.conftest import APP_PASSWORD, Served, cloned, serving
from tests.make import Api, Json, grading, problem

CANARY = "test_canary"
MASKED = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a fresh id
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"  # the moment
    r"|[0-9a-f]{64}|(?<=-)[0-9a-f]{16}(?=\")"  # hashes of either
)


@dataclass(frozen=True)
class Trial:
    """The trial of the canaries, in a database that each test copies."""

    api: Api
    offset: timedelta
    records: Json
    people: list[Person]


@pytest.fixture(scope="module")
def trial(
    cluster: Cluster,
    migrated: str,
    served: Served,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Trial]:
    state = served.app.state
    usual, state.loaded = state.loaded, document(tmp_path_factory.mktemp("canary"))
    usual_secret = state.randomization_secret
    state.randomization_secret = secret(state.loaded, tmp_path_factory.mktemp("list"))
    passwords._nobody()  # made by the real hasher, for it is kept
    with (
        cloned(cluster, CANARY, migrated),
        pytest.MonkeyPatch.context() as patch,
        serving(cluster, served, CANARY) as api,
    ):
        patch.setattr(passwords, "_HASHER", Quick())
        setup.prepare(
            state.database, settings, state.loaded, state.randomization_secret, state.clock
        )
        randomized = randomize(api.as_("investigator"))
        records = prepare(api)
        people = live(api.as_("investigator"), randomized)
        state.watch.close()
        state.database.close()
        yield Trial(api, state.clock.offset, records, people)
    state.loaded, state.randomization_secret = usual, usual_secret


@contextmanager
def copied(cluster: Cluster, trial: Trial, name: str) -> Iterator[Prepared]:
    """The trial as it was made, at its own time, in a database that may change."""
    state = trial.api.state
    with (
        copy(cluster, name, CANARY) as (url, database, superuser),
        SessionWatch(cluster.url("trial_app", APP_PASSWORD, name)) as watch,
    ):
        state.database, state.watch, state.clock.offset = database, watch, trial.offset
        api = replace(trial.api, admin_url=url)
        yield Prepared(api, database, watch, superuser, trial.offset, **trial.records)


@pytest.fixture
def at(cluster: Cluster, trial: Trial) -> Iterator[Prepared]:
    with copied(cluster, trial, f"{CANARY}_asked") as made:
        yield made


def found(said: str) -> list[str]:
    """The arms that are named in it, in whatever case."""
    return [name for name in CANARIES.values() if name in said.lower()]


# --- nothing names an arm ---------------------------------------------------------------


Answers = list[tuple[str, httpx.Response]]


@dataclass(frozen=True)
class Conversation:
    """All that an assessor was answered, and what was logged and kept of it."""

    read: Answers
    written: Answers
    logged: list[MutableMapping[str, Any]]
    kept: list[str]


@pytest.fixture(scope="module")
def conversation(cluster: Cluster, trial: Trial) -> Conversation:
    with copied(cluster, trial, f"{CANARY}_heard") as at, capture_logs() as logged:
        read, written = [*reads(at, trial.people)], [*writes(at, trial.people)]
        kept = rows(
            at,
            "SELECT to_jsonb(e)::text FROM audit_event e WHERE role = 'assessor' UNION ALL"
            " SELECT concat(headers, convert_from(body, 'UTF8')) FROM idempotent_answer"
            " JOIN account ON account.id = caller WHERE role = 'assessor'",
        )
    return Conversation(read, written, logged, kept)


def operation_of(asked: str) -> str:
    """The operation, where a cell of the matrix was asked."""
    return asked.partition("-")[0]


def test_nothing_that_an_assessor_is_answered_names_an_arm(conversation: Conversation) -> None:
    answers = conversation.read + conversation.written
    for asked, answer in answers:
        public = operation_of(asked) in NAMES_THE_ARMS
        assert found(heard(answer)) == (list(CANARIES.values()) if public else []), asked
    assert {200, 201, 403, 404, 409, 412, 422} <= {answer.status_code for _, answer in answers}
    assert len(answers) > 300


def test_nothing_that_is_logged_or_kept_of_an_assessor_names_an_arm(
    conversation: Conversation,
) -> None:
    assert len(conversation.logged) >= len(conversation.read) + len(conversation.written)
    assert found(json.dumps(conversation.logged, default=str)) == []
    assert len(conversation.kept) > 20
    assert found("".join(conversation.kept)) == []


def test_whoever_may_know_the_arm_is_told_it(at: Prepared, trial: Trial) -> None:
    """So what is not found above could have been."""
    investigator = at.as_("investigator", ("NN",))
    for person in trial.people:
        answer = investigator.get(f"/v1/subjects/{person.id}/randomization")
        assert found(heard(answer)) == [person.arm]
    assert {(person.arm, person.stage) for person in trial.people} >= {
        (arm, stage) for arm in CANARIES.values() for stage in STAGES
    }
    audited = rows(at, "SELECT to_jsonb(e)::text FROM audit_event e")
    assert found("".join(audited)) == list(CANARIES.values())


# --- nothing depends on the arm -----------------------------------------------------------


def swap(at: Prepared) -> None:
    """Put every subject into the other arm, and leave no trace but that."""
    one, other = CANARIES.values()
    at.superuser.execute("SET session_replication_role = replica")
    at.superuser.execute(
        "UPDATE allocation SET arm = CASE arm WHEN %s THEN %s ELSE %s END", (one, other, one)
    )


def masked(answer: httpx.Response) -> str:
    """All that an answer to a write says, but for what is new each time."""
    return MASKED.sub("…", heard(answer))


def test_every_answer_is_the_same_whatever_the_arms(
    cluster: Cluster, trial: Trial, conversation: Conversation
) -> None:
    """Entity tags, counts and order included; of writes, all but fresh ids and the time."""
    with copied(cluster, trial, f"{CANARY}_swapped") as at:
        swap(at)
        compare(conversation.read, reads(at, trial.people), heard)
        compare(conversation.written, writes(at, trial.people), masked)


def compare(
    drawn: Answers,
    swapped: Iterable[tuple[str, httpx.Response]],
    said: Callable[[httpx.Response], str],
) -> None:
    for (asked, one), (again, other) in zip(drawn, swapped, strict=True):
        assert asked == again
        if operation_of(asked) not in NEW_EACH_TIME:
            assert said(one) == said(other), asked


def test_whoever_may_know_the_arm_is_answered_otherwise(at: Prepared) -> None:
    """So the swap above is one that shows."""
    investigator = at.as_("investigator", ("NN",))
    drawn = investigator.get("/v1/randomizations")
    swap(at)
    swapped = investigator.get("/v1/randomizations")
    assert found(drawn.text) == found(swapped.text) == list(CANARIES.values())
    assert drawn.text != swapped.text


# --- PostgreSQL keeps it too --------------------------------------------------------------


def principal(role: Role) -> Principal:
    """The demo account of that role, at every site."""
    return Principal(
        uuid5(NAMESPACE, "investigator-nn"), "Demo", role, ("LZ", "NN"), False, uuid4()
    )


def ask(at: Prepared, role: Role, query: str) -> list[Any]:
    """What the role that serves reads with plain SQL in that role's context."""
    with at.database.session(principal(role)) as session:
        return list(session.connection().exec_driver_sql(query).scalars())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT arm FROM allocation",
        "SELECT count(*) FROM allocation HAVING count(*) > 0",
        "SELECT seq FROM allocation WHERE arm = 'x' OR true",
        "SELECT s.id FROM subject s JOIN allocation a ON a.subject_id = s.id",
        "SELECT to_jsonb(a) FROM allocation a",
        "SELECT new ->> 'arm' FROM audit_event",
        "SELECT convert_from(body, 'UTF8') FROM idempotent_answer WHERE expires_at IS NULL",
    ],
)
def test_in_an_assessor_s_context_plain_sql_reads_no_arm(at: Prepared, query: str) -> None:
    """The same person in the role of an investigator reads it."""
    assert ask(at, Role.ASSESSOR, query) == []
    assert ask(at, Role.INVESTIGATOR, query)


@pytest.mark.parametrize("role", Role)
def test_postgresql_and_the_delegation_log_agree_on_who_sees_an_arm(
    at: Prepared, role: Role
) -> None:
    assert bool(ask(at, role, "SELECT arm FROM allocation")) == (role in SEES_ARM)


def test_what_an_assessor_reads_of_an_allocation_tells_neither_arm_nor_place(at: Prepared) -> None:
    columns = ask(
        at,
        Role.ASSESSOR,
        "SELECT key FROM blinded_allocation b, jsonb_object_keys(to_jsonb(b)) key",
    )
    assert set(columns) == {
        "id",
        "site",
        "subject_id",
        "recorded_by",
        "recorded_at",
        "stratum",
        "randomization_number",
        "randomized_at",
        "evaluation_version",
        "protocol_version",
    }
    drawn = ask(at, Role.ASSESSOR, "SELECT to_jsonb(b)::text FROM blinded_allocation b ORDER BY id")
    assert len(drawn) == len(ask(at, Role.INVESTIGATOR, "SELECT 1 FROM allocation"))
    swap(at)
    assert drawn == ask(
        at, Role.ASSESSOR, "SELECT to_jsonb(b)::text FROM blinded_allocation b ORDER BY id"
    )


def test_the_view_shows_its_reader_s_sites_alone_and_cannot_be_written(at: Prepared) -> None:
    elsewhere = replace(principal(Role.ASSESSOR), sites=("LZ", "YL"))
    with at.database.session(elsewhere) as session:
        connection = session.connection()
        assert connection.exec_driver_sql("SELECT 1 FROM blinded_allocation").all() == []
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql("UPDATE blinded_allocation SET stratum = 'x'")


def test_an_answer_from_before_someone_became_an_assessor_stays_hidden(at: Prepared) -> None:
    """The key is taken; what it was answered is not told in another role."""
    investigator = at.as_("investigator", ("NN",))
    path = f"/v1/subjects/{at.ready}/randomization"
    first = investigator.post(path, key="once")
    assert found(heard(first))
    assert investigator.post(path, key="once").text == first.text
    same_person = replace(principal(Role.ASSESSOR), sites=("NN",))
    token = at.api.state.issuer.issue(
        subject=same_person.id,
        role=same_person.role,
        sites=same_person.sites,
        name=same_person.name,
        machine=False,
    )
    assessor = at.api.with_token(token)
    problem(assessor.post(path, key="once"), 403, "forbidden")
    visit = f"/v1/subjects/{at.live}/visits/RT1B/gradings"
    answer = assessor.post(visit, grading(at.api.today()), key="once")
    problem(answer, 422, "idempotency_key_reused")
    assert found(heard(answer)) == []


def rows(at: Prepared, query: LiteralString) -> list[str]:
    """The first column as the superuser sees it."""
    return [row[0] for row in at.superuser.execute(query).fetchall()]

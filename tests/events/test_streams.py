"""Events as they happen: what a live screen hears, how soon, and when it hears no more."""

import os
import random
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import event
from structlog.testing import capture_logs

from services.api.core.db import Database
from services.api.core.events import EventType, announce
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.events import answer as answers
from services.api.events import watch
from services.api.main import create_app
from tests.clients.speaking import NODE
from tests.conftest import APP_PASSWORD, settle
from tests.events.streaming import PATH, STREAM, listening, opened
from tests.listening import listening as serving
from tests.make import Api, Json, ok, problem
from tests.webhooks.telling import EVERYWHERE, told

SOON = 2.0
"""Seconds within which an event is heard, and an end of access is felt."""
OPEN = 200


def pages(api: Api) -> list[Json]:
    """Every event of the feed, in pages."""
    items: list[Json] = []
    asked: dict[str, object] = {"limit": 200}
    while True:
        page = ok(api.get(PATH, params=asked))
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        asked["after"] = page["next_cursor"]


def last(api: Api) -> str:
    """The id of the newest event."""
    return str(pages(api)[-1]["id"])


def told_at_once(api: Api, number: int, site: str = "NN") -> None:
    """So many events of a site in one transaction."""
    api.rows(
        "INSERT INTO feed_event (id, type, at, site, record, record_id)"
        " SELECT gen_random_uuid(), 'query.opened', now(), :site, 'query', 'one'"
        " FROM generate_series(1, :number)",
        number=number,
        site=site,
    )


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def open_streams(api: Api) -> int:
    return int(api.state.streams._open.total())


def name(api: Api) -> str:
    """The name of the test's own database."""
    return api.admin_url.rpartition("/")[2]


@contextmanager
def small(api: Api, cluster: Cluster, **changed: object) -> Iterator[Api]:
    """Another worker over the same database, with other limits."""
    url = SecretStr(cluster.url("trial_app", APP_PASSWORD, name(api)))
    app = create_app(api.state.settings.model_copy(update={"database_url": url, **changed}))
    with serving(app) as address, httpx.Client(base_url=address, verify=False, timeout=30) as http:
        yield replace(api, client=http, state=app.state)


# --- what is heard --------------------------------------------------------------------------


def test_an_event_is_heard_within_two_seconds_as_the_item_of_a_page(api: Api) -> None:
    reader = api.as_("investigator")
    with listening(reader) as stream:
        began = time.monotonic()
        subject = api.as_("investigator").screened()
        block = stream.next(SOON)
        assert time.monotonic() - began < SOON
    (item,) = pages(reader)
    assert item["subject_id"] == subject["id"]
    assert block.fields["id"] == item["id"]
    assert block.event == item["type"] == "subject.screened"
    assert block.fields["data"] in reader.get(PATH).text


def test_nobody_keeps_a_stream_back_or_for_later(unchanged: Api) -> None:
    with opened(unchanged.as_("monitor"), Origin="http://localhost:5173") as (answer, _):
        headers = dict(answer.getheaders())
    assert headers["content-type"] == STREAM
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "Accept" in headers["vary"]
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["x-request-id"]
    assert not {"content-length", "content-encoding", "etag"} & headers.keys()


def test_a_stream_begins_with_now_and_says_after_which_event(api: Api) -> None:
    reader = api.as_("investigator")
    with opened(reader) as (answer, _):
        assert answer.readline() == b"retry: 3000\n"
        assert answer.readline() == b"event: start\n"
        assert answer.readline() == b'data: {"after": null}\n'
    told(api.state.database, uuid4(), 3)
    told(api.state.database, uuid4(), site="LZ")
    known = last(reader)
    with opened(reader) as (answer, _):
        blocks = [answer.readline().decode() for _ in range(5)]
    assert blocks[1:4] == [
        f"id: {known}\n",
        "event: start\n",
        f'data: {{"after": "{known}"}}\n',
    ]
    with listening(reader) as stream:
        told(api.state.database, uuid4())
        (heard,) = stream.told(1)
    assert heard == pages(reader)[-1]


@pytest.mark.parametrize("way", ["Last-Event-ID", "after", "cursor"])
def test_a_stream_goes_on_after_the_event_that_one_has(api: Api, way: str) -> None:
    reader = api.as_("investigator")
    told(api.state.database, uuid4(), 4)
    items = pages(reader)
    have = items[1]["id"]
    query = "" if way == "Last-Event-ID" else f"?{way}={have}"
    headers = {"Last_Event_ID": have} if way == "Last-Event-ID" else {}
    with listening(reader, query, **headers) as stream:
        assert stream.told(2) == items[2:]


def test_the_event_that_a_client_had_last_counts_more_than_the_address(api: Api) -> None:
    reader = api.as_("investigator")
    told(api.state.database, uuid4(), 4)
    items = pages(reader)
    with listening(reader, f"?after={items[0]['id']}", Last_Event_ID=items[2]["id"]) as stream:
        assert stream.told(1) == items[3:]


def test_what_was_missed_is_told_however_much_it_is(api: Api) -> None:
    reader = api.as_("investigator")
    told(api.state.database, uuid4())
    told_at_once(api, 5 * answers.AT_ONCE)
    items = pages(reader)
    with listening(reader, f"?after={items[0]['id']}") as stream:
        assert stream.told(5 * answers.AT_ONCE) == items[1:]
        told(api.state.database, uuid4())
        assert stream.told(1) == pages(reader)[-1:]


def test_whoever_comes_again_and_again_misses_nothing_and_hears_nothing_twice(api: Api) -> None:
    """Eight writers commit late and early; a reader of many short streams hears the feed."""
    chance = random.Random(11)
    reader = api.as_("data_manager")
    told(api.state.database, uuid4())
    heard = pages(reader)
    pauses = [[chance.uniform(0, 0.05) for _ in range(12)] for _ in range(8)]

    def write(own: list[float]) -> None:
        for pause in own:
            with api.state.database.session(EVERYWHERE) as session:
                announce(session, EventType.VISIT_RECORDED, "BL", site="LZ")
                time.sleep(pause)
                session.commit()

    writers = [threading.Thread(target=write, args=(own,)) for own in pauses]
    for writer in writers:
        writer.start()
    while len(heard) < 1 + 8 * 12:
        number = min(chance.randint(1, 20), 1 + 8 * 12 - len(heard))
        with listening(reader, Last_Event_ID=heard[-1]["id"]) as stream:
            heard += stream.told(number)
    for writer in writers:
        writer.join()
    assert heard == pages(reader)


def test_one_type_can_be_listened_to(api: Api) -> None:
    reader = api.as_("monitor")
    with listening(reader, "?type=subject.randomized") as stream:
        told(api.state.database, uuid4(), 2)
        told(api.state.database, uuid4(), 1, EventType.SUBJECT_RANDOMIZED)
        (heard,) = stream.told(1)
    assert heard["type"] == "subject.randomized"
    refused = reader.get(f"{PATH}?type=subject.unheard", headers={"Accept": STREAM})
    problem(refused, 422, "invalid")


def test_nobody_hears_of_another_site_or_of_what_is_for_others(api: Api) -> None:
    with (
        listening(api.as_("investigator")) as here,
        listening(api.as_("investigator", "LZ")) as there,
        listening(api.as_("dmc")) as committee,
    ):
        told(api.state.database, uuid4(), site="LZ")
        with api.state.database.session(EVERYWHERE) as session:
            announce(session, EventType.STOPPING_RULE_REACHED, "x", audience=[Role.DMC])
            session.commit()
        told(api.state.database, uuid4())
        assert [one["site"] for one in here.told(1)] == ["NN"]
        assert [one["site"] for one in there.told(1)] == ["LZ"]
        assert [one["type"] for one in committee.told(1)] == ["stopping_rule.reached"]
        for stream in (here, there, committee):
            stream.hears_nothing(0.6)


def test_a_quiet_line_is_kept_alive(unchanged: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers.HEARTBEAT == 15
    monkeypatch.setattr(answers, "HEARTBEAT", 0.1)
    with listening(unchanged.as_("monitor")) as stream:
        for _ in range(2):
            block = stream.next()
            assert (block.fields, block.comments) == ({}, [""])


# --- who may listen -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, */*;q=0.1", STREAM),
        ("text/*", STREAM),
    ],
)
def test_pages_are_what_one_gets_who_asks_for_no_stream(
    unchanged: Api, accept: str | None, answered: str
) -> None:
    monitor = unchanged.as_("monitor")
    headers = {"Authorization": f"Bearer {monitor.token}"}
    request = unchanged.client.build_request("GET", PATH, headers=headers)
    del request.headers["Accept"]
    if accept is not None:
        request.headers["Accept"] = accept
    answer = unchanged.client.send(request, stream=True)
    answer.close()
    assert answer.headers["Content-Type"] == answered


def test_no_other_form_is_given(unchanged: Api) -> None:
    answer = unchanged.as_("monitor").get(PATH, headers={"Accept": "text/html"})
    assert STREAM in problem(answer, 406, "not_acceptable")["detail"]


@pytest.mark.parametrize("role", ["assessor", "admin"])
def test_who_must_not_know_hears_nothing(unchanged: Api, role: str) -> None:
    problem(unchanged.as_(role).get(PATH, headers={"Accept": STREAM}), 403, "forbidden")


def test_a_token_in_the_address_is_none(unchanged: Api) -> None:
    token = unchanged.as_("monitor").token
    for query, status, code in (
        ("", 401, "unauthorized"),
        (f"?access_token={token}", 422, "invalid"),
    ):
        problem(unchanged.client.get(f"{PATH}{query}", headers={"Accept": STREAM}), status, code)


def test_an_unknown_event_and_one_of_another_site_are_the_same_to_a_listener(api: Api) -> None:
    told(api.state.database, uuid4(), site="LZ")
    elsewhere = last(api.as_("investigator", "LZ"))
    reader = api.as_("investigator")
    refused = []
    for one in (str(uuid4()), elsewhere, "no id"):
        for ask in (
            {"headers": {"Last-Event-ID": one}},
            {"params": {"cursor": one}},
        ):
            headers = {"Accept": STREAM, **ask.get("headers", {})}
            answer = reader.get(PATH, params=ask.get("params"), headers=headers)
            refused.append(problem(answer, 400, "bad_cursor") | {"instance": ""})
    assert all(one == refused[0] for one in refused)
    both = f"{PATH}?cursor=x&after={uuid4()}"
    problem(reader.get(both, headers={"Accept": STREAM}), 422, "invalid")


# --- and until when -------------------------------------------------------------------------


def test_a_session_that_ended_hears_no_more(api: Api) -> None:
    tokens = ok(api.sign_in("monitor-nn"))
    caller = api.with_token(tokens["access_token"])
    with listening(caller) as stream:
        ok(api.client.post("/v1/oauth/revoke", data={"token": tokens["access_token"]}))
        assert stream.end(SOON) == "unauthorized"
        assert stream.whole
    problem(caller.get(PATH, headers={"Accept": STREAM}), 401, "unauthorized")


@pytest.mark.parametrize("change", [{"active": False}, {"sites": ["LZ"]}], ids=str)
def test_who_is_deactivated_or_moved_hears_no_more(api: Api, change: dict[str, object]) -> None:
    caller = api.with_token(ok(api.sign_in("monitor-nn"))["access_token"])
    account = ok(caller.get("/v1/me"))["id"]
    with listening(caller) as stream:
        ok(api.as_("admin").patch(f"/v1/users/{account}", {**change, "reason": "Other duties"}))
        assert stream.end(SOON) == "unauthorized"


def test_a_stream_ends_with_its_token(api: Api) -> None:
    short = replace(api.state.issuer, seconds=2)
    token = short.issue(
        subject=uuid4(), role=Role.MONITOR, sites=("NN",), name="Monitor", machine=False
    )
    with listening(api.with_token(token)) as stream:
        assert stream.end(2 + SOON) == "unauthorized"


def test_nothing_is_read_for_whom_nothing_may_be_told(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(api.as_("investigator")) as stream:
        monkeypatch.setattr(api.state.watch, "has_ended", lambda _: True)
        told(api.state.database, uuid4())
        assert stream.next(SOON).event == "end"


def test_a_database_that_is_gone_ends_the_stream(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "INTERVAL", 3)
    looking = api.state.streams.watch
    with listening(api.as_("investigator")) as stream:
        until(lambda: looking._thread.borrowed_tokens == 0)
        settle(api.state.database)  # who still reads would keep a connection of before
        api.state.database.retire()
        looking.newest = api.state.database, -1  # something happened
        assert stream.end() == "unavailable"


def test_as_many_events_in_another_database_are_news(api: Api, cluster: Cluster) -> None:
    database = Database(cluster.url("trial_app", APP_PASSWORD, name(api)), pool_size=1)
    one, other = (
        watch.FeedWatch(lambda: api.state.database)._ask(),
        watch.FeedWatch(lambda: database)._ask(),
    )
    assert one[1] == other[1]
    assert one != other
    database.close()


def test_a_sandbox_that_is_reset_ends_the_streams(api: Api) -> None:
    with listening(api.as_("investigator")) as stream:
        with api.state.gate.closed(patience=20):
            assert api.state.gate._inside == 0
            assert stream.end() == "closing"
        assert stream.whole


def test_a_client_that_leaves_is_noticed(api: Api) -> None:
    with capture_logs() as logged:
        with listening(api.as_("investigator")):
            assert open_streams(api) == 1
        until(lambda: open_streams(api) == 0)
        until(lambda: api.state.streams.watch._looking.done())
    (line,) = [one for one in logged if one["event"] == "event_stream_ended"]
    assert (line["because"], line["events"]) == ("left", 0)
    (begun,) = [one for one in logged if one["event"] == "request" and one["route"] == PATH]
    assert begun["status"] == 200


def test_a_server_that_stops_ends_its_streams_at_once(api: Api, cluster: Cluster) -> None:
    with ExitStack() as stack:
        with small(api, cluster) as other:
            streams = [stack.enter_context(listening(other.as_("monitor"))) for _ in range(5)]
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert [stream.end() for stream in streams] == ["closing"] * 5
        assert all(stream.whole for stream in streams)


# --- how many -------------------------------------------------------------------------------


def test_an_account_and_a_process_have_so_many_streams_and_no_more(
    api: Api, cluster: Cluster
) -> None:
    with small(api, cluster, event_streams=3, event_streams_per_account=2) as other:
        first, second = other.as_("monitor"), other.as_("investigator")
        with listening(first), ExitStack() as stack:
            stack.enter_context(listening(first))
            answer = first.get(PATH, headers={"Accept": STREAM, "Accept-Language": "zh-CN"})
            assert problem(answer, 429, "too_many_streams")["title"].startswith("您的账户")
            assert int(answer.headers["Retry-After"]) > 0
            ok(first.get(PATH))
            stack.enter_context(listening(second))
            answer = other.as_("coordinator").get(PATH, headers={"Accept": STREAM})
            problem(answer, 503, "streams_busy")
            assert int(answer.headers["Retry-After"]) > 0
        until(lambda: open_streams(other) == 0)
        with listening(first):
            pass


def everybody(api: Api, number: int) -> Iterator[Api]:
    """So many accounts of one role."""
    for _ in range(number):
        token = api.state.issuer.issue(
            subject=uuid4(), role=Role.MONITOR, sites=("NN",), name="Monitor", machine=False
        )
        yield api.with_token(token)


def test_two_hundred_streams_wait_for_nothing_that_a_request_needs(api: Api) -> None:
    asked: list[str] = []
    pool = api.state.database.engine.pool

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    with ExitStack() as stack:
        accounts = list(everybody(api, OPEN // 10))
        answered = [stack.enter_context(opened(one))[0] for one in accounts * 10]
        for answer in answered:
            assert answer.readline() == b"retry: 3000\n"
        time.sleep(0.5)
        event.listen(api.state.database.engine, "before_cursor_execute", count)
        threads = threading.active_count()
        time.sleep(1)
        looks = [one for one in asked if "publish_events" in one]
        assert 1 <= len(looks) <= 6, "one look at a time, for all of them"
        assert len(asked) <= 3 * len(looks)
        assert threads < 60
        began = time.monotonic()
        for _ in range(20):
            ok(api.as_("investigator").get("/v1/subjects"))
        assert time.monotonic() - began < 5
        until(lambda: pool.checkedout() == 0)
        began = time.monotonic()
        told(api.state.database, uuid4())
        for answer in answered:
            while b"event: visit.recorded" not in answer.readline():
                pass
        assert time.monotonic() - began < 5
    until(lambda: open_streams(api) == 0)


def rest(connection: socket.socket) -> bytes:
    """What had arrived when the other end dropped the connection."""
    got = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(64 * 1024):
            got += piece
    return got


def test_a_reader_who_stops_is_cut_off(api: Api, cluster: Cluster) -> None:
    told(api.state.database, uuid4())
    begin = last(api.as_("monitor"))
    told_at_once(api, 5_000)
    with small(api, cluster, send_seconds=1) as other, capture_logs() as logged:
        caller = other.as_("monitor")
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
            connection.settimeout(20)
            connection.connect((other.client.base_url.host, other.client.base_url.port))
            connection.sendall(
                f"GET {PATH}?after={begin} HTTP/1.1\r\nHost: here\r\nAccept: {STREAM}\r\n"
                f"Authorization: Bearer {caller.token}\r\n\r\n".encode()
            )
            assert connection.recv(12) == b"HTTP/1.1 200"
            until(lambda: open_streams(other) == 1)
            until(lambda: open_streams(other) == 0)
            assert not rest(connection).endswith(b"0\r\n\r\n")
        (line,) = [one for one in logged if one["event"] == "event_stream_ended"]
        assert line["because"] in {"stopped", "left"}  # whichever limit is felt first
        assert 0 < line["events"] < 5_000


# --- what the documentation shows -----------------------------------------------------------

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"
SCREEN = """
import { follow } from "./follow.ts";
const [api, token] = process.argv.slice(2);
const stop = new AbortController();
await follow(api!, {
  token: async () => token!,
  load: () => console.log("load"),
  tell: (event) => {
    console.log(event.type, event.links.record);
    if (event.type === "subject.randomized") stop.abort();
  },
}, stop.signal);
"""


def test_the_function_that_the_documentation_gives_to_browsers_follows_the_feed(
    api: Api, tmp_path: Path
) -> None:
    (sample,) = re.findall(r"^```ts\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "follow.ts").write_text(sample)
    (tmp_path / "screen.ts").write_text(SCREEN)
    told(api.state.database, uuid4())
    reader = api.as_("investigator")
    command = [str(NODE), str(tmp_path / "screen.ts"), str(api.client.base_url), str(reader.token)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as screen:
        assert screen.stdout is not None
        assert screen.stdout.readline() == "load\n"
        subject = uuid4()
        told(api.state.database, subject, kind=EventType.SUBJECT_SCREENED)
        assert screen.stdout.readline().startswith("subject.screened /v1/subjects/")
        told(api.state.database, subject, kind=EventType.SUBJECT_RANDOMIZED)
        assert screen.stdout.read().startswith("subject.randomized /v1/subjects/")
        assert screen.wait(timeout=20) == 0


def test_the_command_that_the_documentation_shows_is_answered_as_it_says(api: Api) -> None:
    shown = DOCUMENT.read_text()
    (command,) = re.findall(r"^curl .*event-stream.*$", shown, re.MULTILINE)
    told(api.state.database, uuid4())
    base = str(api.client.base_url).rstrip("/")
    given = {"API": base, "TOKEN": str(api.as_("investigator").token), "PATH": os.environ["PATH"]}
    limited = command.replace("curl", "curl --max-time 1", 1)
    done = subprocess.run(
        ["bash", "-c", limited], env=given, capture_output=True, text=True, timeout=20, check=False
    )
    known = last(api.as_("investigator"))
    begun = shown.partition("```text\n")[2].splitlines()[:5]
    example = begun[1].removeprefix("id: ")
    assert done.stdout.splitlines()[:5] == [line.replace(example, known) for line in begun]

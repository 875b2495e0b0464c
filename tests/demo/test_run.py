"""The demo against the real server, and against servers that break the contract."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from services.api.cli import app
from services.api.demo.person import recruit
from services.api.demo.run import Options, run
from tests.make import Api
from tests.webhooks.telling import settings_of, working

SUBJECTS = 3
SEED = 56635
"""A seed by which one is lost, one withdraws, one stays, one is ineligible, at three sites."""


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    """The service with a worker beside it, as a sandbox has one."""
    with working(settings_of(api)):
        yield api


def play(url: str, subjects: int = SUBJECTS) -> tuple[int, str]:
    said = StringIO()
    with TemporaryDirectory() as directory:
        report = Path(directory) / "made" / "report.pdf"
        status = run(Options(subjects, SEED, url, report), Console(file=said, width=200))
        assert status == 1 or report.read_bytes().startswith(b"%PDF-")
    return status, said.getvalue()


def test_the_demo_takes_its_subjects_from_screening_to_endpoint(api: Api) -> None:
    status, said = play(str(api.client.base_url))
    assert status == 0, said
    assert api.count("allocation") == SUBJECTS
    statuses = Counter(row[0] for row in api.rows("SELECT status FROM subject"))
    people = recruit(SEED, ("NN", "LZ", "YL"), range(18, 76), SUBJECTS, api.today())
    assert statuses == Counter(
        (person.leaving or "completed") if person.takes_part else "screen_failed"
        for person in people
    )
    assert api.count("grading") > SUBJECTS * 10
    assert api.count("adverse_event") >= SUBJECTS
    assert api.count("grading_signature") == api.count("grading WHERE version > 1") > 0
    assert api.count("adverse_event_signature") == api.count("adverse_event WHERE serious")
    assert api.count("grading_verification") > 0
    assert api.rows("SELECT DISTINCT state FROM subject_lock ORDER BY 1") == [
        ("frozen",),
        ("locked",),
        ("open",),
    ]
    assert api.rows("SELECT count(*) FROM safety_reminder WHERE kind = 'missed'") == [(2,)]
    assert "2 deadlines missed on purpose, and told" in said
    assert api.count("webhook_delivery WHERE state = 'delivered'") > SUBJECTS * 40
    assert "instead of" not in said
    assert "unexpected" not in said
    assert "pending" in said


def relay(to: str, change: Callable[[str, httpx.Response], tuple[int, bytes]]) -> type:
    """A server that passes requests on and answers what `change` makes of the answer."""

    class Relay(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {name: value for name, value in self.headers.items() if name != "Host"}
            answer = httpx.request(
                self.command, to + self.path, headers=sent, content=body, timeout=30
            )
            status, content = change(f"{self.command} {self.path}", answer)
            self.send_response(status)
            for name, value in answer.headers.items():
                if name not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.pass_on()

        def do_POST(self) -> None:
            self.pass_on()

        def do_PUT(self) -> None:
            self.pass_on()

        def do_PATCH(self) -> None:
            self.pass_on()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Relay


@contextmanager
def listening(handler: type) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def other_arm(request: str, answer: httpx.Response) -> tuple[int, bytes]:
    """Another arm at each allocation than the one stored."""
    content = answer.content
    if request.startswith("POST") and request.endswith("/randomization"):
        swapped = {"experimental": "control", "control": "experimental"}
        body = json.loads(content)
        if "arm" in body:
            content = json.dumps(body | {"arm": swapped[body["arm"]]}).encode()
    return answer.status_code, content


def created_as_200(request: str, answer: httpx.Response) -> tuple[int, bytes]:
    """200 where a grading is created."""
    graded = request.startswith("POST") and request.endswith("/gradings")
    wrong = graded and answer.status_code == 201
    return 200 if wrong else answer.status_code, answer.content


def without_derived(request: str, answer: httpx.Response) -> tuple[int, bytes]:
    """A grading whose derived grades have another shape than promised."""
    content = answer.content
    if request.endswith("/gradings") and answer.status_code == 201:
        content = json.dumps(answer.json() | {"derived": None}).encode()
    return answer.status_code, content


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_derived, "TypeError"),
        (other_arm, "/randomization: expected arm"),
        (created_as_200, "/gradings: expected status 201; got 200"),
    ],
)
def test_one_wrong_answer_per_subject_is_listed_and_fails_the_demo(
    api: Api, change: Callable[[str, httpx.Response], tuple[int, bytes]], told: str
) -> None:
    with listening(relay(str(api.client.base_url), change)) as url:
        status, said = play(url, 1)
    assert status == 1
    assert told in said
    assert "unexpected answers" in said


class Broken(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_server_that_answers_500_fails_the_demo() -> None:
    with listening(Broken) as url:
        told = CliRunner().invoke(app, ["demo", "--subjects", "2", "--url", url])
    assert told.exit_code == 1
    assert "expected status 200; got 500" in " ".join(told.output.split())


def test_no_server_at_all_is_told_and_fails_the_demo() -> None:
    with listening(Broken) as url:
        pass
    status, said = play(url)
    assert status == 1
    assert f"No answer from {url}" in said


def cap_of(cap: int) -> Callable[[str, httpx.Response], tuple[int, bytes]]:
    """A protocol that allocates so many subjects."""

    def change(request: str, answer: httpx.Response) -> tuple[int, bytes]:
        content = answer.content
        if request.startswith("GET /v1/protocol-versions/"):
            body = json.loads(content)
            body["document"]["randomization"]["cap"] = cap
            content = json.dumps(body).encode()
        return answer.status_code, content

    return change


def test_a_second_run_goes_on_where_the_first_ended_and_fills_the_trial(api: Api) -> None:
    url = str(api.client.base_url)
    assert play(url, 1)[0] == 0
    between = api.today()
    api.rows("UPDATE randomization_total SET cap = 2")
    with listening(relay(url, cap_of(2))) as smaller:
        status, said = play(smaller, 2)
    assert status == 0, said
    assert "1 are allocated already: 1 instead of 2 are recruited" in " ".join(said.split())
    assert api.count("allocation") == 2
    assert api.today() > between
    late = api.rows("SELECT status FROM subject ORDER BY created_at DESC LIMIT 1")
    assert late[0][0] == "screen_failed", "the one person too many"


def test_a_full_trial_is_told_and_fails_the_demo(api: Api) -> None:
    for _ in range(2):
        api.as_("investigator").randomized()
    with listening(relay(str(api.client.base_url), cap_of(2))) as full:
        status, said = play(full)
    assert status == 1
    assert "The trial allocates 2 subjects and 2 are allocated already" in " ".join(said.split())
    assert "The trial is full" in said

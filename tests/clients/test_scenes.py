"""Both clients do the same where something goes wrong, and where there is more than one page."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.clients.hindrance import Fault, Hindrance
from tests.clients.speaking import CLIENTS, Play
from tests.make import Api, Json, ok, path, plan


@pytest.fixture(params=CLIENTS)
def play(request: pytest.FixtureRequest) -> Play:
    """One client after the other."""
    return CLIENTS[request.param]


def test_a_refusal_names_its_code_each_mistake_and_the_key(
    unchanged: Api, line: Hindrance, play: Play
) -> None:
    line.clear()
    assert play("refused", line.address, token=unchanged.as_("investigator").token) == {
        "status": 422,
        "code": "invalid",
        "pointers": ["/year_of_birth"],
        "quotable": True,
        "uncertain": False,
        "retry_after": None,
        "key": "a-key",
    }


def test_a_request_repeated_later_with_its_key_is_done_once(
    api: Api, line: Hindrance, play: Play
) -> None:
    line.meet(Fault.CUT_AFTER)
    came = play("repeated", line.address, token=api.as_("investigator").token)
    assert came == {"replayed": True, "number": "NN-0001"}
    assert api.count("subject") == 1


def test_what_nothing_makes_safe_is_sent_once(unchanged: Api, line: Hindrance, play: Play) -> None:
    line.meet(Fault.CUT_BEFORE)
    assert play("unkeyed", line.address) == {"key": None}
    assert (line.hindered, line.passed) == (["POST /sandbox/clock"], [])


def test_a_pause_longer_than_the_caller_s_patience_is_theirs_to_wait_for(
    unchanged: Api, line: Hindrance, play: Play
) -> None:
    line.meet(Fault.BUSY)
    line.pause = "1"
    came = play("impatient", line.address, token=unchanged.as_("investigator").token)
    assert (came["code"], came["retry_after"], came["key"]) == ("unavailable", "1", "a-key")
    assert line.passed == []


def test_the_pause_that_the_service_names_is_kept(
    unchanged: Api, line: Hindrance, play: Play
) -> None:
    line.meet(Fault.TOO_MANY)
    line.pause = "1"
    play("patient", line.address, token=unchanged.as_("investigator").token)
    first, second = line.moments
    assert second - first >= 1
    assert line.passed == ["GET /v1/me"]


@pytest.mark.parametrize(
    "mine",
    [{"planned_dose_gy": 60}, {"reason": "Planned anew"}, {"last_fraction_on": None}],
    ids=["other values", "another reason", "what stands was cleared"],
)
def test_another_s_change_is_not_taken_for_one_s_own(
    api: Api, line: Hindrance, play: Play, mine: Json
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    today = str(api.today())
    ended = {"first_fraction_on": today, "last_fraction_on": today}
    for dose in (66, 70):
        changed = plan(api.today(), planned_dose_gy=dose, reason="As planned", **ended)
        ok(investigator.put(path(subject, "radiotherapy"), changed))
    line.meet(Fault.CUT_BEFORE)
    told = {name: value for name, value in {**changed, **mine}.items() if value is not None}
    came = play(
        "overtaken", line.address, token=investigator.token, subject=subject["id"], plan=told
    )
    assert (came["status"], came["code"], came["uncertain"]) == (412, "stale_version", True)
    assert api.count("radiotherapy") == 2


def test_a_list_is_read_to_its_last_page(api: Api, line: Hindrance, play: Play) -> None:
    line.clear()
    investigator = api.as_("investigator")
    numbers = [investigator.screened()["number"] for _ in range(5)]
    came = play("listed", line.address, token=investigator.token)
    assert came == [numbers, '"7"']
    assert len(line.passed) == 3


def test_the_feed_goes_on_where_it_was_left(api: Api, line: Hindrance, play: Play) -> None:
    line.clear()
    investigator = api.as_("investigator")
    for _ in range(5):
        investigator.screened()

    def screen_when_all_is_read() -> None:
        while sum("after=" in asked for asked in line.passed) < 2:
            time.sleep(0.01)
        investigator.screened()

    with ThreadPoolExecutor() as pool:
        late = pool.submit(screen_when_all_is_read)
        came = play("followed", line.address, token=investigator.token, events=6)
        late.result(timeout=30)
    events = ok(investigator.get("/v1/events"))["items"]
    assert came == [event["id"] for event in events]


def test_a_token_is_renewed_once_before_it_expires_and_ends_with_the_session(
    api: Api, line: Hindrance, play: Play
) -> None:
    line.clear()
    assert play("renewed", line.address) == ["investigator"] * 4
    assert line.passed.count("POST /v1/oauth/token") == 2
    told = "SELECT generation, ended_because IS NOT NULL FROM account_session"
    assert [tuple(row) for row in api.rows(told)] == [(1, True)]


@pytest.mark.parametrize(
    ("proof", "fault", "failure"),
    [
        ("refresh_token", Fault.CUT_BEFORE, "Unreachable"),
        ("totp", Fault.CUT_AFTER, "Unreachable"),
        ("password", Fault.BUSY, "TrialProblem"),
    ],
    ids=["refresh_token", "totp", "password"],
)
def test_a_session_outlives_a_renewal_that_failed(
    api: Api, line: Hindrance, play: Play, proof: str, fault: Fault, failure: str
) -> None:
    known = {"username": "investigator-nn", "password": "sandbox-only"}
    credentials = known | ({"totp": "000000"} if proof == "totp" else {})
    if proof == "refresh_token":
        form = {"grant_type": "password", **known}
        answer = httpx.post(f"{line.service}/v1/oauth/token", data=form)
        credentials = {"refreshToken": answer.json()["refresh_token"]}
    line.meet(Fault.NONE, Fault.NONE, fault)
    came = play("interrupted", line.address, credentials=credentials)
    assert came == ["investigator", "investigator", failure, "investigator"]
    told = "SELECT ended_because FROM account_session"
    assert [tuple(row) for row in api.rows(told)] == [(None,)]


def test_a_token_that_is_refused_is_asked_for_anew(
    unchanged: Api, line: Hindrance, play: Play
) -> None:
    line.clear()
    assert play("denied", line.address, token=unchanged.as_("monitor").token) == "monitor"
    assert line.passed == ["GET /v1/me"] * 2


def test_a_system_signs_in_with_its_secret(api: Api, line: Hindrance, play: Play) -> None:
    line.clear()
    assert play("machine", line.address) == ["hospital_system", "invalid_client"]


def test_a_report_comes_as_a_file(unchanged: Api, line: Hindrance, play: Play) -> None:
    line.clear()
    token = unchanged.as_("data_manager").token
    assert play("downloaded", line.address, token=token) == "<!doctype"

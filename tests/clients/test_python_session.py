"""The Python client begins, goes on with and ends the session of its caller."""

import httpx
import pytest

from services.api.identity.sessions import GRACE
from tests.clients.script import Met, Script, cut, form, page, problem, record, tokens
from trial_client import Password, RefreshToken, Retries, TrialProblem, Unreachable
from trial_client.credentials import LIMIT

SIGN_IN, SIGN_OUT, ME = "POST /v1/oauth/token", "POST /v1/oauth/revoke", "GET /v1/me"
SESSION = RefreshToken("given")
PERSON = Password("investigator-nn", "sandbox-only")
CODED = Password("investigator-nn", "sandbox-only", totp="000000")


def test_a_session_begun_elsewhere_is_ended_before_its_first_call() -> None:
    script = Script(record({"revoked": True}))
    with script.trial(SESSION) as trial:
        trial.sign_out()
    assert script.asked == [SIGN_OUT]
    assert form(script.sent[0]) == {"token": "given"}


@pytest.mark.parametrize("met", [cut(), problem(503, "unavailable"), page(200)])
def test_a_session_is_held_until_the_service_says_that_it_ended(met: Met) -> None:
    script = Script(tokens(), record({}), met, record({"revoked": True}))
    with script.trial(SESSION, attempts=1) as trial:
        trial.read_me()
        with pytest.raises((TrialProblem, Unreachable)):
            trial.sign_out()
        trial.sign_out()
    assert script.asked == [SIGN_IN, ME, SIGN_OUT, SIGN_OUT]
    assert [form(request) for request in script.sent[2:]] == [{"token": "refresh-0"}] * 2


@pytest.mark.parametrize("status", [401, 503])
def test_a_call_that_was_under_way_does_not_sign_in_again_after_signing_out(status: int) -> None:
    def meanwhile() -> httpx.Response:
        trial.sign_out()
        return problem(status, "meanwhile")

    again = [] if status == 401 else [problem(401, "unauthorized")]
    script = Script(tokens(), meanwhile, record({"revoked": True}), *again)
    with script.trial(PERSON) as trial, pytest.raises(TrialProblem) as refusal:
        trial.read_me()
    assert refusal.value.status == 401
    assert script.asked.count(SIGN_IN) == 1


def test_a_call_after_signing_out_signs_in_anew() -> None:
    script = Script(tokens(), record({}), record({"revoked": True}), tokens(1), record({}))
    with script.trial(PERSON) as trial:
        trial.read_me()
        trial.sign_out()
        trial.read_me()
    assert script.sent[-1].headers["Authorization"] == "Bearer access-1"


def test_a_token_request_is_given_up_in_time_to_ask_again_with_the_same_token() -> None:
    script = Script(tokens(), record({}))
    with script.trial(SESSION) as trial:
        trial.read_me()
    signing_in, reading = (request.extensions["timeout"] for request in script.sent)
    assert set(signing_in.values()) == {LIMIT}
    assert reading["read"] > LIMIT
    assert LIMIT + Retries().pause < GRACE.total_seconds()


@pytest.mark.parametrize(
    "met", [cut(), problem(503, "unavailable")], ids=["no_answer", "unavailable"]
)
def test_a_one_time_code_is_sent_once(met: Met) -> None:
    script = Script(met, tokens(), record({}))
    with script.trial(CODED) as trial, pytest.raises((TrialProblem, Unreachable)):
        trial.read_me()
    assert script.asked == [SIGN_IN]


def test_a_session_that_a_one_time_code_began_goes_on_as_any_other() -> None:
    refused = problem(401, "unauthorized")
    script = Script(tokens(), refused, cut(), tokens(1), record({}))
    with script.trial(CODED) as trial:
        trial.read_me()
    signing_in = [form(one) for one in script.sent if one.method == "POST"]
    assert [one.get("totp") for one in signing_in] == ["000000", None, None]

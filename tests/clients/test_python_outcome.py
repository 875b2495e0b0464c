"""The Python client tells whether what became of a request is known."""

import httpx
import pytest

from tests.clients.scenes import SUBJECT
from tests.clients.script import Met, Script, cut, page, problem, tokens
from trial_client import RefreshToken, Trial, TrialProblem, Unreachable

SESSION = RefreshToken("given")


def failure(script: Script, trial: Trial) -> TrialProblem | Unreachable:
    """What comes of entering a subject."""
    with trial, pytest.raises((TrialProblem, Unreachable)) as raised:
        trial.create_subject(SUBJECT, idempotency_key="a-key")
    error = raised.value
    assert isinstance(error, TrialProblem | Unreachable)
    assert error.idempotency_key == "a-key"
    return error


@pytest.mark.parametrize(
    ("met", "uncertain"),
    [
        (page(500), True),
        (page(502), True),
        (page(503), True),
        (page(504), True),
        (problem(502, "bad_gateway"), True),
        (problem(503, "outcome_unknown"), True),
        (problem(500, "internal"), False),
        (problem(503, "unavailable"), False),
        (page(403), False),
        (cut(), True),
        (httpx.ReadTimeout("silent"), True),
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("silent"), False),
        (httpx.PoolTimeout("full"), False),
    ],
    ids=lambda met: str(met.status_code) if isinstance(met, httpx.Response) else None,
)
def test_the_last_attempt_too_may_leave_open_what_became_of_it(met: Met, uncertain: bool) -> None:
    script = Script(met)
    assert failure(script, script.trial(attempts=1)).uncertain is uncertain


@pytest.mark.parametrize(
    ("renewal", "kind"),
    [
        (problem(400, "invalid_grant"), TrialProblem),
        (page(200), TrialProblem),
        (cut(), Unreachable),
    ],
    ids=["refused", "no_answer_of_the_service", "lost"],
)
def test_a_renewal_that_fails_does_not_hide_what_is_not_known(
    renewal: Met, kind: type[Exception]
) -> None:
    lost = [renewal] * 5
    script = Script(tokens(), cut(), problem(401, "unauthorized"), *lost)
    error = failure(script, script.trial(SESSION))
    assert isinstance(error, kind)
    assert error.uncertain


def test_where_only_the_token_was_asked_for_nothing_was_done() -> None:
    script = Script(cut(), cut())
    assert not failure(script, script.trial(SESSION, attempts=2)).uncertain
    assert script.asked == ["POST /v1/oauth/token"] * 2


def test_a_page_of_a_proxy_is_no_success_and_a_write_may_have_been_done() -> None:
    script = Script(page(200))
    error = failure(script, script.trial())
    assert isinstance(error, TrialProblem)
    assert (error.status, error.code, error.uncertain) == (200, "no_problem", True)


@pytest.mark.parametrize("answer", [page(200), httpx.Response(200, json="signed out")])
def test_a_page_of_a_proxy_is_nothing_that_was_read(answer: httpx.Response) -> None:
    script = Script(answer)
    with script.trial() as trial, pytest.raises(TrialProblem) as refusal:
        trial.read_me()
    assert (refusal.value.code, refusal.value.uncertain) == ("no_problem", False)


def test_a_page_of_a_proxy_is_no_token() -> None:
    script = Script(page(200))
    error = failure(script, script.trial(SESSION))
    assert isinstance(error, TrialProblem)
    assert (error.code, error.uncertain) == ("no_problem", False)

"""Why a request has no success: the service refused it, or did not answer.

Exception
├── TrialProblem
└── Unreachable
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import httpx

from trial_client.models import FieldError

NOT_THE_SERVICE = (
    "Something before the service gave this answer: look at the address, and at any proxy."
)


class TrialProblem(Exception):
    """A refusal, as RFC 9457 problem details.

    Decide by `code`; `detail` says in a sentence what to do next, and `errors`
    names each thing that is wrong. `request_id` is what to quote to the
    service's operators. `uncertain` tells that the answer of an attempt was lost,
    be it an earlier one or the last, so that the change may have been made all
    the same: read the record.
    """

    idempotency_key: str | None = None
    """The key that was sent: give it again to repeat the same request later."""

    def __init__(self, response: httpx.Response, *, uncertain: bool = False) -> None:
        problem = _read(response)
        self.status = response.status_code
        self.type = str(problem.get("type", "about:blank"))
        self.code = code_of(response)
        self.title = str(problem.get("title", response.reason_phrase))
        otherwise = NOT_THE_SERVICE if self.code == "no_problem" else ""
        self.detail = str(problem.get("detail", otherwise))
        self.request_id = response.headers.get("X-Request-Id", "")
        self.errors = cast("Sequence[FieldError]", problem.get("errors", ()))
        self.problem: Mapping[str, Any] = problem
        self.uncertain = uncertain
        self.retry_after = response.headers.get("Retry-After")
        places = "".join(f"\n  {one['pointer']}: {one['detail']}" for one in self.errors)
        super().__init__(f"{self.status} {self.code}: {self.title}. {self.detail}{places}")


class Unreachable(Exception):
    """There was no answer, or not all of it, in the last attempt.

    `uncertain` tells that the request was sent, so that it may have been done: it
    was not where no attempt found a connection. Send it again with the same
    `idempotency_key`, or read the record.
    """

    idempotency_key: str | None = None
    """The key that was sent: give it again to repeat the same request later."""

    def __init__(self, method: str, path: str, *, uncertain: bool = False) -> None:
        self.method = method
        self.path = path
        self.uncertain = uncertain
        super().__init__(f"no answer to {method} {path}")


def code_of(response: httpx.Response) -> str:
    """The problem's code; `no_problem` where something between us and the service answered."""
    type_ = str(_read(response).get("type", ""))
    return type_.rpartition("/problems/")[2] if "/problems/" in type_ else "no_problem"


def json_in(response: httpx.Response) -> dict[str, Any]:
    """What a success says.

    Raises:
        TrialProblem: it is none of the service's, such as a proxy's page to sign in.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise TrialProblem(response, uncertain=response.request.method != "GET")
    return body


def _read(response: httpx.Response) -> dict[str, Any]:
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if media_type != "application/problem+json":
        return {}
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}

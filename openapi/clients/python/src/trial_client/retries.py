"""Sending again what may be sent again, with pauses that grow."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from trial_client.problems import TrialProblem, Unreachable, code_of

BUSY = frozenset({429, 502, 503, 504})
"""Statuses that pass: too many requests, and a service that is away or behind a proxy that is."""
UNCERTAIN = frozenset({502, 504})
"""Answers of a proxy that lost ours: what became of the request is not known."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before there was a connection: nothing became of the request."""


@dataclass(frozen=True)
class Retries:
    """How often and how patiently.

    Pauses begin at about `pause` seconds and double up to `longest`; where the
    service names its own with Retry-After, that is waited for, unless it is
    longer than `patience`: then the refusal is yours to handle.
    """

    attempts: int = 5
    pause: float = 0.5
    longest: float = 8.0
    patience: float = 60.0

    def before(self, attempt: int, response: httpx.Response | None) -> float:
        """Seconds to wait after that attempt, the first being 1."""
        most = min(self.longest, self.pause * 2 ** (attempt - 1))
        # By chance, so that many callers do not come at once.
        chosen = random.uniform(most / 2, most)  # noqa: S311 -- it keeps no secret
        return max(chosen, retry_after(response)) if response is not None else chosen


@dataclass(frozen=True)
class Delivered:
    """An answer; `uncertain` when an attempt may have been done whose answer was lost.

    That may be an earlier attempt, or this one, where a proxy answered for the service.
    """

    response: httpx.Response
    uncertain: bool


def retry_after(response: httpx.Response) -> float:
    """Seconds to wait by the answer's Retry-After, in either of its forms (RFC 9110, 10.2.3)."""
    given = response.headers.get("Retry-After", "")
    if given.isdecimal():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def passes(response: httpx.Response) -> bool:
    """Whether the same request may succeed a little later."""
    still_in_flight = response.status_code == 409 and code_of(response) == "still_in_flight"
    return response.status_code in BUSY or still_in_flight


def lost(response: httpx.Response) -> bool:
    """Whether what became of the request is not known, for all that this answer says."""
    code = code_of(response)
    no_service = response.status_code >= 500 and code == "no_problem"
    return response.status_code in UNCERTAIN or code == "outcome_unknown" or no_service


def deliver(
    attempt: Callable[[], httpx.Response], *, safe: bool, asked: str, path: str, retries: Retries
) -> Delivered:
    """Send until there is an answer that will not change by itself.

    Only what is `safe` to send twice is: what changes nothing, what carries an
    Idempotency-Key, and what changes the version that If-Match names.

    Raises:
        Unreachable: the last attempt was not answered, or the token's renewal before it.
        TrialProblem: there was no token for it.
    """
    uncertain = False
    for number in range(1, retries.attempts + 1):
        last = not safe or number == retries.attempts
        response = None
        try:
            response = attempt()
        except httpx.TransportError as error:
            uncertain |= not isinstance(error, NOT_SENT)
            if last:
                raise Unreachable(asked, path, uncertain=uncertain) from error
        except (TrialProblem, Unreachable) as error:
            # There was no token for this attempt, which tells nothing of those before it.
            error.uncertain = uncertain
            raise
        if response is not None:
            uncertain |= lost(response)
            if last or not passes(response) or retry_after(response) > retries.patience:
                return Delivered(response, uncertain)
            response.close()
        time.sleep(retries.before(number, response))
    raise AssertionError("the last attempt returns or raises")

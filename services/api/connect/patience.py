"""Waiting for a neighbour that does not answer now, without hurrying it and without giving up."""

import random
from collections.abc import Callable
from threading import Event
from typing import TypeVar

import httpx

FIRST, LONGEST = 1.0, 300.0
"""Seconds before the second attempt, and at most between two."""

PASSING = frozenset({408, 425, 429})
"""Refusals that pass by themselves, as every 5xx does."""

T = TypeVar("T")


class Unavailable(Exception):
    """No answer, or one that says to come again; `after` are the seconds that it asks for."""

    def __init__(self, told: str, after: float | None = None) -> None:
        super().__init__(told)
        self.after = after


class Stopped(Exception):
    """What nobody but a person can mend: told in a sentence, and nothing more is sent."""


class Ended(Exception):
    """Asked to end, which is heard between two requests and while waiting."""


def send(http: httpx.Client, request: httpx.Request, whom: str) -> httpx.Response:
    """The answer of a neighbour that was able to give one.

    Raises:
        Unavailable: it was not; the request may or may not have had its effect.
    """
    try:
        answer = http.send(request)
    except httpx.RequestError as fault:
        raise Unavailable(f"{whom}: {type(fault).__name__} {fault}".rstrip()) from fault
    if answer.status_code >= 500 or answer.status_code in PASSING:
        raise Unavailable(f"{whom}: answers {answer.status_code}", _asked_to_wait(answer))
    return answer


def _asked_to_wait(answer: httpx.Response) -> float | None:
    """`Retry-After` in seconds; one that gives a date is passed over."""
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else None


class Patience:
    """How often something is tried, and how long the pauses are.

    Pauses double up to five minutes; each is shortened by chance, so that several
    adapters do not come back in step. Without `tries` it never gives up.
    """

    def __init__(self, ended: Event, tell: Callable[[str], None], tries: int | None) -> None:
        self._ended = ended
        self._tell = tell
        self._tries = tries

    def insist(self, attempt: Callable[[], T]) -> T:
        """What the attempt answers, sooner or later.

        Raises:
            Stopped: it failed as often as it may.
            Ended: asked to end before, or meanwhile.
        """
        tried = 0
        while True:
            if self._ended.is_set():
                raise Ended
            try:
                return attempt()
            except Unavailable as fault:
                tried += 1
                if self._tries is not None and tried >= self._tries:
                    raise Stopped(f"{fault}; given up after {tried} attempts") from fault
                self.wait(self._pause(tried, fault))

    def _pause(self, tried: int, fault: Unavailable) -> float:
        pause = min(FIRST * 2.0 ** min(tried - 1, 20), LONGEST)
        pause *= random.uniform(0.5, 1)  # noqa: S311 -- it keeps no secret
        pause = max(pause, min(fault.after or 0, LONGEST))
        self._tell(f"{fault}; tried again in {pause:.0f} s")
        return pause

    def wait(self, seconds: float) -> None:
        """Pause.

        Raises:
            Ended: asked to end meanwhile.
        """
        if self._ended.wait(seconds):
            raise Ended

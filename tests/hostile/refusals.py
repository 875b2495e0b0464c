"""What every refusal has to be."""

import httpx

from tests.hostile.bodies import PLANT, PLANTED_NUMBER
from tests.hostile.ledger import Ledger
from tests.make import problem

_SECRET = (PLANT, str(PLANTED_NUMBER))


def faults(answer: httpx.Response, status: int, code: str | None = None) -> list[str]:
    """What is wrong with a refusal: not that problem, or it repeats what was sent."""
    try:
        body = problem(answer, status, code or answer.json()["type"].removeprefix("/problems/"))
    except (AssertionError, ValueError, KeyError) as wrong:
        return [f"{answer.status_code} instead of {status}: {answer.text[:300]} ({wrong!r:.80})"]
    seen = f"{answer.text} {dict(answer.headers)}"
    found = [f"repeats {value}: {answer.text[:300]}" for value in _SECRET if value in seen]
    if "errors" in body and not all(one["code"] and one["detail"] for one in body["errors"]):
        found.append(f"an error without code or detail: {answer.text[:300]}")
    return found


class Refusals:
    """Collects the faults of many requests, each of which has to store nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._before = ledger.read()
        self.faults: list[str] = []
        self.requests = 0

    def expect(
        self, name: str, answer: httpx.Response, status: int, code: str | None = None
    ) -> None:
        """Judge one answer and look at every table."""
        self.requests += 1
        self.faults += [f"{name}: {fault}" for fault in faults(answer, status, code)]
        now = self._ledger.read()
        if now != self._before:
            changed = [table for table, state in now.items() if state != self._before[table]]
            self.faults.append(f"{name}: wrote to {changed}")
            self._before = now

    def verdict(self) -> str:
        """All faults as text, empty when there are none."""
        return "\n".join(self.faults)

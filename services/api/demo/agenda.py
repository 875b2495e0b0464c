"""What a hospital still has to do, by day."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

Act = Callable[[date], None]


@dataclass
class Agenda:
    """Acts in the order of their days, and on one day in the order they were noted."""

    _acts: list[tuple[date, int, str, Act]] = field(default_factory=list)
    _noted: int = 0

    def note(self, day: date, owner: str, act: Act) -> None:
        """Do something about an owner on a day, or as soon after it as the hospital works."""
        self._noted += 1
        heapq.heappush(self._acts, (day, self._noted, owner, act))

    def next_day(self) -> date | None:
        """The next day with something to do."""
        return self._acts[0][0] if self._acts else None

    def due(self, today: date) -> Iterator[tuple[str, Act]]:
        """Take what is due with its owner, also what an act just taken adds for today."""
        while self._acts and self._acts[0][0] <= today:
            _, _, owner, act = heapq.heappop(self._acts)
            yield owner, act

    def drop(self, owner: str) -> None:
        """Forget everything about an owner."""
        self._acts = [entry for entry in self._acts if entry[2] != owner]
        heapq.heapify(self._acts)

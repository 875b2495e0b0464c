"""A play: the trial's hospitals work through their days at the API, one request after the other.

Nothing happens at the same time and no time passes by itself, so a play repeats.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.api.core.permissions import Role
from services.api.demo.agenda import Agenda
from services.api.demo.chance import Chance
from services.api.demo.client import Caller
from services.api.demo.trial import Trial, read_trial
from services.api.sandbox.service import username
from services.api.scenarios.repeating import StandingClock

MORNING = 8
"""The local hour at which hospitals begin, and at which a scenario is ready."""
FRIDAY = 4
HOUR = 3600
SECONDS = 45
"""Clinical time that each change takes."""


@dataclass
class TimedCaller(Caller):
    """An account whose changes take time."""

    clock: StandingClock = field(default_factory=lambda: StandingClock(ZoneInfo("UTC")))

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Any request as this account."""
        if method != "GET":
            self.clock.pass_time(SECONDS)
        return super().send(method, path, **how)


class Play:
    """One scenario as it is played: its clock, its chance, its agenda and its accounts.

    `work` does what a worker would have done since it was last asked, and with
    `sweeping` also looks for what should have been done: once a week, for it looks
    at everybody.
    """

    def __init__(
        self, http: httpx.Client, clock: StandingClock, seed: str, work: Callable[..., None]
    ) -> None:
        self.clock = clock
        self.agenda = Agenda()
        self.begins_on = clock.today()
        self._http = http
        self._seed = seed
        self._work = work
        self._callers: dict[str, TimedCaller] = {}
        self.trial: Trial = read_trial(self.account(Role.STATISTICIAN))

    @property
    def today(self) -> date:
        """The local day."""
        return self.clock.today()

    def day(self, number: int) -> date:
        """So many days after the beginning."""
        return self.begins_on + timedelta(days=number)

    def chance(self, question: str) -> Chance:
        """The chance that answers one question."""
        return Chance(f"{self._seed}/{question}")

    def account(self, role: Role, site: str = "", place: int = 1) -> TimedCaller:
        """A demo account; it signs in when it is first needed."""
        name = username(role, site, place)
        if name not in self._callers:
            self._callers[name] = TimedCaller(self._http, name, clock=self.clock)
        return self._callers[name]

    def moment(self) -> str:
        """The clinical moment as the API wants it."""
        return self.clock.now().isoformat().replace("+00:00", "Z")

    def note(self, day: date, act: Callable[..., object], *given: Any, **named: Any) -> None:
        """Do something on a day."""
        self.agenda.note(day, "", lambda _: _ignore(act(*given, **named)))

    def pass_days(self, until: date) -> None:
        """Do what is noted for each day before that one, and go on to its morning."""
        while (day := self.agenda.next_day()) is not None and day < until:
            self._begin(day)
            for _, act in self.agenda.due(day):
                act(day)
            self._work(sweeping=day.weekday() == FRIDAY)
        self._begin(until)
        self._work(sweeping=True)

    def rest(self) -> None:
        """Let the worker do what is left, and the clock stand at a full hour."""
        self._work(sweeping=True)
        left = -self.clock.now().timestamp() % HOUR
        self.clock.pass_time(round(left))

    def _begin(self, day: date) -> None:
        """Go on to the morning of a day, if it is not over."""
        local = datetime.combine(day, time(MORNING), self.clock.zone)
        self.clock.moment = max(self.clock.moment, local.astimezone(UTC))


def _ignore(_: object) -> None:
    """An act is done for what it does."""

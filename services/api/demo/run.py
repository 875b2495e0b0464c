"""The demo: the trial's hospitals recruit, treat and follow their subjects, day by day, over HTTP.

All hospitals finish a day before the clock moves; days on which nobody has
anything to do are skipped.
"""

import http.client
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.api.demo import review, sponsor
from services.api.demo.answers import eligible_ages
from services.api.demo.chance import working_day
from services.api.demo.client import SANDBOX_PASSWORD, TIMEOUT, Caller, expect
from services.api.demo.hospital import MISREAD, Hospital
from services.api.demo.outcomes import read_outcomes
from services.api.demo.person import Person, Screening, recruit
from services.api.demo.receiver import Receiver
from services.api.demo.screening import expect_person
from services.api.demo.table import read_ending, show
from services.api.demo.trial import Trial, read_trial

EVENING = 18
"""The local hour to which the clock moves: what is recorded of a day lies before it."""

LIFE_OF_A_SUBJECT = 190
"""Days from screening to completion, roughly: for the progress bar only."""

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Where a receiver of the demo can be reached."""

BROKEN = (httpx.TransportError, http.client.HTTPException, OSError)


@dataclass(frozen=True)
class Options:
    """How many subjects to randomize, from which seed, where, and where the report goes."""

    subjects: int
    seed: int
    url: str
    report: Path
    password: str = SANDBOX_PASSWORD


def run(options: Options, console: Console) -> int:
    """Drive the sandbox; 0 when every answer was what the contract says, else 1."""
    try:
        with ExitStack() as connections:
            unexpected = _Demo(options, console, connections).play()
    except MISREAD as error:
        unexpected = [f"{type(error).__name__}: {error}"]
    except BROKEN as error:
        unexpected = [f"No answer from {options.url}: {error or type(error).__name__}"]
    for line in unexpected:
        console.print(f"✗ {line}", style="red", markup=False, highlight=False)
    if unexpected:
        console.print(f"{len(unexpected)} unexpected answers", style="bold red")
        return 1
    return 0


class _Demo:
    """One run against one sandbox."""

    def __init__(self, options: Options, console: Console, connections: ExitStack) -> None:
        self._options = options
        self._console = console
        self._connections = connections
        self._counts: Counter[str] = Counter()
        self._today = date.min
        self._last_event: str | None = None
        self._http = self._connect()
        self._reader = self._caller(self._http, "statistician")

    def play(self) -> list[str]:
        """The whole demo; returns what was not as the contract says."""
        began = time.monotonic()
        clock = expect(self._http.get("/sandbox/clock"), 200)
        self._today = date.fromisoformat(clock["today"])
        trial = read_trial(self._reader)
        wanted = min(self._options.subjects, trial.cap - trial.allocated)
        if wanted < self._options.subjects:
            self._say_how_full(trial, wanted)
        if wanted <= 0:
            return ["The trial is full: start a sandbox with a new TRIAL_DATA_DIR"]
        hospitals = self._open_hospitals(trial)
        ages = eligible_ages(trial.protocol.eligibility)
        tomorrow = self._today + timedelta(days=1)
        people = recruit(self._options.seed, trial.sites, ages, wanted, tomorrow)
        if wanted == trial.cap - trial.allocated:
            people.append(_surplus(people))
        for person in people:
            expect_person(hospitals[trial.sites.index(person.site)], person)
        sponsor.publish_reference(self._caller(self._http, "safety-officer"), self._today)
        receiver = self._receive(trial)
        with ThreadPoolExecutor(len(hospitals)) as threads:
            self._pass_days(trial, hospitals, people, threads)
            outcomes = [one for part in threads.map(read_outcomes, hospitals) for one in part]
            for _ in threads.map(self._review, hospitals):
                pass
        ending, unexpected = read_ending(self._reader, hospitals, outcomes)
        for hospital in hospitals:
            unexpected += hospital.unexpected
            self._counts += hospital.counts
        if receiver is not None and not unexpected:
            unexpected += self._received(receiver)
        show(self._console, trial, ending, self._counts)
        self._report()
        self._console.print(f"Took {time.monotonic() - began:.0f} s")
        return unexpected

    def _say_how_full(self, trial: Trial, wanted: int) -> None:
        self._console.print(
            f"The trial allocates {trial.cap} subjects and {trial.allocated} are allocated"
            f" already: {wanted} instead of {self._options.subjects} are recruited.",
            style="yellow",
        )

    def _review(self, hospital: Hospital) -> None:
        """The monitor and the data manager go through a hospital's records, if they are whole."""
        if hospital.unexpected:
            return
        monitor = self._caller(self._connect(), f"monitor-{hospital.site.lower()}", hospital.counts)
        manager = self._caller(self._connect(), "data-manager", hospital.counts)
        verified = review.verify(monitor, hospital)
        hospital.counts["verified"] += verified
        for subject in hospital.subjects:
            hospital.counts["queries"] += review.settle(manager, hospital, subject)
        done = next((one for one in hospital.subjects if one.status == "completed"), None)
        if done is not None:
            review.discuss(monitor, hospital, done, done.ungraded_visit)
            review.lock(manager, hospital, done)
            review.unlock(manager, done)

    # --- webhooks ----------------------------------------------------------------------

    def _receive(self, trial: Trial) -> Receiver | None:
        """Have everything that happens delivered here, if the sandbox is on this machine."""
        if httpx.URL(self._options.url).host not in LOCAL:
            return None
        receiver = self._connections.enter_context(Receiver())
        admin = self._caller(self._http, "admin")
        body = {"url": receiver.url, "sites": sorted(trial.sites), "description": "The demo"}
        made = admin.post("/v1/webhooks", body).holds(**body, active=True)
        receiver.secret = made["secret"]
        feed = self._caller(self._http, "data-manager").feed("/v1/events")
        self._last_event = next((event["id"] for event in reversed([*feed])), None)
        self._connections.callback(self._end_webhook, admin, made["links"]["self"])
        return receiver

    def _end_webhook(self, admin: Caller, path: str) -> None:
        admin.send("DELETE", path, tag=admin.get(path).tag)

    def _received(self, receiver: Receiver) -> list[str]:
        """What of the feed did not arrive, each signed, in the order of its subject."""
        feed = self._caller(self._http, "data-manager").feed("/v1/events", self._last_event)
        missing = receiver.missing(feed)
        if receiver.counts["forgeries"]:
            missing.append(f"{receiver.counts['forgeries']} deliveries with a wrong signature")
        self._counts += receiver.counts
        return missing

    def _report(self) -> None:
        """The DMC reads the endpoints by arm, which a hospital may not, and keeps them."""
        path = "/v1/reports/endpoints"
        self._caller(self._http, "data-manager").refused(403, "forbidden", "GET", path)
        dmc = self._caller(self._http, "dmc")
        pdf = dmc.download(path, "application/pdf", format="pdf")
        self._options.report.parent.mkdir(parents=True, exist_ok=True)
        self._options.report.write_bytes(pdf)
        self._console.print(f"The DMC's report: {self._options.report}", soft_wrap=True)

    # --- the hospitals -----------------------------------------------------------------

    def _connect(self) -> httpx.Client:
        return self._connections.enter_context(
            httpx.Client(base_url=self._options.url, timeout=TIMEOUT)
        )

    def _caller(
        self, http: httpx.Client, account: str, counts: Counter[str] | None = None
    ) -> Caller:
        machine = account.startswith("his-")
        counted = self._counts if counts is None else counts
        return Caller(http, account, self._options.password, machine=machine, counts=counted)

    def _open_hospitals(self, trial: Trial) -> list[Hospital]:
        """Each site with its accounts; the last one works through its hospital system."""
        return [
            self._open(trial, site, trial.sites[place - 1], system=site == trial.sites[-1])
            for place, site in enumerate(trial.sites)
        ]

    def _open(self, trial: Trial, site: str, other: str, *, system: bool) -> Hospital:
        http, counts = self._connect(), Counter[str]()

        def account(role: str, at: str) -> Caller:
            return self._caller(http, f"{role}-{at.lower()}", counts)

        return Hospital(
            site=site,
            trial=trial,
            investigator=account("investigator", site),
            coordinator=account("coordinator", site),
            assessor=account("assessor", site),
            second_assessor=self._caller(http, f"assessor-{site.lower()}-2", counts),
            stranger=account("investigator", other),
            officer=self._caller(http, "safety-officer", counts),
            system=account("his", site) if system else None,
            counts=counts,
        )

    # --- the days -----------------------------------------------------------------------

    def _pass_days(
        self,
        trial: Trial,
        hospitals: Sequence[Hospital],
        people: Sequence[Person],
        threads: ThreadPoolExecutor,
    ) -> None:
        first = people[0].screened_on
        days = (people[-1].screened_on - first).days + LIFE_OF_A_SUBJECT
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("", total=days)
            while (day := _next_day(hospitals)) is not None:
                self._move_clock(trial, day)
                for _ in threads.map(lambda hospital, on=day: hospital.work(on), hospitals):
                    pass
                randomized = sum(hospital.randomized for hospital in hospitals)
                told = f"{day}  {randomized:3} randomized"
                progress.update(task, completed=(day - first).days, description=told)
            progress.update(task, completed=days)
        self._move_clock(trial, _after_every_window(trial, hospitals))

    def _move_clock(self, trial: Trial, day: date) -> None:
        """Move clinical time to the evening of a day, unless it is that day already."""
        if day <= self._today:
            return
        moved = self._http.post("/sandbox/clock", json={"now": trial.moment(day, EVENING)})
        expect(moved, 200).holds(today=str(day))
        self._today = day


def _next_day(hospitals: Sequence[Hospital]) -> date | None:
    days = [hospital.agenda.next_day() for hospital in hospitals]
    return min((day for day in days if day is not None), default=None)


def _after_every_window(trial: Trial, hospitals: Sequence[Hospital]) -> date:
    """The first day on which no subject's endpoint window is open any more."""
    last = max(
        subject.last_on or subject.person.screened_on
        for hospital in hospitals
        for subject in hospital.subjects
    )
    return last + timedelta(days=trial.protocol.endpoint.window_days_after_rt_end + 1)


def _surplus(people: Sequence[Person]) -> Person:
    """One person more than the trial takes, who comes when everybody else is randomized."""
    last = people[-1]
    return replace(
        last,
        index=len(people),
        screened_on=working_day(last.screened_on + timedelta(days=21)),
        screening=Screening.PASSES,
        surplus=True,
    )

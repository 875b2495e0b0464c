"""The ending: what the hospitals achieved, as tables."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from services.api.demo.client import Caller, Json
from services.api.demo.hospital import Hospital, Subject
from services.api.demo.outcomes import Outcome
from services.api.demo.trial import Trial

STATUSES = {
    "screen_failed": "failed",
    "completed": "completed",
    "withdrawn": "withdrawn",
    "lost_to_follow_up": "lost",
    "died": "died",
}
"""Where subjects end up, and how the table says it."""
OUTCOMES = {
    "event": "event",
    "no_event": "no event",
    "not_evaluable": "not evaluable",
    "pending": "pending",
}


@dataclass(frozen=True)
class Ending:
    """What the API says of this run's subjects after the last day."""

    subjects: Sequence[Json]
    allocations: Sequence[Json]
    events: Sequence[Json]
    outcomes: Sequence[Outcome]


def read_ending(
    reader: Caller, hospitals: Sequence[Hospital], outcomes: Sequence[Outcome]
) -> tuple[Ending, list[str]]:
    """The lists of the API, cut to this run, and where they differ from what hospitals know.

    Raises:
        Unexpected: an answer is not what the contract says.
    """
    known = {subject.id: subject for hospital in hospitals for subject in hospital.subjects}
    ending = Ending(
        subjects=[item for item in reader.pages("/v1/subjects") if item["id"] in known],
        allocations=_of(known, reader.pages("/v1/randomizations")),
        events=_of(known, reader.pages("/v1/adverse-events")),
        outcomes=outcomes,
    )
    return ending, _differences(known, ending)


def _of(known: dict[str, Subject], items: Iterable[Json]) -> list[Json]:
    return [item for item in items if item["subject_id"] in known]


def _differences(known: dict[str, Subject], ending: Ending) -> list[str]:
    """Every subject once in the lists, with the status and arm that the hospital was told."""
    told = sorted((subject.number, subject.status) for subject in known.values())
    listed = sorted((item["number"], item["status"]) for item in ending.subjects)
    arms = sorted((subject.id, subject.arm) for subject in known.values() if subject.arm)
    allocated = sorted((item["subject_id"], item["arm"]) for item in ending.allocations)
    differences = []
    if told != listed:
        differences.append(f"GET /v1/subjects: differs by {set(told) ^ set(listed)}")
    if arms != allocated:
        differences.append(f"GET /v1/randomizations: differs by {set(arms) ^ set(allocated)}")
    return differences


def show(console: Console, trial: Trial, ending: Ending, counts: Counter[str]) -> None:
    """Print the tables."""
    for table in (_by_site, _by_arm, _adverse_events):
        console.print(table(trial, ending))
        console.print()
    console.print(
        f"{counts['requests']:,} requests · {counts['refusals']:,} refusals verified ·"
        f" {counts['replays']} retries replayed\n{counts['corrections']} gradings corrected ·"
        f" {counts['second gradings']} second gradings · {counts['adjudications']} adjudicated ·"
        f" {counts['verified']} verified · {counts['queries']} queries closed\n"
        f"{counts['submissions']} reports to authorities · {counts['missed deadlines']} deadlines"
        f" missed on purpose, and told · {counts['deliveries']:,} deliveries,"
        f" {counts['refused']} of them refused, {counts['doubles']} came twice"
    )


def _table(title: str, first: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _by_site(trial: Trial, ending: Ending) -> Table:
    table = _table("Recruitment", "site", "screened", "randomized", *STATUSES.values())
    for site in (*trial.sites, None):
        subjects = [item for item in ending.subjects if site in (item["site"], None)]
        randomized = [item for item in ending.allocations if site in (item["site"], None)]
        counted = Counter(item["status"] for item in subjects)
        numbers = [len(subjects), len(randomized), *(counted[status] for status in STATUSES)]
        table.add_row(site or "all", *map(str, numbers))
    return table


def _by_arm(trial: Trial, ending: Ending) -> Table:
    measures = ("event, %", "onset day", "days severe")
    title = "Primary endpoint; medians of subjects with an event"
    table = _table(title, "arm", "n", *OUTCOMES.values(), *measures)
    for arm in trial.arms:
        of_arm = [outcome for outcome in ending.outcomes if outcome.arm == arm]
        counted = Counter(outcome.status for outcome in of_arm)
        randomized = sum(item["arm"] == arm for item in ending.allocations)
        table.add_row(
            arm,
            str(randomized),
            *(str(counted[status]) for status in OUTCOMES),
            _share(counted),
            _median(one.days_to_first_severe for one in of_arm),
            _median(one.days_severe for one in of_arm if one.status == "event"),
        )
    return table


def _share(counted: Counter[str]) -> str:
    evaluable = counted["event"] + counted["no_event"]
    return f"{100 * counted['event'] / evaluable:.0f}" if evaluable else "–"


def _median(values: Iterable[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):g}" if known else "–"


def _adverse_events(trial: Trial, ending: Ending) -> Table:
    arm_of = {item["subject_id"]: item["arm"] for item in ending.allocations}
    grades = sorted({event["grade"] for event in ending.events})
    columns = [f"grade {grade}" for grade in grades]
    table = _table("Adverse events", "arm", *columns, "serious", "all")
    for arm in trial.arms:
        events = [event for event in ending.events if arm_of.get(event["subject_id"]) == arm]
        counted = Counter(event["grade"] for event in events)
        serious = sum(event["serious"] for event in events)
        numbers = [*(counted[grade] for grade in grades), serious, len(events)]
        table.add_row(arm, *map(str, numbers))
    return table

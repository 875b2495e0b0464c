"""The service's endpoint and a second implementation agree on every history."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from pprint import pformat
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
import yaml

from services.api.embedded import Cluster
from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, endpoint
from services.api.gradings.rules import assessments
from services.api.protocol.load import Loaded
from services.api.protocol.load import load as load_protocol
from services.api.radiotherapy.rules import Interruption
from services.api.visits.rules import Radiotherapy
from tests.conftest import Rounds, admin_url, execute
from tests.endpoint.histories import histories
from tests.endpoint.history import Course, Graded, History
from tests.endpoint.second_implementation import QUERY, Derived, derive, load

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "services" / "api" / "protocol" / "documents" / "nct07312656-1.0.yaml"
OTHERS = sorted((ROOT / "tests" / "second_trial").glob("*.yaml"))
DATABASE = "second_implementation"
CLOSE = 1e-6
"""Gy and shares may differ by so much: the two divide in different orders."""


@dataclass(frozen=True)
class Entered:
    """A grading as the service's rule reads it."""

    id: UUID
    version: int
    visit: str
    assessed_at: datetime
    assessed_on: date
    grade: int


def entered(one: Graded, zone: ZoneInfo) -> Entered:
    """A grading on its local day."""
    on = one.at.astimezone(zone).date()
    return Entered(one.id, one.version, one.visit, one.at, on, one.grade)


def radiotherapy(course: Course, history: History) -> Radiotherapy:
    """A course as the service's rule reads it."""
    return Radiotherapy(
        planned_start=course.planned_start,
        planned_fractions=course.planned_fractions,
        first_fraction_on=course.first,
        last_fraction_on=course.last,
        planned_dose_gy=course.planned_dose_gy,
        delivered_dose_gy=course.delivered_dose_gy,
        interruptions=tuple(Interruption(one.since, one.to) for one in history.interruptions),
    )


def outcome_of(history: History, loaded: Loaded) -> Outcome:
    """What the service derives."""
    if history.course is None:
        return Outcome()
    protocol = loaded.protocol
    zone = ZoneInfo(protocol.study.time_zone)
    return endpoint(
        assessments((entered(one, zone) for one in history.gradings), history.adjudications),
        radiotherapy(history.course, history),
        visits=protocol.visits,
        grading=protocol.grading,
        rule=protocol.endpoint,
        today=history.today,
        left_on=history.left_on,
    )


def deciding(name: str, decision: Decision) -> dict[str, Any]:
    """One outcome in the words of the comparison."""
    one = decision.deciding
    return {
        f"{name}_status": str(decision.status),
        f"{name}_grading": one and one.grading,
        f"{name}_version": one and one.version,
        f"{name}_basis": one and str(one.basis),
        f"{name}_adjudication": one and one.adjudication,
    }


def told(history: History, outcome: Outcome) -> Derived:
    """The service's outcome in the words of the comparison."""
    window = outcome.window
    graded = [one for one in outcome.counted if one.grade is not None]
    coverage = (outcome.kept / outcome.slots if outcome.slots else 1.0) if window else None
    return Derived(
        subject=history.subject,
        **deciding("primary", outcome.primary),
        **deciding("secondary", outcome.secondary),
        window_from=window.from_ if window else None,
        window_to=window.to if window else None,
        max_grade=outcome.max_grade,
        grade_4=outcome.grade_4,
        days_to_first_severe=outcome.days_to_first_severe,
        days_severe=outcome.days_severe,
        gy_at_onset=outcome.gy_at_onset,
        coverage=coverage,
        gaps=list(outcome.gaps),
        last_assessed_on=graded[-1].on if graded else None,
        unresolved=[one.visit for one in outcome.counted if one.grade is None],
    )


def differences(first: Derived, second: Derived) -> dict[str, tuple[Any, Any]]:
    """The fields in which the service's (first) and the second implementation's differ."""
    if first == second:
        return {}
    pairs = {name: (one, getattr(second, name)) for name, one in vars(first).items()}
    return {name: pair for name, pair in pairs.items() if not same(*pair)}


def same(one: object, other: object) -> bool:
    """Whether two values are equal, numbers up to their rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= CLOSE
    return one == other


@dataclass(frozen=True)
class Compared:
    """Histories in PostgreSQL, and what the service derives of each."""

    connection: psycopg.Connection[Any]
    told: dict[UUID, Derived]
    histories: dict[UUID, History]

    def differing(self, query: str = QUERY) -> dict[UUID, dict[str, tuple[Any, Any]]]:
        """The subjects on whom the implementations differ, and in what."""
        second = derive(self.connection, query)
        assert second.keys() == self.told.keys()
        found = {one: differences(told, second[one]) for one, told in self.told.items()}
        return {one: fields for one, fields in found.items() if fields}

    def report(self, differing: dict[UUID, dict[str, tuple[Any, Any]]]) -> str:
        """How many differ, in which fields, and the first of them in full."""
        first = next(iter(differing))
        return "\n".join(
            [
                f"{len(differing)} of {len(self.told)} histories differ.",
                pformat(Counter(name for fields in differing.values() for name in fields)),
                f"The first, as the service and as SQL has it: {pformat(differing[first])}",
                pformat(self.histories[first]),
            ]
        )


@contextmanager
def comparing(cluster: Cluster, path: Path, count: int) -> Iterator[Compared]:
    """So many histories under a protocol document, in a database of their own."""
    execute(cluster, f"CREATE DATABASE {DATABASE}_{count}")
    document, loaded = yaml.safe_load(path.read_text()), load_protocol(path)
    made = {one.subject: one for one in histories(count, document)}
    told_of = {one.subject: told(one, outcome_of(one, loaded)) for one in made.values()}
    url = admin_url(cluster, f"{DATABASE}_{count}").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        load(connection, document, made.values())
        yield Compared(connection, told_of, made)
    execute(cluster, f"DROP DATABASE {DATABASE}_{count}")


@pytest.fixture(scope="module")
def compared(cluster: Cluster, rounds: Rounds) -> Iterator[Compared]:
    """2,000 histories, or 10,000 in a long run."""
    with comparing(cluster, DOCUMENT, rounds(2_000, 10_000)) as made:
        yield made


@pytest.fixture(scope="module")
def fewer(cluster: Cluster) -> Iterator[Compared]:
    """As many histories as show every mistake."""
    with comparing(cluster, DOCUMENT, 700) as made:
        yield made


def test_both_implementations_agree_on_every_history(compared: Compared) -> None:
    differing = compared.differing()
    assert not differing, compared.report(differing)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.stem))
def test_both_agree_under_another_trials_document(
    cluster: Cluster, rounds: Rounds, path: Path
) -> None:
    with comparing(cluster, path, rounds(300, 1_000)) as compared:
        differing = compared.differing()
        assert not differing, compared.report(differing)


WRONG = {
    "the window's last day does not count": (
        "assessment.day <= course.window_to",
        "assessment.day < course.window_to",
    ),
    "the first fraction's day does not count": (
        "assessment.day >= course.first_on",
        "assessment.day > course.first_on",
    ),
    "the window is over on its last day": (
        "started.today > started.last_on +",
        "started.today >= started.last_on +",
    ),
    "who left is waited for": ("OR started.left_on IS NOT NULL", ""),
    "days are those of UTC": ("AT TIME ZONE rule.time_zone", "AT TIME ZONE 'UTC'"),
    "the latest grading gives the day": (
        "g.visit, g.assessed_at, g.id",
        "g.visit, g.assessed_at DESC, g.id",
    ),
    "the later id of one moment gives its name": (
        "g.visit, g.assessed_at, g.id",
        "g.visit, g.assessed_at, g.id DESC",
    ),
    "the later id of one moment decides": (
        "ORDER BY subject, day, assessed_at, id",
        "ORDER BY subject, day, assessed_at, id DESC",
    ),
    "agreement outweighs an open adjudication": (
        "WHEN a.id IS NOT NULL THEN a.grade",
        "WHEN a.grade IS NOT NULL THEN a.grade",
    ),
    "an open grade is no reason to wait": ("OR assessed.unresolved IS NOT NULL", ""),
    "fractions fall on Sundays": ("BETWEEN 1 AND 5", "IN (1, 2, 3, 4, 5, 7)"),
    "no fraction falls on a weekend's first day": ("WHERE n = 0\n        OR ", "WHERE "),
    "an interruption's last day has a fraction": (
        "coalesce(i.to_on, started.today)",
        "coalesce(i.to_on - 1, started.today)",
    ),
    "an open interruption holds nothing up": ("coalesce(i.to_on, started.today)", "i.to_on"),
    "an overrun course ended as planned": (
        "greatest(fraction.day, started.today)",
        "fraction.day",
    ),
    "fractions go on after leaving": (
        ", started.left_on), started.first_on",
        "), started.first_on",
    ),
    "the last fraction does not bound a visit's window": (
        "least(day_0 + latest + week * repeat_every_days, expected_last_on)",
        "day_0 + latest + week * repeat_every_days",
    ),
    "a visit planned on the window's last day is no slot": (
        "planned.planned_on <= course.window_to",
        "planned.planned_on < course.window_to",
    ),
    "a slot is lost on its last day": (
        "planned.window_to < course.today",
        "planned.window_to <= course.today",
    ),
    "slots stay open when the window is over": (" OR course.over) AS gap", ") AS gap"),
    "an open grade keeps no slot": (
        "counted.day BETWEEN planned.window_from",
        "counted.grade IS NOT NULL AND counted.day BETWEEN planned.window_from",
    ),
    "a name keeps a slot whatever the day": (
        "counted.day BETWEEN planned.window_from AND planned.window_to",
        "counted.visit = planned.code",
    ),
    "what is dated after leaving is used": (
        "AND (course.left_on IS NULL OR assessment.day <= course.left_on)",
        "",
    ),
    "coverage must exceed its share": (
        "kept.kept >= rule.coverage_share",
        "kept.kept > rule.coverage_share",
    ),
    "coverage may fall short by two hundredths": (
        "rule.coverage_share * kept.slots",
        "(rule.coverage_share - 0.02) * kept.slots",
    ),
    "the last assessment must be a day later": (
        ">= course.last_on + rule.last_grading_from_day",
        "> course.last_on + rule.last_grading_from_day",
    ),
    "a day's mildest grade stands for it": ("max(grade) AS worst", "min(grade) AS worst"),
    "the last day of a spell is none": ("- day, 1) AS days", "- day, 0) AS days"),
    "fractions go on after the last": (
        "AND (course.last_on IS NULL OR fraction.day <= course.last_on)",
        "",
    ),
    "a dose may exceed the planned": (
        "* least(\n                    count",
        "* greatest(\n                    count",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_mistake_is_found(fewer: Compared, wrong: str) -> None:
    right, mistaken = WRONG[wrong]
    assert right in QUERY
    assert fewer.differing(QUERY.replace(right, mistaken))


def test_the_report_of_a_difference_holds_the_history(fewer: Compared) -> None:
    differing = fewer.differing(QUERY.replace("BETWEEN 1 AND 5", "BETWEEN 1 AND 6"))
    report = fewer.report(differing)
    first = next(iter(differing))
    assert report.startswith(f"{len(differing)} of {len(fewer.told)} histories differ.")
    assert repr(first) in report


def test_the_histories_hold_every_case(compared: Compared) -> None:
    told_of, made = compared.told.values(), compared.histories.values()
    least = len(made) // 100
    for name in ("primary_status", "secondary_status", "primary_basis", "grade_4"):
        seen = Counter(getattr(one, name) for one in told_of)
        assert all(number >= least for number in seen.values()), (name, seen)
    assert {one.primary_status for one in told_of} == set(OutcomeStatus)
    assert {one.primary_basis for one in told_of} == {None, "single", "agreed", "adjudicated"}
    cases = {
        "no radiotherapy": [one.course is None for one in made],
        "no first fraction": [bool(one.course and not one.course.first) for one in made],
        "no last fraction": [bool(one.course and not one.course.last) for one in made],
        "interrupted": [bool(one.interruptions) for one in made],
        "interrupted now": [any(not each.to for each in one.interruptions) for one in made],
        "left": [one.left_on is not None for one in made],
        "asked on the window's last day": [
            one.window_to == made_of.today for one, made_of in zip(told_of, made, strict=True)
        ],
        "open grades": [bool(one.unresolved) for one in told_of],
    }
    assert {case: sum(held) >= least for case, held in cases.items()} == dict.fromkeys(cases, True)


def test_the_same_seed_gives_the_same_histories() -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    assert list(histories(20, document)) == list(histories(20, document))
    assert list(histories(20, document)) != list(histories(20, document, seed=1))


def test_what_the_query_quotes_stands_in_the_documentation() -> None:
    plain = str.maketrans("", "", "*`")
    documented = " ".join(
        (ROOT / "docs" / "endpoint.md").read_text().translate(plain).lower().split()
    )
    comments = " ".join(re.findall(r"^ *-- (.*)$", QUERY, re.MULTILINE)).translate(plain).lower()
    quoted = [part for quote in re.findall(r'"([^"]+)"', comments) for part in quote.split("[…]")]
    missing = [part for part in quoted if " ".join(part.split()).strip(" .") not in documented]
    assert len(quoted) > 20
    assert missing == []

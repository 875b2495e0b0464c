"""What deriving every subject's endpoint costs, beside fetching the same rows and nothing else.

Every subject finished radiotherapy and was graded at every scheduled visit.
"""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from bench.subjects import Installation, installation
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.permissions import Role
from services.api.endpoint import service
from services.api.protocol.load import load
from services.api.protocol.schema import Protocol

SIZES = (200, 2_000, 20_000)
FIRST, LAST = "2026-01-05", "2026-02-18"

RADIOTHERAPY = f"""
INSERT INTO radiotherapy (
    subject_id, site, version, recorded_by, recorded_at, protocol_version, planned_dose_gy,
    planned_fractions, planned_start, concurrent_chemotherapy, first_fraction_on,
    last_fraction_on, delivered_dose_gy, delivered_fractions, interruptions
)
SELECT id, site, 1, %s, now(), protocol_version, 66, 33, '{FIRST}', true, '{FIRST}', '{LAST}', 66,
       33, '[]' FROM subject
"""
# Grades rise and fall over radiotherapy; which subjects reach 3 is spread by their number.
GRADINGS = f"""
INSERT INTO grading (
    id, version, subject_id, site, recorded_by, recorded_at, protocol_version, visit, assessor,
    assessed_at, assessed_on, grade, mucosal_appearance, ulceration, pain_score, analgesic, diet,
    derived_protocol, derived_who, derived_rtog
)
SELECT md5(subject.id::text || code)::uuid, 1, subject.id, site, %s, now(), protocol_version, code,
       %s, on_day + time '10:00', on_day, grade, 'patchy', false, 3, 'none', 'soft', 2, 1, 2
FROM subject
CROSS JOIN LATERAL (
    SELECT 'RT' || week || part AS code, date '{FIRST}' + 7 * (week - 1) + day AS on_day,
           least(week, 2 + abs(hashtext(subject.id::text)) %% 2) AS grade
    FROM generate_series(1, 6) AS week, (VALUES ('A', 1), ('B', 4)) AS part (part, day)
    UNION ALL
    SELECT code, date '{LAST}' + day, 1
    FROM (VALUES ('PW1', 7), ('PW2', 14), ('FU30', 30), ('FU60', 60), ('FU90', 90))
        AS after (code, day)
) AS visit
"""
BARE = (
    "SELECT id, site FROM subject ORDER BY id",
    "SELECT * FROM radiotherapy",
    "SELECT subject_id, visit, id, version, assessed_at, assessed_on, grade FROM grading",
)


@dataclass(frozen=True)
class Figures:
    """Seconds to derive every endpoint, and to fetch the rows; medians over the rounds."""

    subjects: int
    derived: float
    fetched: float


def measure(directory: Path, subjects: int, rounds: int) -> Figures:
    """Both ways in turns on one installation of so many subjects."""
    with installation(directory, subjects) as installed:
        _follow_up(installed.admin_url)
        protocol = load(installed.settings.protocol_document).protocol
        ways = {
            "derived": lambda: _derive(installed, protocol),
            "fetched": lambda: _fetch(installed),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                taken[name].append(_seconds(way, subjects))
    return Figures(subjects, *(statistics.median(found) for found in taken.values()))


def _follow_up(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(RADIOTHERAPY, [uuid4()])
        connection.execute(GRADINGS, [uuid4(), uuid4()])
        connection.execute("VACUUM ANALYZE radiotherapy, grading")


def _seconds(way: Callable[[], int], subjects: int) -> float:
    began = time.perf_counter()
    found = way()
    taken = time.perf_counter() - began
    if found != subjects:
        raise AssertionError(f"{found} of {subjects} subjects")
    return taken


def _derive(installed: Installation, protocol: Protocol) -> int:
    """Every outcome as a report asks for them; half the subjects have an event."""
    url = installed.settings.database_url
    database = Database(url.get_secret_value() if url else "", pool_size=1)
    statistician = Principal(
        uuid4(), "Bench", Role.STATISTICIAN, installed.sites, machine=False, session=uuid4()
    )
    with database.session(statistician) as session:
        clock = Clock(ZoneInfo(protocol.study.time_zone))
        found = service.outcomes(session, clock, protocol, installed.sites)
    statuses = Counter(one.outcome.primary.status.value for one in found)
    database.close()
    if set(statuses) != {"event", "no_event"}:
        raise AssertionError(f"not the outcomes of these histories: {statuses}")
    return statuses.total()


def _fetch(installed: Installation) -> int:
    with psycopg.connect(installed.admin_url) as connection:
        subjects, *_ = [len(connection.execute(query).fetchall()) for query in BARE]
    return subjects


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each way.")] = 5,
    sizes: Annotated[list[int] | None, typer.Option(min=1, help="Subjects, per run.")] = None,
) -> None:
    """Measure all endpoints of trials of several sizes; more than linear growth is above 1."""
    found = []
    for size in sizes or SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            found.append(measure(Path(directory), size, rounds))
    Console().print(_table(found))


def _table(found: list[Figures]) -> Table:
    table = Table("subjects", title="Every endpoint of a trial", title_justify="left")
    for name in ("derived, s", "rows alone, s", "ratio", "ms a subject", "growth"):
        table.add_column(name, justify="right")
    growths = [1.0] + [
        (larger.derived / larger.subjects) / (smaller.derived / smaller.subjects)
        for smaller, larger in pairwise(found)
    ]
    for one, growth in zip(found, growths, strict=True):
        table.add_row(
            f"{one.subjects:,}",
            f"{one.derived:.3f}",
            f"{one.fetched:.3f}",
            f"{one.derived / one.fetched:.1f}",
            f"{1000 * one.derived / one.subjects:.3f}",
            f"{growth:.2f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)

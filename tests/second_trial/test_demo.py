"""The whole demo of another trial, with no line of code changed."""

from collections import Counter
from io import StringIO
from pathlib import Path

from rich.console import Console

from services.api.demo.answers import eligible_ages
from services.api.demo.person import Screening, recruit
from services.api.demo.run import Options, run
from services.api.protocol.load import Loaded
from tests.make import Api
from tests.webhooks.telling import settings_of, working

SUBJECTS = 4
SEED = 8165
"""A seed by which one of them is ineligible, one incomplete, one stale, and one withdraws."""


def test_the_second_trial_runs_from_screening_to_the_report(
    roman: Api, second: Loaded, tmp_path: Path
) -> None:
    sites = tuple(site.code for site in second.protocol.sites)
    ages = eligible_ages(second.protocol.eligibility)
    people = recruit(SEED, sites, ages, SUBJECTS, roman.today())
    assert {person.screening for person in people} == set(Screening) - {Screening.DECLINES}
    enrolled = roman.count("subject")
    allocated = roman.count("allocation")

    said = StringIO()
    options = Options(SUBJECTS, SEED, str(roman.client.base_url), tmp_path / "dmc.pdf")
    with working(settings_of(roman)):
        status = run(options, Console(file=said, width=200))

    assert status == 0, said.getvalue()
    assert "unexpected" not in said.getvalue()
    assert options.report.read_bytes().startswith(b"%PDF-")
    assert roman.count("subject") - enrolled == len(people)
    assert roman.count("allocation") - allocated == SUBJECTS
    arms = Counter(row[0] for row in roman.rows("SELECT arm FROM allocation"))
    assert set(arms) == {"avasopasem", "placebo"}
    assert roman.count("grading WHERE derived_rtog IS NOT NULL") == 0
    assert roman.count("grading WHERE derived_who <> derived_protocol") == 0

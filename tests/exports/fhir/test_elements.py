"""What resources are made of."""

from datetime import UTC, date, datetime, timedelta, timezone

from services.api.exports.fhir.elements import instant, kept, period, written
from tests.exports.fhir.rows import NAMES


def test_the_trials_names_are_no_ones_addresses() -> None:
    # RFC 6761, section 6.4: names under `.invalid` are never given to anybody.
    assert NAMES.url("Patient", 1) == "https://nct07312656.invalid/fhir/Patient/1"
    assert NAMES.system("pain_score").endswith("/CodeSystem/pain-score")


def test_a_moment_is_told_in_utc() -> None:
    there = timezone(timedelta(hours=8))
    assert instant(datetime(2026, 3, 2, 9, 30, tzinfo=there)) == "2026-03-02T01:30:00Z"
    assert instant(datetime(2026, 3, 2, 1, 30, 0, 5, UTC)) == "2026-03-02T01:30:00.000005Z"


def test_a_time_without_a_known_end_is_open() -> None:
    assert period(date(2026, 3, 2)) == {"start": "2026-03-02"}
    assert period(None, date(2026, 3, 2)) == {"end": "2026-03-02"}
    assert period(None) is None


def test_what_has_no_value_is_left_out_and_what_is_false_or_zero_is_not() -> None:
    assert kept(a=None, b=[], c={}, d="", e=False, f=0, g=0.0) == {"e": False, "f": 0, "g": 0.0}


def test_a_truth_is_written_as_json_writes_it() -> None:
    assert (written(True), written("soft"), written(3)) == ("true", "soft", "3")

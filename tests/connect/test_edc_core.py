"""What edc-core answers, and what is made of an answer that cannot be its."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event

import httpx
import pytest

from services.api.connect import patience
from services.api.connect.edc_core import Assignment, Intake, Outcome
from services.api.connect.patience import Patience, Stopped
from tests.connect.edc_core import KEY, STUDY, EdcCore

JSON = {"Content-Type": "application/json"}
ASSIGNMENT = Assignment(
    subject_key="NN-0001",
    arm="Spray",
    randomization_id="NN-C-001",
    assigned_at=datetime(2026, 4, 9, 2, 15, tzinfo=UTC),
    strata={"site": "NN", "concurrent_chemotherapy": "true"},
    source="trial-api",
)


@pytest.fixture
def intake(edc: EdcCore) -> Iterator[Intake]:
    with httpx.Client(verify=False) as http:
        yield Intake(http, f"{edc.url}/studies/{STUDY}/rtsm/assignments", KEY)


def test_each_outcome_is_what_edc_core_did(edc: EdcCore, intake: Intake) -> None:
    assert intake.assign(ASSIGNMENT).outcome is Outcome.REJECTED
    edc.enrolled["NN-0001"] = "enrolled"
    applied = intake.assign(ASSIGNMENT)
    assert (applied.outcome, str(applied.event_id)) == (Outcome.APPLIED, edc.record[-1]["id"])
    assert intake.assign(ASSIGNMENT).outcome is Outcome.DUPLICATE
    other = ASSIGNMENT.model_copy(update={"arm": "Care"})
    assert intake.assign(other).outcome is Outcome.CONFLICT
    assert edc.arms == {"NN-0001": "Spray"}
    assert edc.writes == {"NN-0001": 1}


def test_a_closed_intake_rejects_with_its_reason(edc: EdcCore, intake: Intake) -> None:
    edc.open = False
    assert "disabled" in intake.assign(ASSIGNMENT).reason


def test_an_intake_that_fails_is_tried_again_until_it_answers(
    edc: EdcCore, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST", 0.01)
    edc.enrolled["NN-0001"] = "enrolled"
    edc.instead.extend(
        [(503, {"Retry-After": "0"}, b""), None, (502, {}, b"<html>"), (429, {}, b"")]
    )
    told: list[str] = []
    insisting = Patience(Event(), told.append, None)
    assert insisting.insist(lambda: intake.assign(ASSIGNMENT)).outcome is Outcome.APPLIED
    assert len(told) == 4
    assert edc.writes == {"NN-0001": 1}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, b"<html>Please sign in to the hospital's network</html>", id="page"),
        pytest.param(201, b'{"outcome": "duplicate"}', id="another-outcome"),
        pytest.param(422, b'{"detail": "not edc-core"}', id="another-service"),
        pytest.param(204, b"", id="nothing"),
        pytest.param(302, b"", id="redirect"),
        pytest.param(400, b'{"error": "form"}', id="form"),
        pytest.param(404, b"", id="address"),
    ],
)
def test_what_is_not_an_answer_of_its_counts_for_nothing(
    edc: EdcCore, intake: Intake, status: int, body: bytes
) -> None:
    edc.instead.append((status, JSON, body))
    with pytest.raises(Stopped, match=str(status)):
        intake.assign(ASSIGNMENT)


@pytest.mark.parametrize(("keys", "status"), [({}, 401), ({KEY: "another"}, 403)], ids=str)
def test_a_key_that_does_not_fit_stops_before_anything_is_written(
    edc: EdcCore, intake: Intake, keys: dict[str, str], status: int
) -> None:
    edc.keys = keys
    with pytest.raises(Stopped, match=str(status)):
        intake.assign(ASSIGNMENT)
    assert edc.record == []


def test_a_reason_is_one_line_of_bounded_length(edc: EdcCore, intake: Intake) -> None:
    body = b'{"outcome": "rejected", "reason": "a\\u001b[31m\\nb' + b"c" * 500 + b'"}'
    edc.instead.append((422, JSON, body))
    reason = intake.assign(ASSIGNMENT).reason
    assert reason.startswith("a [31m bccc")
    assert len(reason) == 300


def test_an_assignment_shows_no_arm_in_its_text() -> None:
    assert "Spray" not in repr(ASSIGNMENT)

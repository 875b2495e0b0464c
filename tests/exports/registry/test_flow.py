"""Participant flow: who started either completed or did not, for one reason."""

from datetime import timedelta

from services.api.discontinuations.rules import StudyCause
from services.api.enrolment.rules import LEFT
from services.api.exports.registry.flow import REASONS, STILL_OBSERVED, ended, participant_flow
from tests.exports.registry.persons import OVER, PROTOCOL, RUNNING, START, TODAY, person
from tests.make import Json

PEOPLE = [
    person(1),
    person(2, study_cause="death", status="died", left_on=START),
    person(3, window=RUNNING, status="on_treatment"),
    person(4, "control"),
    person(5, "control", study_cause="withdrawn", status="withdrawn", left_on=START),
    person(6, "control", retained=False),
    person(7, None, status="screen_failed"),
    person(8, None, status="screening"),
    person(9, None, status="withdrawn", left_on=START),
]


def counts(told: list[Json]) -> list[int]:
    """The numbers of both groups."""
    return [int(one["numSubjects"]) for one in told]


def test_every_cause_has_a_word_of_the_registrys() -> None:
    assert set(StudyCause) <= REASONS.keys()
    assert set(LEFT) <= REASONS.keys()


def test_who_started_completed_or_did_not_for_one_reason() -> None:
    period = participant_flow(PEOPLE, PROTOCOL, TODAY)["periods"][0]
    reached = {one["type"]: counts(one["achievements"]) for one in period["milestones"]}
    assert reached == {
        "STARTED": [3, 2],
        "Started radiotherapy": [3, 2],
        "COMPLETED": [1, 1],
        "NOT COMPLETED": [2, 1],
    }
    reasons = {one["type"]: counts(one["reasons"]) for one in period["dropWithdraws"]}
    assert reasons == {
        "Death": [1, 0],
        "Still under observation": [1, 0],
        "Withdrawn by the subject's or a physician's decision": [0, 1],
    }


def test_who_is_watched_has_not_completed_and_who_left_never_does() -> None:
    assert ended(person(1, window=RUNNING), TODAY) == STILL_OBSERVED
    assert ended(person(1, window=OVER), TODAY) is None
    assert (
        ended(person(1, study_cause="lost_to_follow_up", left_on=START), TODAY)
        == "Lost to Follow-up"
    )


def test_who_leaves_or_dies_after_the_last_day_of_observation_has_completed() -> None:
    last = OVER.to
    assert last is not None
    left = {"study_cause": "died", "status": "died"}
    assert ended(person(1, left_on=last + timedelta(days=1), **left), TODAY) is None
    assert ended(person(1, left_on=last, **left), TODAY) == "Death"


def test_who_failed_screening_and_died_since_failed_screening() -> None:
    told = participant_flow([person(1, None, status="died")], PROTOCOL, TODAY)
    assert "1 failed screening, 0 left before" in told["preAssignmentDetails"]


def test_what_came_before_randomization_is_told_in_words() -> None:
    told = participant_flow(PEOPLE, PROTOCOL, TODAY)
    assert told["preAssignmentDetails"].startswith(
        "9 people were screened. 1 failed screening, 1 left before randomization and 1 were still"
        " being screened. 1 were randomized again"
    )
    assert told["recruitmentDetails"] == "At 3 hospitals, from 2026-03-02 to 2026-03-02."
    assert participant_flow([], PROTOCOL, TODAY)["recruitmentDetails"] == "At 3 hospitals."

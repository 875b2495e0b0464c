"""The flow of subjects, counted by hand."""

from dataclasses import replace
from datetime import date, timedelta

from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.reports.consort import consort, flow
from services.api.reports.participants import Participant, analysis_set
from tests.reports.generated import TODAY, head, subject_id

START = TODAY - timedelta(days=200)
OVER = Window(START, START + timedelta(days=140))
RUNS = Window(START, None)


def randomized(number: int, window: Window | None, status: OutcomeStatus) -> Participant:
    return Participant(
        subject_id(number),
        "NN",
        "in_follow_up",
        randomized_on=START,
        outcome=Outcome(primary=Decision(status), window=window),
    )


SUBJECTS = [
    Participant(subject_id(1), "NN", "screening"),
    Participant(subject_id(2), "NN", "eligible"),
    Participant(subject_id(3), "NN", "withdrawn", left_on=START),
    Participant(subject_id(4), "NN", "screen_failed", failed=("I02", "E01")),
    Participant(subject_id(5), "NN", "screen_failed", failed=("I02",)),
    Participant(subject_id(6), "NN", "died"),  # since; no day of leaving is kept of them
    randomized(7, OVER, OutcomeStatus.EVENT),
    randomized(8, OVER, OutcomeStatus.NO_EVENT),
    randomized(9, OVER, OutcomeStatus.NOT_EVALUABLE),
    randomized(10, RUNS, OutcomeStatus.EVENT),
    randomized(11, None, OutcomeStatus.PENDING),
    replace(
        randomized(12, RUNS, OutcomeStatus.NOT_EVALUABLE),
        left_on=START + timedelta(days=30),
        study_cause="death",
        treatment_cause="death",
    ),
    replace(randomized(13, OVER, OutcomeStatus.EVENT), retained=False, treatment_cause="other"),
]


def test_everyone_screened_stands_in_one_place() -> None:
    report = consort(head([], []), SUBJECTS, {"I02": "Age", "E01": "Earlier radiotherapy"})
    assert (report.screened, report.excluded, report.left_before, report.waiting) == (13, 3, 1, 2)
    assert report.flow.randomized == 7
    assert [(one.id, one.text, one.subjects) for one in report.criteria] == [
        ("E01", "Earlier radiotherapy", 1),
        ("I02", "Age", 2),
    ]


def test_everyone_randomized_stands_in_one_place() -> None:
    report = flow(SUBJECTS, TODAY)
    assert (report.not_retained, report.analysed, report.started_radiotherapy) == (1, 6, 5)
    assert (report.evaluable, report.not_evaluable, report.under_observation) == (2, 2, 2)
    assert [(one.cause, one.subjects) for one in report.study_left] == [("death", 1)]
    assert [(one.cause, one.subjects) for one in report.treatment_ended] == [("death", 1)]


def test_the_analysis_set_holds_each_randomized_person_once() -> None:
    assert [one.id.int for one in analysis_set(SUBJECTS)] == [7, 8, 9, 10, 11, 12]


def test_an_observation_is_over_the_day_after_its_window() -> None:
    one = randomized(1, Window(date(2026, 1, 1), date(2026, 6, 1)), OutcomeStatus.NO_EVENT)
    assert [one.over(date(2026, 6, day)) for day in (1, 2)] == [False, True]


def test_of_nobody_everything_is_zero() -> None:
    report = consort(head([], []), [], {})
    assert (report.screened, report.flow.randomized, report.criteria) == (0, 0, [])

"""The outcome of every subject, as the API derives it and as the hospital expects it."""

from dataclasses import dataclass
from datetime import date, timedelta

from services.api.demo.client import Answer, Unexpected
from services.api.demo.hospital import MISREAD, Hospital, Subject
from services.api.demo.person import Leaving
from services.api.demo.trial import Trial


@dataclass(frozen=True)
class Outcome:
    """A subject's primary outcome and the measures that the ending shows."""

    arm: str
    status: str
    days_to_first_severe: int | None
    days_severe: int


def read_outcomes(hospital: Hospital) -> list[Outcome]:
    """The outcome of each subject of a hospital; what is not as expected is noted there."""
    outcomes = []
    for subject in hospital.subjects:
        if subject.arm is None:
            continue
        try:
            endpoint = hospital.investigator.get(f"{subject.path}/endpoint")
            _check(hospital.trial, subject, endpoint)
        except MISREAD as error:
            hospital.unexpected.append(f"{subject.number}: {type(error).__name__}: {error}")
            continue
        outcomes.append(
            Outcome(
                arm=subject.arm,
                status=endpoint["primary"]["status"],
                days_to_first_severe=endpoint["days_to_first_severe"],
                days_severe=endpoint["days_severe"],
            )
        )
    return outcomes


def _check(trial: Trial, subject: Subject, endpoint: Answer) -> None:
    endpoint.has("max_grade", "gaps")
    for name, grade in trial.grades.items():
        expected = _expected(trial, subject, grade, endpoint["coverage"])
        given = endpoint[name]
        if (given["status"], given["deciding_grading"]) != expected:
            raise Unexpected(f"{endpoint.asked}: {name} is {given}, not {expected}")
    if endpoint["primary"]["status"] == "pending" and subject.left is not Leaving.WITHDRAWN:
        raise Unexpected(f"{endpoint.asked}: pending though the window is over")
    if subject.first_on is None:
        endpoint.holds(window=None)
        return
    to = None if subject.last_on is None else str(_window_end(trial, subject.last_on))
    endpoint.holds(window={"from": str(subject.first_on), "to": to})


def _window_end(trial: Trial, last_on: date) -> date:
    return last_on + timedelta(days=trial.protocol.endpoint.window_days_after_rt_end)


def _expected(
    trial: Trial, subject: Subject, grade: int, coverage: float | None
) -> tuple[str, str | None]:
    """The status and the deciding grading that the hospital's own records imply."""
    first, last = subject.first_on, subject.last_on
    if first is None:
        return "pending", None
    until = date.max if last is None else _window_end(trial, last)
    inside = {key: seen for key, seen in subject.grades.items() if first <= seen[0] <= until}
    reached = [key for key, (_, seen) in inside.items() if seen >= grade]
    if reached:
        return "event", min(reached, key=lambda key: inside[key][0])
    if last is None or coverage is None:
        return "not_evaluable", None
    rule = trial.protocol.endpoint
    late = last + timedelta(days=rule.last_grading_from_day)
    covered = coverage >= rule.coverage_share and any(on >= late for on, _ in inside.values())
    return ("no_event" if covered else "not_evaluable"), None

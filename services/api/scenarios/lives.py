"""The lives of randomized subjects: what is noted for which day, from arrival to the last visit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.api.scenarios import grading
from services.api.scenarios import hospital as at
from services.api.scenarios.hospital import Hospital, Subject
from services.api.scenarios.play import Play

Act = Callable[[Subject], object]

DAYS_TO_ARM = 2
"""From arrival to randomization."""


@dataclass(frozen=True)
class Life:
    """One subject's life; `then` are acts by the days from the first fraction.

    `severe` is whether their mucositis becomes so, None as it comes.
    `neglected_after` is the day after which the hospital records no visit.
    `missed` and `graded_twice` count graded visits from 1; of those graded
    twice the value tells whether the two differ.
    """

    name: str
    arrives: int
    severe: bool | None = None
    late: bool = False
    neglected_after: int | None = None
    missed: frozenset[int] = frozenset()
    graded_twice: Mapping[int, bool] = field(default_factory=dict)
    decided: bool = True
    corrected: int | None = None
    then: Mapping[int, Act] = field(default_factory=dict)


def live(hospital: Hospital, life: Life) -> Subject:
    """Note a life from its arrival on; the subject is known once they have come."""
    subject = Subject(hospital, life.name)
    hospital.play.note(hospital.play.day(life.arrives), _arrive, subject, life)
    return subject


def _arrive(subject: Subject, life: Life) -> None:
    subject.id = at.enter(subject.hospital, life.name).id
    at.consent(subject)
    at.sign(subject, at.record_facts(subject))
    lead = {"lead_days": 2 + DAYS_TO_ARM} if life.late else {}
    at.plan(subject, **lead)
    play = subject.play
    randomized_on = play.today + timedelta(days=DAYS_TO_ARM)
    if life.late:
        randomized_on = date.fromisoformat(subject.plan["planned_start"]) - timedelta(days=3)
    play.note(randomized_on, _randomize, subject, life)


def _randomize(subject: Subject, life: Life) -> None:
    at.randomize(subject, severe=life.severe)
    start = date.fromisoformat(subject.plan["planned_start"])
    _note_visits(subject, life, until=start - timedelta(days=1))
    subject.play.note(start, _start, subject, life)


def _start(subject: Subject, life: Life) -> None:
    at.start_radiotherapy(subject)
    end = at.last_fraction_on(subject)
    _note_visits(subject, life, until=end)
    for day, act in life.then.items():
        subject.play.note(subject.play.today + timedelta(days=day), _unless_left, subject, act)
    subject.play.note(end, _end, subject, life)


def _end(subject: Subject, life: Life) -> None:
    if subject.left:
        return
    at.end_radiotherapy(subject)
    _note_visits(subject, life, until=date.max)
    last = max(subject.visits.values())
    subject.play.note(last + timedelta(days=1), _complete, subject)


def _complete(subject: Subject) -> None:
    if not subject.left:
        at.set_status(subject, "completed", "All visits are over")


def _unless_left(subject: Subject, act: Act) -> None:
    if not subject.left:
        act(subject)


def _note_visits(subject: Subject, life: Life, until: date) -> None:
    """Note the visits that are to come until a day; what moves them notes them anew."""
    for code, day in at.planned_visits(subject):
        if day <= until and subject.visits.get(code) != day:
            subject.visits[code] = day
            subject.play.note(day, _visit, subject, life, code, day)


def _visit(subject: Subject, life: Life, code: str, day: date) -> None:
    moved = subject.visits[code] != day
    first = subject.first_on
    neglected = (
        life.neglected_after is not None
        and first is not None
        and (day - first).days > life.neglected_after
    )
    if moved or neglected or subject.left or code in subject.attended:
        return
    number = len(subject.attended)  # the screening visit is not graded
    if number in life.missed:
        grading.miss(subject, code)
        return
    made = grading.attend(subject, code)
    if number == life.corrected:
        grading.correct(subject, made)
    if number in life.graded_twice:
        differing = life.graded_twice[number]
        grading.grade_again(subject, code, differing=differing)
        if differing and life.decided:
            grading.decide(subject)


def hospitals(play: Play) -> list[Hospital]:
    """Every site, in the document's order."""
    return [Hospital(play, site) for site in play.trial.sites]

"""The scenario `closed-out`: all are followed up, every question is settled, all is locked."""

from services.api.scenarios import hospital as at
from services.api.scenarios import review, safety
from services.api.scenarios.hospital import Hospital, Subject
from services.api.scenarios.lives import Life, hospitals, live
from services.api.scenarios.play import Play

LAST_DAY = 182
"""After the last window of whoever came last, half a year from the beginning."""

REVIEW_DAYS = 7
"""How long the review of the data takes after it."""


def play_closed_out(play: Play) -> None:
    """Follow everybody up, settle what is asked, and lock."""
    safety.publish_reference(play)
    sites = hospitals(play)
    everybody: list[Subject] = []
    for place, hospital in enumerate(sites):
        everybody += _cast(play, hospital, place)
    play.pass_days(play.day(LAST_DAY))
    for hospital in sites:
        review.verify(hospital)
    for subject in everybody:
        review.settle(subject)
    play.pass_days(play.day(LAST_DAY + REVIEW_DAYS))
    for subject in everybody:
        review.settle(subject)  # also what the worker noticed meanwhile
        review.lock(subject)
    review.lock_trial(play)


def _cast(play: Play, hospital: Hospital, place: int) -> list[Subject]:
    lives = (
        Life("event", place, severe=True, graded_twice={5: True}, corrected=4, then=_EVENTS),
        Life("no event", 3 + place, severe=False, graded_twice={6: False}, then={9: _take}),
        Life("not evaluable", 6 + place, severe=False, missed=frozenset({*range(6, 14)})),
        Life("withdrawn", 9 + place, severe=False, then={22: _withdraw}),
    )
    withdrawn = lives[3:] if place == 0 else ()
    chosen = (lives[place % 3], lives[(place + 1) % 3], *withdrawn)
    failed = Subject(hospital, "screen failure")
    play.note(play.day(4 + place), _fail, failed)
    return [*(live(hospital, life) for life in chosen), failed]


def _fail(subject: Subject) -> None:
    subject.id = at.enter(subject.hospital, subject.name).id
    at.consent(subject)
    at.sign(subject, at.record_facts(subject, failing=True))


def _withdraw(subject: Subject) -> None:
    at.leave(subject, "consent_withdrawn", "Does not want to come any more")


def _take(subject: Subject) -> None:
    if subject.treated:
        at.take_study_drug(subject, 7)


def _dysphagia(subject: Subject) -> None:
    event = safety.report(subject, "Dysphagia", onset_days_ago=2)
    subject.play.note(subject.play.day(90), safety.recover, subject, event)


def _dehydration(subject: Subject) -> None:
    event = safety.report_serious(subject, "Dehydration", 3, "hospitalisation")
    subject.play.note(subject.play.day(90), safety.recover, subject, event)


_EVENTS = {15: _dysphagia, 30: _dehydration}

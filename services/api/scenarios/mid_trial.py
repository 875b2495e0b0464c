"""The scenario `mid-trial`: subjects in every state of treatment and follow-up, and what is open.

Days count from the beginning. Radiotherapy takes about seven weeks and the
follow-up thirteen, so who comes first has completed on the last day, and who
comes last is not randomized yet.
"""

from dataclasses import replace
from functools import partial

from services.api.scenarios import hospital as at
from services.api.scenarios import review, safety
from services.api.scenarios.hospital import Hospital, Subject
from services.api.scenarios.lives import Life, hospitals, live
from services.api.scenarios.play import Play

DAYS = 168
"""The morning on which practising begins: a Monday, 24 weeks after the beginning."""

REACTION_DAYS = 5
"""How long ago a reaction was reported: two of its seven days are left."""

LEAVINGS = (
    ("consent_withdrawn", "Does not want to come any more"),
    ("lost_to_follow_up", "Three calls and a letter unanswered"),
    ("death", "Death certificate received"),
)
"""One at each site, in their order."""


def play_mid_trial(play: Play) -> None:
    """Let the trial go on for 24 weeks, and stop in the middle."""
    safety.publish_reference(play)
    sites = hospitals(play)
    on_treatment: list[Subject] = []
    for place, hospital in enumerate(sites):
        on_treatment += _cast(play, hospital, place)
    play.note(play.day(DAYS - REACTION_DAYS), _react, on_treatment)
    play.pass_days(play.day(DAYS))
    for hospital in sites:
        review.verify(hospital)


def _cast(play: Play, hospital: Hospital, place: int) -> list[Subject]:
    """Everybody at one site; answers who is on treatment when the play ends."""
    leaving = Life("left", 92, then={30: partial(_leave, place=place)})
    lives = {
        life.name: live(hospital, replace(life, arrives=life.arrives + place))
        for life, places in (*LIVES, (leaving, range(3)))
        if place % 3 in places
    }
    play.note(play.day(DAYS - 3), at.make_ready, hospital, "ready to randomize")
    play.note(play.day(DAYS - 2), _incomplete, hospital, "results missing")
    play.note(play.day(100 + place), _failed, hospital, "screen failure")
    play.note(play.day(DAYS - 1), at.enter, hospital, "entered")
    play.note(play.day(DAYS - 4), _question, lives["visits due"])
    return [subject for name, subject in lives.items() if name in ON_TREATMENT]


def _leave(subject: Subject, place: int) -> None:
    cause, detail = LEAVINGS[place % len(LEAVINGS)]
    at.leave(subject, cause, detail)
    if cause == "death":
        safety.report_death(subject)


def _stop(subject: Subject) -> None:
    """Whoever receives no study drug has none to give up."""
    if subject.treated:
        at.take_study_drug(subject, 7)
        at.stop_study_drug(subject)


def _take(subject: Subject) -> None:
    if subject.treated:
        at.take_study_drug(subject, 5)


def _dysphagia(subject: Subject) -> None:
    safety.report(subject, "Dysphagia")


def _nausea(subject: Subject) -> None:
    event = safety.report(subject, "Nausea")
    subject.play.note(subject.play.day(DAYS - 6), safety.recover, subject, event)


def _dermatitis(subject: Subject) -> None:
    safety.report(subject, "Dermatitis radiation", onset_days_ago=3)


def _dehydration(subject: Subject) -> None:
    safety.report_serious(subject, "Dehydration", 3, "hospitalisation")


def _react(on_treatment: list[Subject]) -> None:
    """The first subject who takes the study drug has a reaction, of which an authority waits."""
    treated = [one for one in on_treatment if one.treated and not one.left and one.first_on]
    safety.report_reaction(treated[0])


def _question(subject: Subject) -> None:
    """One query open, one answered and one closed."""
    screening, baseline, first = subject.attended[:3]
    review.ask(subject, first)
    review.answer(subject, review.ask(subject, baseline))
    closed = review.ask(subject, screening)
    review.answer(subject, closed)
    review.close(subject, closed)


def _incomplete(hospital: Hospital, name: str) -> None:
    subject = at.enter(hospital, name)
    at.consent(subject)
    at.record_facts(subject, missing=True)


def _failed(hospital: Hospital, name: str) -> None:
    subject = at.enter(hospital, name)
    at.consent(subject)
    at.sign(subject, at.record_facts(subject, failing=True))


LIVES = (
    (Life("completed", 0, severe=True, graded_twice={4: True, 8: False}, corrected=3), (0,)),
    (Life("completed without severe mucositis", 1, severe=False, late=True), (1,)),
    (Life("in follow-up", 70, then={20: _dysphagia}), (2,)),
    (Life("visits missed", 84, severe=False, missed=frozenset({6, 7})), (0,)),
    (Life("adverse events", 134, then={4: _nausea, 11: _dermatitis, 15: _dehydration}), (0, 2)),
    (Life("visits overdue", 140, neglected_after=4), (0, 1, 2)),
    (Life("stops the study drug", 142, then={9: _stop}), (0, 1, 2)),
    (Life("two assessors differ", 144, graded_twice={4: True}, decided=False), (0, 1)),
    (Life("visits due", 146, then={5: _take}), (0, 1, 2)),
    (Life("randomized", 158), (0, 1, 2)),
)
"""Who comes, when, and to which sites by their place; each site begins a day after the last."""

ON_TREATMENT = frozenset(
    {
        "visits due",
        "visits overdue",
        "two assessors differ",
        "adverse events",
        "stops the study drug",
    }
)
"""Of them, those whose radiotherapy goes on when the play ends."""

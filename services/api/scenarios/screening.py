"""The scenario `screening`: at each site a subject in every stage before randomization."""

from collections.abc import Callable, Mapping

from services.api.scenarios import hospital as at
from services.api.scenarios.hospital import Hospital, Subject
from services.api.scenarios.lives import hospitals
from services.api.scenarios.play import Play

DAYS = 8
"""How long screening has gone on when practising begins."""


def play_screening(play: Play) -> None:
    """Bring subjects to each stage, and go on to a morning on which everything is open."""
    for place, hospital in enumerate(hospitals(play)):
        for number, (name, act) in enumerate(STAGES.items()):
            day = play.day(1 + (number + place) % (DAYS - 2))
            play.note(day, act, hospital, name)
    play.pass_days(play.day(DAYS))


def _consented(hospital: Hospital, name: str) -> Subject:
    subject = at.enter(hospital, name)
    at.consent(subject)
    return subject


def _declined(hospital: Hospital, name: str) -> None:
    at.decline(at.enter(hospital, name))


def _incomplete(hospital: Hospital, name: str) -> None:
    at.record_facts(_consented(hospital, name), missing=True)


def _ineligible(hospital: Hospital, name: str) -> None:
    at.record_facts(_consented(hospital, name), failing=True)


def _failed(hospital: Hospital, name: str) -> None:
    subject = _consented(hospital, name)
    at.sign(subject, at.record_facts(subject, failing=True))


def _unsigned(hospital: Hospital, name: str) -> None:
    at.record_facts(_consented(hospital, name))


def _without_plan(hospital: Hospital, name: str) -> None:
    subject = _consented(hospital, name)
    at.sign(subject, at.record_facts(subject))


STAGES: Mapping[str, Callable[[Hospital, str], object]] = {
    "entered": at.enter,
    "declined": _declined,
    "consented, without facts": _consented,
    "results missing": _incomplete,
    "ineligible, unsigned": _ineligible,
    "ineligible, signed": _failed,
    "eligible, unsigned": _unsigned,
    "eligible, without a plan": _without_plan,
    "ready to randomize": at.make_ready,
}
"""The stages, each with what brings a person there."""

"""Suspected unexpected serious reactions: one kind a hospital, and when each is reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from services.api.demo import signing, sponsor
from services.api.demo.client import Json
from services.api.demo.hospital import Hospital, Subject


@dataclass(frozen=True)
class Reaction:
    """What happens, and on which days after the site learnt of it the sponsor reports it.

    `onset` counts days from the first fraction. The last of the days may come
    after the deadline: that clock is missed on purpose.
    """

    term: str
    grade: int
    seriousness: str
    onset: int
    reported_after: Sequence[int]
    missed: bool = False


REACTIONS = (
    Reaction("Bronchospasm", 3, "hospitalisation", 8, (17,), missed=True),
    Reaction("Anaphylaxis", 4, "life_threatening", 4, (5, 12)),
    Reaction("Laryngeal edema", 3, "hospitalisation", 6, (9,)),
)
"""In the order of the sites: 15 days that pass unused; 7 days and 8 more; 15 days."""


def plan_reaction(hospital: Hospital, subject: Subject, first_on: date) -> None:
    """Note the reaction of the hospital's first treated subject who stays to the end."""
    stays = subject.person.leaving is None and subject.person.interruption == 0
    treated = hospital.trial.receives_drug(str(subject.arm))
    if hospital.reacted or not (treated and stays):
        return
    hospital.reacted = True
    reaction = REACTIONS[hospital.trial.sites.index(hospital.site) % len(REACTIONS)]
    onset_on = first_on + timedelta(days=reaction.onset)
    hospital.note(onset_on, subject, partial(report, reaction=reaction))


def report(hospital: Hospital, subject: Subject, day: date, reaction: Reaction) -> None:
    """Report the reaction on the day it happens, and note when the sponsor reports it."""
    aware_at = hospital.trial.moment(day, 10)
    body: Json = {
        "term": reaction.term,
        "grade": reaction.grade,
        "onset_on": str(day),
        "aware_at": aware_at,
        "serious": True,
        "seriousness": [reaction.seriousness],
        "causality": {"study_drug": "possibly", "radiotherapy": "unlikely"},
        "action_taken": "interrupted",
        "outcome": "recovering",
        "narrative": f"{reaction.term} two hours after the evening's spray; treated at once.",
    }
    reported = hospital.clerk.post(f"{subject.path}/adverse-events", body)
    reported.holds(**body, suspected=True, susar=True)
    signing.review(hospital.investigator, reported)
    sponsor.receive(hospital, day, reported)
    assessed = sponsor.assess(hospital, reported)
    signing.voided(assessed)
    signing.review(hospital.investigator, assessed)
    first, *later = reaction.reported_after
    send = partial(sponsor.send, event=reported, kind="initial", missed=reaction.missed)
    hospital.note(day + timedelta(days=first), subject, send)
    for after in later:
        follow = partial(sponsor.send, event=reported, kind="follow_up")
        hospital.note(day + timedelta(days=after), subject, follow)

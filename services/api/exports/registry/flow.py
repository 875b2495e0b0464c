"""Participant flow: what became of everybody who was randomized."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from services.api.discontinuations.rules import StudyCause
from services.api.enrolment.rules import SubjectStatus
from services.api.exports.registry.people import Person, analysed
from services.api.exports.registry.tables import Group, by_arm
from services.api.protocol.schema import Json, Protocol
from services.api.reports.consort import WAITING

REASONS: Mapping[str, str] = MappingProxyType(
    {
        StudyCause.DEATH: "Death",
        StudyCause.LOST_TO_FOLLOW_UP: "Lost to Follow-up",
        StudyCause.PHYSICIAN_DECISION: "Physician Decision",
        StudyCause.CONSENT_WITHDRAWN: "Withdrawal by Subject",
        StudyCause.OTHER: "Other reason",
        SubjectStatus.DIED: "Death",
        SubjectStatus.WITHDRAWN: "Withdrawn by the subject's or a physician's decision",
    }
)
"""The registry's words for why somebody left; a state where no cause is recorded."""
STILL_OBSERVED = "Still under observation"


def participant_flow(everybody: Sequence[Person], protocol: Protocol, today: date) -> Json:
    """The module; who started either completed or did not, for one reason."""
    groups = by_arm("FG", analysed(everybody), protocol)

    completed, reasons = _ended(None, today), set[str]()
    for group in groups:
        reasons |= {reason for one in group.people if (reason := ended(one, today))}
    return {
        "preAssignmentDetails": _before(everybody),
        "recruitmentDetails": _recruitment(everybody, protocol),
        "groups": [group.told() for group in groups],
        "periods": [
            {
                "title": "Overall Study",
                "milestones": [
                    {"type": kind, "achievements": _counts(groups, reached)}
                    for kind, reached in (
                        ("STARTED", _anybody),
                        ("Started radiotherapy", _irradiated),
                        ("COMPLETED", completed),
                        ("NOT COMPLETED", lambda one: not completed(one)),
                    )
                ],
                "dropWithdraws": [
                    {"type": reason, "reasons": _counts(groups, _ended(reason, today))}
                    for reason in sorted(reasons)
                ],
            }
        ],
    }


def ended(one: Person, today: date) -> str | None:
    """Why the subject has not completed the study; None of who has.

    It is completed with the last day of observation: who leaves, or dies, after
    that day has completed it.
    """
    participant, window = one.participant, one.participant.outcome.window
    cause, left_on = participant.study_cause, participant.left_on
    observed = window is not None and window.to is not None and window.to < (left_on or today)
    if cause is not None and not observed:
        return REASONS[cause]
    return None if participant.over(today) else STILL_OBSERVED


def _anybody(_: Person) -> bool:
    return True


def _irradiated(one: Person) -> bool:
    return one.participant.outcome.window is not None


def _ended(reason: str | None, today: date) -> Callable[[Person], bool]:
    return lambda one: ended(one, today) == reason


def _counts(groups: Sequence[Group], counted: Callable[[Person], bool]) -> list[Json]:
    return [
        {"groupId": group.id, "numSubjects": str(sum(counted(one) for one in group.people))}
        for group in groups
    ]


def _before(everybody: Sequence[Person]) -> str:
    before = [one.participant for one in everybody if one.participant.randomized_on is None]
    failed = sum(one.screen_failed for one in before)
    waiting = sum(one.status in WAITING for one in before)
    again = len(everybody) - len(before) - len(analysed(everybody))
    return (
        f"{len(everybody)} people were screened. {failed} failed screening,"
        f" {len(before) - failed - waiting} left before randomization and {waiting} were still"
        f" being screened. {again} were randomized again under another number; only the first"
        " allocation of a person counts."
    )


def _recruitment(everybody: Sequence[Person], protocol: Protocol) -> str:
    days = [one.participant.randomized_on for one in everybody]
    known = sorted(day for day in days if day is not None)
    at = f"{len(protocol.sites)} hospitals"
    return f"At {at}, from {known[0]} to {known[-1]}." if known else f"At {at}."

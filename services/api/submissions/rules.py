"""What may be sent about a case, and in which order. Pure decisions.

A case is first reported, then followed up, and said to be void if it is:
to each recipient by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.api.deadlines.rules import Sent, SubmissionKind


@dataclass(frozen=True)
class Told:
    """The version of an adverse event that a submission tells of."""

    version: int
    received_at: datetime
    serious: bool
    nullified: bool


class Unfit(StrEnum):
    """Why a submission of that kind tells nothing of that version."""

    NOT_SERIOUS = "not_serious"
    NULLIFIED = "nullified"
    NOT_NULLIFIED = "not_nullified"


class Disorder(StrEnum):
    """What is wrong with a recipient's sequence of submissions."""

    NO_INITIAL = "no_initial"
    SECOND_INITIAL = "second_initial"


def version_sent(versions: Iterable[Told], submitted_at: datetime) -> int:
    """The version that the record held at that moment, or the first one if it held none yet.

    What is told by telephone is recorded afterwards.
    """
    held = [one.version for one in versions if one.received_at <= submitted_at]
    return max(held, default=1)


def unfit(kind: SubmissionKind, told: Told) -> Unfit | None:
    """Whether what that version says is not to be reported that way.

    A follow-up may tell that an event is not serious after all.
    """
    if kind is SubmissionKind.NULLIFICATION:
        return None if told.nullified else Unfit.NOT_NULLIFIED
    if told.nullified:
        return Unfit.NULLIFIED
    return Unfit.NOT_SERIOUS if kind is SubmissionKind.INITIAL and not told.serious else None


def disorder(sent: Sequence[Sent]) -> Disorder | None:
    """What is wrong with the order of a case's submissions to one recipient, if anything.

    At the same moment the initial one counts as sent first.
    """
    in_order = sorted(
        sent, key=lambda one: (one.submitted_at, one.kind is not SubmissionKind.INITIAL)
    )
    kinds = [one.kind for one in in_order]
    if kinds.count(SubmissionKind.INITIAL) > 1:
        return Disorder.SECOND_INITIAL
    return Disorder.NO_INITIAL if kinds and kinds[0] is not SubmissionKind.INITIAL else None

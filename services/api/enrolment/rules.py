"""The states of a subject, and the moves between them, as data.

Whatever is not listed here is refused. Nothing leaves `died`.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum


class SubjectStatus(StrEnum):
    """Where a subject stands in the trial."""

    SCREENING = "screening"
    SCREEN_FAILED = "screen_failed"
    ELIGIBLE = "eligible"
    RANDOMIZED = "randomized"
    ON_TREATMENT = "on_treatment"
    IN_FOLLOW_UP = "in_follow_up"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    DIED = "died"


_S = SubjectStatus
# Ways out of the trial that stay open as long as the subject is in it.
_LEAVE = frozenset({_S.WITHDRAWN, _S.LOST_TO_FOLLOW_UP, _S.DIED})
# Whoever is out of the trial can still withdraw consent to what is kept, and a death is recorded.
_OUT = frozenset({_S.WITHDRAWN, _S.DIED})

MOVES: Mapping[SubjectStatus, frozenset[SubjectStatus]] = {
    _S.SCREENING: _LEAVE | {_S.SCREEN_FAILED, _S.ELIGIBLE},
    # Back to screening: the facts changed, so the investigator's signature no longer covers them.
    # To screen_failed: the new facts exclude a subject who was eligible, or randomization will
    # never take place.
    _S.ELIGIBLE: _LEAVE | {_S.RANDOMIZED, _S.SCREENING, _S.SCREEN_FAILED},
    # Never back to eligible: nothing is ever un-randomized.
    _S.RANDOMIZED: _LEAVE | {_S.ON_TREATMENT},
    _S.ON_TREATMENT: _LEAVE | {_S.IN_FOLLOW_UP},
    _S.IN_FOLLOW_UP: _LEAVE | {_S.COMPLETED},
    _S.SCREEN_FAILED: _OUT,
    _S.COMPLETED: _OUT,
    _S.WITHDRAWN: frozenset({_S.DIED}),
    _S.LOST_TO_FOLLOW_UP: _OUT,
    _S.DIED: frozenset(),
}
"""From each state, the states a subject may reach in one move."""

LEFT = _LEAVE
"""States of a subject who left the study: nothing is observed in them after that day."""

NEEDS_CONSENT = frozenset({_S.WITHDRAWN, _S.LOST_TO_FOLLOW_UP})
"""States only a subject who once consented can reach: before, there is nothing to leave."""

ALLOCATED = frozenset({_S.RANDOMIZED, _S.ON_TREATMENT, _S.IN_FOLLOW_UP, _S.COMPLETED})
"""States only a randomized subject can have; the others do not tell."""

BY_HAND = frozenset({_S.SCREEN_FAILED, _S.WITHDRAWN, _S.LOST_TO_FOLLOW_UP, _S.DIED, _S.COMPLETED})
"""States a person may set; all others follow from signatures, allocations and fractions."""

FHIR_STATES: Mapping[SubjectStatus, str] = {
    _S.SCREENING: "screening",
    _S.SCREEN_FAILED: "ineligible",
    _S.ELIGIBLE: "eligible",
    _S.RANDOMIZED: "on-study",
    # Not on-study-intervention: the control arm receives none, and a code that
    # differs by arm would reveal the arm.
    _S.ON_TREATMENT: "on-study",
    _S.IN_FOLLOW_UP: "follow-up",
    _S.COMPLETED: "off-study",
    _S.WITHDRAWN: "withdrawn",
    _S.LOST_TO_FOLLOW_UP: "off-study",
    _S.DIED: "off-study",
}
"""The state's code in FHIR R5 ResearchSubject (`subjectState`)."""


def may_move(from_: SubjectStatus, to: SubjectStatus, consented: bool) -> bool:
    """Whether a subject may go from one state to another in one move.

    `consented` tells whether the subject ever signed a consent; a withdrawn
    consent counts, since withdrawing it is what leads to `withdrawn`. Staying
    in a state is not a move.
    """
    return to in MOVES[from_] and (consented or to not in NEEDS_CONSENT)


def failed_screening(status: SubjectStatus, left_on: date | None) -> bool:
    """Whether a subject failed screening, be it that they withdrew or died since.

    They never took part, so no day of leaving is kept of them, as it is of
    everybody else in a state of `LEFT`.
    """
    return status is SubjectStatus.SCREEN_FAILED or (status in LEFT and left_on is None)

"""Where a grading stands in source data verification."""

from enum import StrEnum


class VerificationState(StrEnum):
    """Whether a grading was compared with its source as it now stands."""

    VERIFIED = "verified"
    OUTDATED = "outdated"
    MISSING = "missing"


def state_of(version: int, verified: int | None) -> VerificationState:
    """The state of a grading whose version `verified` was the last one compared, if any was.

    A correction makes a verification outdated: what was compared no longer counts.
    """
    if verified is None:
        return VerificationState.MISSING
    return VerificationState.VERIFIED if verified == version else VerificationState.OUTDATED

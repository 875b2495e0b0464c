"""When a grading needs to be compared with its source again."""

from hypothesis import given
from hypothesis import strategies as st

from services.api.verifications.rules import VerificationState, state_of

VERSION = st.integers(min_value=1, max_value=50)


@given(VERSION)
def test_a_grading_that_was_never_compared_is_missing(version: int) -> None:
    assert state_of(version, None) is VerificationState.MISSING


@given(VERSION, VERSION)
def test_a_verification_holds_until_the_next_correction(one: int, other: int) -> None:
    version, verified = max(one, other), min(one, other)
    expected = VerificationState.VERIFIED if one == other else VerificationState.OUTDATED
    assert state_of(version, verified) is expected

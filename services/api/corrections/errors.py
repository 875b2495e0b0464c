"""Refusals of corrections."""

from services.api.core.errors import ApiError


class NothingToCorrect(ApiError):
    """The subject was not randomized, so no error in randomization can be recorded.

    Check the subject; before randomization, correct the records themselves.
    """

    code, status = "nothing_to_correct", 409


class SameStratum(ApiError):
    """The stratum is the one that counts for the subject already.

    GET the subject's randomization and its corrections; record only a stratum
    that differs from the last one.
    """

    code, status = "same_stratum", 409


class AlreadyPaired(ApiError):
    """The two subjects are recorded as the same person already.

    Nothing is left to do; GET lists the corrections.
    """

    code, status = "already_paired", 409

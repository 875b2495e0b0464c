"""Refusals of source data verification."""

from services.api.core.errors import ApiError


class AlreadyVerified(ApiError):
    """The current version of the grading has been verified.

    Nothing is left to do; after a correction it is verified anew.
    """

    code, status, constraint = "already_verified", 409, "grading_verified_once"


class NotTheCurrentVersion(ApiError):
    """Only the current version of a grading is compared with its source.

    GET the grading and compare the version that counts now.
    """

    code, status = "not_the_current_version", 409

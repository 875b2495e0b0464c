"""Refusals of randomization."""

from services.api.core.errors import ApiError


class NotReady(ApiError):
    """The subject cannot be randomized yet.

    Mend each item of errors, then send the request again with a fresh key.
    """

    code, status = "not_ready", 409


class AlreadyRandomized(ApiError):
    """The subject holds an allocation; it is never redrawn.

    GET the randomization to read it.
    """

    code, status, constraint = "already_randomized", 409, "allocation_once"


class RecruitmentComplete(ApiError):
    """The trial has allocated as many subjects as its protocol allows.

    No further subject can be randomized.
    """

    code, status = "recruitment_complete", 409


class NotRandomized(ApiError):
    """The subject has no allocation.

    POST randomizes once every precondition is met.
    """

    code, status = "not_randomized", 404


class ListUnavailable(ApiError):
    """The randomization list does not match its published commitment.

    Nothing was allocated. The sponsor has to restore the list's secret.
    """

    code, status = "list_unavailable", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})

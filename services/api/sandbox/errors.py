"""Refusals of the sandbox."""

from services.api.core.errors import ApiError


class ClockRunsForward(ApiError):
    """The sandbox's clock moves forward only.

    GET the clock and send a later moment, at most ten years ahead of real time.
    """

    code, status = "clock_runs_forward", 409


class ResetUnderWay(ApiError):
    """The sandbox is being reset already.

    Wait as many seconds as Retry-After says, then look which scenario is played.
    """

    code, status = "reset_under_way", 409

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class ResetNotPossible(ApiError):
    """The sandbox cannot be reset.

    A reset replaces the database: start trial serve --sandbox without
    TRIAL_DATABASE_URL, or as a user of PostgreSQL who may.
    """

    code, status = "reset_not_possible", 409

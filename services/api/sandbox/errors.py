"""Refusals of the sandbox."""

from services.api.core.errors import ApiError


class ClockRunsForward(ApiError):
    """The sandbox's clock moves forward only.

    GET the clock and send a later moment, at most ten years ahead of real time.
    """

    code, status = "clock_runs_forward", 409

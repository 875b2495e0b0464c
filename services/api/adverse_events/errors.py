"""Refusals of adverse events."""

from services.api.core.errors import ApiError


class NotYoursToAssess(ApiError):
    """The field belongs to another role.

    The site reports what happened; the safety officer assesses
    sponsor_causality and expectedness.
    """

    code, status = "not_yours_to_assess", 403

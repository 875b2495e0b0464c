"""Refusals of adverse events."""

from services.api.core.errors import ApiError


class NoConsent(ApiError):
    """No consent of the subject is recorded.

    Adverse events are collected from consent on: record the signed consent first.
    """

    code, status = "no_consent", 409


class NotYoursToAssess(ApiError):
    """The field belongs to another role.

    The site reports what happened; the safety officer assesses
    sponsor_causality and expectedness.
    """

    code, status = "not_yours_to_assess", 403

"""Refusals of visits."""

from services.api.core.errors import ApiError


class NoSchedule(ApiError):
    """The subject has no schedule of visits yet.

    Record the radiotherapy plan first; the visits follow its dates.
    """

    code, status = "no_schedule", 409


class VisitHasGradings(ApiError):
    """The visit was graded, so it was not missed.

    To correct its day, PUT the right date with a reason, then PATCH assessed_at of its gradings.
    """

    code, status, constraint = "visit_has_gradings", 409, "visit_has_gradings"

"""Refusals of adjudications."""

from services.api.core.errors import ApiError


class AdjudicatorGraded(ApiError):
    """You made one of the gradings that differ, so you cannot decide between them.

    Ask another investigator of the site.
    """

    code, status, constraint = "adjudicator_graded", 403, "adjudicator_graded_nothing"

"""Refusals of gradings."""

from services.api.core.errors import ApiError


class VisitNotRecorded(ApiError):
    """The visit is not recorded as having taken place.

    PUT the visit with its date first, then send its gradings.
    """

    code, status = "visit_not_recorded", 409


class VisitNotGraded(ApiError):
    """The protocol asks for no grading at this visit.

    Record the grading at the visit that it belongs to.
    """

    code, status = "visit_not_graded", 409


class AlreadyGraded(ApiError):
    """You have graded the subject at this visit.

    PATCH your grading to correct it; a second grading comes from another assessor.
    """

    code, status, constraint = "already_graded", 409, "grading_once_per_assessor"


class NotTheAuthor(ApiError):
    """Only the assessor who made the grading corrects and signs it.

    Ask the author, or add a second grading of your own.
    """

    code, status = "not_the_author", 403

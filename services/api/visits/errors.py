"""Refusals of visits and gradings."""

from services.api.core.errors import ApiError


class NoSchedule(ApiError):
    """The subject has no schedule of visits yet.

    Record the radiotherapy plan first; the visits follow its dates.
    """

    code, status = "no_schedule", 409


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


class VisitHasGradings(ApiError):
    """The visit was graded, so it was not missed.

    To correct its day, PUT the right date with a reason, then PATCH assessed_at of its gradings.
    """

    code, status = "visit_has_gradings", 409


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

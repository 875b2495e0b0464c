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


class GradedOnOtherDay(ApiError):
    """The visit's day was corrected, and a grading made there still says another day.

    Its author corrects the grading's time first; a query asks for it. Or correct the visit's day.
    """

    code, status = "graded_on_other_day", 409


class NotTheAuthor(ApiError):
    """Only the assessor who made the grading corrects and signs it.

    Ask the author, or add a second grading of your own.
    """

    code, status = "not_the_author", 403


class SecondGradingByAssessor(ApiError):
    """The visit is graded, and only an assessor adds a second grading.

    An investigator can read the first one, so theirs would not be independent.
    Ask an assessor who has not graded the visit.
    """

    code, status = "second_grading_by_assessor", 409

"""Refusals of exposures."""

from services.api.core.errors import ApiError


class DayRecorded(ApiError):
    """The subject's study drug of that day is recorded already.

    GET the subject's exposures, and PATCH the record of that day with a reason.
    """

    code, status, constraint = "day_recorded", 409, "exposure_once_a_day"


class TreatmentDiscontinued(ApiError):
    """The subject's treatment ended before that day.

    Check the day and GET /v1/subjects/{id}/discontinuation; what was taken
    until `treatment_ended_on` may still be recorded.
    """

    code, status = "treatment_discontinued", 409

"""Refusals of case reports."""

from services.api.core.errors import ApiError


class NotReportable(ApiError):
    """The case is no SUSAR, so it has no case report.

    Only a serious adverse reaction that is suspected of the study drug and not
    expected is reported this way, or one that was nullified after it had been.
    Each item of errors says what the case lacks.
    """

    code, status = "not_reportable", 409

"""Refusals of submissions."""

from services.api.core.errors import ApiError


class NotSerious(ApiError):
    """The version of the adverse event that was sent is not serious.

    Only serious events are reported on a clock: correct the event first, or
    name the version that was sent.
    """

    code, status = "event_not_serious", 409


class EventNullified(ApiError):
    """The version of the adverse event that was sent is nullified.

    Send a nullification, or name the version that was sent before.
    """

    code, status = "event_nullified", 409


class NotNullified(ApiError):
    """The adverse event is not nullified.

    Nullify the event first; then tell whoever was told of it.
    """

    code, status = "event_not_nullified", 409


class NoInitialReport(ApiError):
    """The recipient was not told of the case before that moment.

    Record the initial report first; withdraw the later ones before it.
    """

    code, status = "no_initial_report", 409


class AlreadyReported(ApiError):
    """The recipient holds an initial report of the case.

    Record what was sent later as a follow-up; withdraw the initial report if
    it was recorded in error.
    """

    code, status = "already_reported", 409


class Withdrawn(ApiError):
    """The submission was withdrawn, and is not changed any more.

    Record the submission anew.
    """

    code, status = "submission_withdrawn", 409

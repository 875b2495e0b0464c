"""Refusals of adverse events."""

from services.api.core.errors import ApiError


class NotYoursToAssess(ApiError):
    """The field belongs to another role.

    The site reports what happened; the safety officer assesses
    sponsor_causality and expectedness, and codes in MedDRA.
    """

    code, status = "not_yours_to_assess", 403


class DeathNotRecorded(ApiError):
    """A fatal event needs the subject's death, which is not recorded.

    Record the death first, then report the event: PATCH
    /v1/subjects/{id} with status died, or PUT
    /v1/subjects/{id}/discontinuation with study cause death and its day.
    """

    code, status = "death_not_recorded", 409


class AlreadyContinued(ApiError):
    """Another occurrence continues this one already.

    GET the event for `continued_by`, and continue the last occurrence of the
    case; if the other one was a mistake, nullify it first.
    """

    code, status, constraint = "already_continued", 409, "adverse_event_continued_once"


class Nullified(ApiError):
    """The adverse event is nullified, and takes no change any more.

    It stays readable with the reason. If it happened after all, report it anew.
    """

    code, status = "nullified", 409


class StillContinued(ApiError):
    """Another occurrence continues this one, so it cannot be nullified yet.

    Nullify the one that `continued_by` names first: the last of the case goes first.
    """

    code, status = "still_continued", 409


class NoReferenceDocument(ApiError):
    """No reference safety information was in force on the day of onset.

    An event is expected only by a document: publish the version of that day at
    POST /v1/safety/reference-documents, or assess the event as unexpected.
    """

    code, status = "no_reference_document", 409

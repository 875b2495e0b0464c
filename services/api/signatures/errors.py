"""Refusals of signing."""

from services.api.core.errors import ApiError


class PeopleOnly(ApiError):
    """Only a person signs.

    Have the person responsible sign in and sign; a system records data only.
    """

    code, status = "people_only", 403


class ContentChanged(ApiError):
    """The hash is not that of the record's current version.

    GET the record again, read what changed, and sign its content_hash.
    """

    code, status = "content_changed", 409


class AlreadySigned(ApiError):
    """The current version is signed already.

    Nothing is left to do; a change makes a new version, which is signed anew.
    """

    code, status = "already_signed", 409

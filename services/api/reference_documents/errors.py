"""Refusals of reference documents."""

from services.api.core.errors import ApiError


class VersionPublished(ApiError):
    """A reference document with this version is published, and never changes.

    GET it to compare; what is different now needs a version of its own.
    """

    code, status, constraint = "version_published", 409, "reference_document_version_unique"

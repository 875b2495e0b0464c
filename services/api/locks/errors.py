"""Refusals of freezing and locking; those of frozen and locked records stand in `core/errors`."""

from services.api.core.errors import ApiError


class AlreadyInState(ApiError):
    """The record is in that state already.

    Nothing is left to do; GET tells since when, by whom and why.
    """

    code, status = "already_in_state", 409


class ReviewOpen(ApiError):
    """A record is locked only when its queries are closed and its adjudications decided.

    GET /v1/queries lists the queries that are open or answered; have each
    answered and closed. GET /v1/adjudications?status=open lists what is not
    decided; have it decided. Then lock.
    """

    code, status = "review_open", 409

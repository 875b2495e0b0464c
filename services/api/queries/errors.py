"""Refusals of data queries."""

from services.api.core.errors import ApiError


class SiteAnswers(ApiError):
    """A query is answered by the site.

    Wait for the answer; close the query, or reopen it with what is still missing.
    """

    code, status = "site_answers", 403


class NotTheOpener(ApiError):
    """A query is reopened and closed by whoever raised it.

    Answer it, and the opener decides; about the service's own queries the
    monitors do. A data manager may decide about any query.
    """

    code, status = "not_the_opener", 403


class QueryMoveNotAllowed(ApiError):
    """The query is not in a status from which that step follows.

    GET it: an open query is answered, an answered one is closed or reopened, a
    closed one is reopened. What the service asked is answered before a monitor
    closes it; a data manager may close it unanswered.
    """

    code, status = "query_move_not_allowed", 409

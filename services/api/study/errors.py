"""Refusals about sites and their activation."""

from services.api.core.errors import ApiError


class SiteNotActive(ApiError):
    """The site may not recruit yet.

    An admin records the ethics approval with POST /v1/sites/{code}/activations.
    """

    code, status = "site_not_active", 409


class AlreadyActivated(ApiError):
    """The approval of these versions at this site is recorded already.

    Nothing is left to do; GET lists the site's activations.
    """

    code, status, constraint = "already_activated", 409, "site_activation_once"

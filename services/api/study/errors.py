"""Refusals about sites and their activation."""

from services.api.core.errors import ApiError


class SiteNotActive(ApiError):
    """The site may not recruit yet.

    An admin records the ethics approval with POST /v1/sites/{code}/activations.
    """

    code, status = "site_not_active", 409


class ProtocolNotApproved(ApiError):
    """The site's ethics committee has not approved the protocol version in use.

    An admin records the approval of that version with POST
    /v1/sites/{code}/activations; approvals of other versions do not count.
    """

    code, status = "protocol_not_approved", 409


class AlreadyActivated(ApiError):
    """The approval of these versions at this site on that day is recorded already.

    Nothing is left to do; GET lists the site's activations.
    """

    code, status, constraint = "already_activated", 409, "site_activation_once"

"""Refusals of webhooks."""

from services.api.core.errors import ApiError


class WebhookEnded(ApiError):
    """The webhook was ended; it is kept for the record only.

    Create another: an ended webhook is never changed, and nothing is delivered to it again.
    """

    code, status = "webhook_ended", 409


class OwnerWithoutAccount(ApiError):
    """A webhook belongs to an account of this service, and you have none, or not any more.

    An outside identity provider does not tell us when someone leaves or moves,
    so nothing is sent on the word of its tokens. Ask an admin for a client of
    this service (POST /v1/clients), and make the webhook as that client.
    """

    code, status = "owner_without_account", 403


class NotDead(ApiError):
    """The delivery is not dead: it was delivered, or is still tried.

    Only a dead delivery is tried anew. Read /v1/events to get an event once more.
    """

    code, status = "not_dead", 409

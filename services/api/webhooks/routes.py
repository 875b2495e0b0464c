"""Webhooks over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends, Query, Response

from services.api.core.auth import Principal, require
from services.api.core.context import SettingsDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    TooManyRequests,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.webhooks import service
from services.api.webhooks.errors import NotDead, OwnerWithoutAccount, WebhookEnded
from services.api.webhooks.models import Webhook, WebhookDelivery
from services.api.webhooks.probing import TriedChange, TriedNew
from services.api.webhooks.schemas import (
    DeliveryFilter,
    DeliveryPage,
    DeliveryRead,
    DeliveryState,
    EventPathId,
    SecretMade,
    WebhookCreate,
    WebhookId,
    WebhookLinks,
    WebhookMade,
    WebhookPage,
    WebhookPatch,
    WebhookRead,
)

router = Router(prefix="/v1/webhooks", tags=["webhooks"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_WEBHOOKS))]
Changer = Annotated[Principal, Depends(require(Action.CHANGE_WEBHOOK))]


def _links(webhook: Webhook) -> WebhookLinks:
    path = f"/v1/webhooks/{webhook.id}"
    return WebhookLinks(self=path, deliveries=f"{path}/deliveries")


def _read(webhook: Webhook) -> WebhookRead:
    return WebhookRead.model_validate({**webhook.model_dump(), "links": _links(webhook)})


def _delivery(row: WebhookDelivery) -> DeliveryRead:
    waits = row.state == DeliveryState.PENDING.value
    return DeliveryRead.model_validate(
        {**row.model_dump(), "due_at": row.due_at if waits else None}
    )


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_webhooks(caller: Reader, session: SessionDep, asked: PageDep) -> WebhookPage:
    """Your webhooks, active or not, oldest first; an admin sees every one."""
    rows, cursor = service.list_webhooks(session, caller, asked)
    return WebhookPage(items=[_read(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(Once(sealed=True))],
    responses=responses(
        Unauthorized, Forbidden, OwnerWithoutAccount, Invalid, TooManyRequests, *KEY_REFUSALS
    ),
)
def create_webhook(
    given: WebhookCreate,
    caller: Annotated[Principal, Depends(require(Action.CREATE_WEBHOOK))],
    secret: TriedNew,
    settings: SettingsDep,
    session: SessionDep,
) -> WebhookMade:
    """Have events sent to an address; the answer shows the secret, once.

    A signed `webhook.ping` is sent there first. An address that redirects or
    is not of the public internet is refused; one that does not answer is not.
    """
    webhook = service.create_webhook(session, caller, settings, given, secret)
    return WebhookMade(**_read(webhook).model_dump(), secret=secret)


@router.get("/{webhook_id}", responses=responses(*ONE))
def read_webhook(webhook_id: WebhookId, caller: Reader, session: SessionDep) -> WebhookRead:
    """One webhook."""
    return _read(service.get_webhook(session, caller, webhook_id))


@router.patch(
    "/{webhook_id}",
    dependencies=[TriedChange],
    responses=responses(*ONE, WebhookEnded, StaleVersion, IfMatchMissing, Invalid, TooManyRequests),
)
def change_webhook(
    webhook_id: WebhookId,
    patch: Annotated[WebhookPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Changer,
    expected: IfMatch,
    session: SessionDep,
) -> WebhookRead:
    """Change a webhook, or switch it off and on; a new address is tried as at the beginning.

    What happens while it is off is not sent later: read it from the feed. What
    waited before is sent when it is on again.
    """
    return _read(service.change_webhook(session, caller, webhook_id, expected, patch))


@router.delete("/{webhook_id}", status_code=204, responses=responses(*ONE))
def end_webhook(webhook_id: WebhookId, caller: Changer, session: SessionDep) -> Response:
    """End a webhook for good; it and its deliveries are kept for the record.

    Nothing more is sent, also of what waits; it is not begun again: make a new one.
    """
    service.end_webhook(session, caller, webhook_id)
    return Response(status_code=204)


@router.post(
    "/{webhook_id}/secret",
    status_code=201,
    dependencies=[Depends(Once(sealed=True))],
    responses=responses(*ONE, WebhookEnded, *KEY_REFUSALS),
)
def rotate_secret(
    webhook_id: WebhookId, caller: Changer, settings: SettingsDep, session: SessionDep
) -> SecretMade:
    """Make a new secret; for 24 hours the one before signs beside it.

    Receivers check both signatures until the day is over, so no message is lost between two
    configurations.
    """
    secret, until = service.rotate_secret(session, caller, settings, webhook_id)
    return SecretMade(secret=secret, before_signs_until=until)


@router.get("/{webhook_id}/deliveries", responses=responses(*ONE, BadCursor))
def list_deliveries(
    webhook_id: WebhookId,
    caller: Reader,
    session: SessionDep,
    asked: Annotated[DeliveryFilter, Query()],
) -> DeliveryPage:
    """What was sent to a webhook, what is to be, and what was given up.

    Events of one subject are sent in their order: one that fails holds up those behind it.
    """
    rows, cursor = service.list_deliveries(session, caller, webhook_id, asked)
    return DeliveryPage(items=[_delivery(row) for row in rows], next_cursor=cursor)


@router.post(
    "/{webhook_id}/deliveries/{event_id}/replay",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*ONE, WebhookEnded, NotDead, *KEY_REFUSALS),
)
def replay_delivery(
    webhook_id: WebhookId, event_id: EventPathId, caller: Changer, session: SessionDep
) -> DeliveryRead:
    """Try a dead delivery anew, with the same `webhook-id`, before what waits behind it."""
    return _delivery(service.replay(session, caller, webhook_id, event_id))

"""Trying a receiver before its address is stored, while no lock and no transaction is held."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Body, Depends, Request
from fastapi.concurrency import run_in_threadpool

from services.api.core.auth import Principal, require
from services.api.core.context import SettingsDep
from services.api.core.db import Database
from services.api.core.errors import FieldError, Invalid, TooManyRequests
from services.api.core.etag import IfMatch
from services.api.core.idempotency import recall
from services.api.core.making import new_id
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH
from services.api.settings import Settings
from services.api.webhooks import service
from services.api.webhooks.payload import ping
from services.api.webhooks.rules import signed_headers, unusual_address, url_faults
from services.api.webhooks.schemas import WebhookCreate, WebhookId, WebhookPatch
from services.api.webhooks.secrets import new_secret
from services.api.webhooks.sending import (
    DeliveryFault,
    Message,
    addresses_of,
    connections,
    send,
)

SECONDS = 3.0
"""For a trial from its beginning to its end, with the wait for its turn: a caller waits for it."""
AT_ONCE = 16
"""Trials of one process at once."""
_PLACES = BoundedSemaphore(AT_ONCE)
_PAUSE = 0.02


def _fault(code: str, detail: str) -> FieldError:
    return FieldError(pointer="/url", code=code, detail=detail)


NOT_PUBLIC = _fault("not_public_address", "The address is not of the public internet")
REDIRECTS = _fault("redirects", "The receiver redirects: give the address where it leads")
REDIRECTS_PRIVATELY = _fault(
    "redirects_to_private_address", "The receiver redirects to an address that is not public"
)


async def try_receiver(settings: Settings, url: str, secrets: Sequence[str]) -> None:
    """Send a signed `webhook.ping`; any answer will do but a redirect, and so will none.

    Raises:
        Invalid: the URL is not one that events may be sent to, or it redirects.
        TooManyRequests: others are tried, and take their time.
    """
    faults = url_faults(url, plain_http=settings.webhook_http)
    if not faults:
        faults = await _try(url, secrets, private=settings.webhook_private_addresses)
    if faults:
        raise Invalid(errors=faults)


async def _try(url: str, secrets: Sequence[str], *, private: bool) -> list[FieldError]:
    now, message_id = datetime.now(UTC), str(new_id())
    body = ping(now)
    message = Message(body, signed_headers(secrets, message_id, now, body))
    end = asyncio.get_running_loop().time() + SECONDS
    async with _place(end):
        try:
            async with asyncio.timeout_at(end):
                return await _ask(url, message, private=private)
        except TimeoutError:
            return []


async def _ask(url: str, message: Message, *, private: bool) -> list[FieldError]:
    async with connections() as transport:
        answer = await send(transport, url, message, private=private)
    if answer.fault is DeliveryFault.NOT_PUBLIC_ADDRESS:
        return [NOT_PUBLIC]
    if answer.fault is not DeliveryFault.REDIRECTS:
        return []
    leads_to = await addresses_of(answer.location or "")
    return [REDIRECTS if private or not unusual_address(leads_to) else REDIRECTS_PRIVATELY]


@asynccontextmanager
async def _place(end: float) -> AsyncIterator[None]:
    """One of the places of this process, if one is free before the end."""
    loop = asyncio.get_running_loop()
    # Of no event loop, so that whoever runs one may use it; nobody's thread waits for it.
    while not _PLACES.acquire(blocking=False):
        if loop.time() >= end:
            raise TooManyRequests(timedelta(seconds=SECONDS))
        await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        _PLACES.release()


async def _try_new(
    request: Request,
    given: WebhookCreate,
    caller: Annotated[Principal, Depends(require(Action.CREATE_WEBHOOK))],
    settings: SettingsDep,
) -> str:
    """The new webhook's secret, once its receiver was tried with it."""
    secret = new_secret()
    if not await run_in_threadpool(_is_answered, request, caller, given):
        await try_receiver(settings, given.url, [secret])
    return secret


def _is_answered(request: Request, caller: Principal, given: WebhookCreate) -> bool:
    """Whether a retried request has its answer already; of a new one, refuse what may not be."""
    database: Database = request.app.state.database
    with database.session(caller) as session:
        if recall(session, request) is not None:
            return True
        service.check_new(session, caller, given)
    return False


async def _try_changed(
    webhook_id: WebhookId,
    patch: Annotated[WebhookPatch, Body(media_type=MERGE_PATCH)],
    expected: IfMatch,
    caller: Annotated[Principal, Depends(require(Action.CHANGE_WEBHOOK))],
    settings: SettingsDep,
    request: Request,
) -> None:
    """Try the new address, if there is one, with the secrets that the receiver knows."""
    if patch.url is None:
        return
    database: Database = request.app.state.database

    def secrets_to_try() -> list[str]:
        with database.session(caller) as session:
            webhook = service.to_change(session, caller, webhook_id, expected, patch)
            if webhook.url == patch.url:
                return []
            return service.signing_secrets(session, settings, webhook_id)

    if secrets := await run_in_threadpool(secrets_to_try):
        await try_receiver(settings, patch.url, secrets)


TriedNew = Annotated[str, Depends(_try_new)]
TriedChange = Depends(_try_changed)

"""Webhooks: made, changed, ended, and what became of each delivery."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, String, and_, func, literal, or_, true, update
from sqlalchemy import select as columns_of
from sqlmodel import Session, col, select

from services.api.core.auth import Caller, Principal
from services.api.core.db import because
from services.api.core.errors import FieldError, Invalid, NotFound
from services.api.core.etag import check_version
from services.api.core.events import FeedEvent
from services.api.core.pagination import PageQuery, page
from services.api.core.permissions import Role
from services.api.settings import Settings
from services.api.study import service as study
from services.api.webhooks.errors import NotDead, OwnerWithoutAccount, WebhookEnded
from services.api.webhooks.models import Webhook, WebhookDelivery, WebhookSecret
from services.api.webhooks.rules import ROTATION
from services.api.webhooks.schemas import (
    DeliveryFilter,
    DeliveryState,
    WebhookCreate,
    WebhookPatch,
)
from services.api.webhooks.secrets import new_secret, seal, unseal
from services.api.webhooks.sending import DeliveryFault


def list_webhooks(
    session: Session, caller: Principal, asked: PageQuery
) -> tuple[Sequence[Webhook], str | None]:
    """The caller's webhooks, an admin's are all; oldest first."""
    return page(session, select(Webhook).where(_of(caller)), Webhook.id, asked)


def get_webhook(
    session: Session, caller: Principal, webhook_id: UUID, *, lock: bool = False
) -> Webhook:
    """One webhook of the caller's; with `lock` nobody else changes it until commit.

    Raises:
        NotFound: there is none.
    """
    query = select(Webhook).where(Webhook.id == webhook_id, _of(caller))
    # Weaker than FOR UPDATE, so its deliveries are made and told meanwhile.
    query = query.with_for_update(key_share=True) if lock else query
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def check_new(session: Session, caller: Principal, given: WebhookCreate) -> None:
    """Refuse a webhook that the caller may not make, whatever its receiver says.

    Raises:
        OwnerWithoutAccount: nothing would tell when they may hear no more.
        Invalid: no such site, or not one of a hospital's own.
    """
    if not may_hear(session, caller.id, None):
        raise OwnerWithoutAccount
    _refuse_sites(session, caller, caller.id, given.sites)


def create_webhook(
    session: Session, caller: Principal, settings: Settings, given: WebhookCreate, secret: str
) -> Webhook:
    """Make a webhook whose receiver was tried with that secret.

    Raises:
        OwnerWithoutAccount, Invalid: see `check_new`.
    """
    check_new(session, caller, given)
    webhook = Webhook(owner=caller.id, **given.model_dump(mode="json"))
    session.add(webhook)
    session.flush()
    _add_secret(session, settings, webhook, secret)
    return webhook


def to_change(
    session: Session, caller: Principal, webhook_id: UUID, expected: int, patch: WebhookPatch
) -> Webhook:
    """The webhook, locked, if the change may be made whatever its new receiver says.

    Raises:
        NotFound, StaleVersion.
        WebhookEnded: it was ended for good.
        Invalid: no such site, or not one that its owner may hear of.
    """
    webhook = _changeable(session, caller, webhook_id)
    check_version(expected, webhook.version)
    _refuse_sites(session, caller, webhook.owner, patch.sites or ())
    return webhook


def change_webhook(
    session: Session, caller: Principal, webhook_id: UUID, expected: int, patch: WebhookPatch
) -> Webhook:
    """Change a webhook; made active again, it goes on with what was waiting.

    Raises:
        NotFound, StaleVersion, WebhookEnded, Invalid: see `to_change`.
    """
    webhook = to_change(session, caller, webhook_id, expected, patch)
    given = patch.model_dump(mode="json", exclude={"reason"}, exclude_unset=True)
    if given.get("active"):
        given["gone"] = False
    return _apply(session, webhook, given, patch.reason)


def end_webhook(session: Session, caller: Principal, webhook_id: UUID) -> None:
    """Deliver nothing to it ever again; what waited is dead. Once more changes nothing.

    Raises:
        NotFound.
    """
    webhook = get_webhook(session, caller, webhook_id, lock=True)
    if webhook.ended_at is not None:
        return
    ended = {"active": False, "ended_at": datetime.now(UTC)}
    _apply(session, webhook, ended, "Ended for good")
    _give_up(session, webhook, DeliveryFault.ENDED, true())


def lock_webhook(session: Session, webhook_id: UUID) -> Webhook:
    """A webhook that nobody else changes until commit; whoever needs its deliveries takes it first.

    Two who took them in another order would wait for each other.
    """
    return session.get_one(Webhook, webhook_id, with_for_update={"key_share": True})


def deactivate_gone(session: Session, webhook: Webhook) -> None:
    """Send nothing more to a receiver that answered 410 Gone, until someone says otherwise."""
    if webhook.active:
        _apply(session, webhook, {"active": False, "gone": True}, "The receiver answered 410 Gone")


def rotate_secret(
    session: Session, caller: Principal, settings: Settings, webhook_id: UUID
) -> tuple[str, datetime]:
    """A new secret, and until when the one before signs as well.

    Raises:
        NotFound.
        WebhookEnded: it was ended for good.
    """
    webhook = _changeable(session, caller, webhook_id)
    now = datetime.now(UTC)
    for kept in _signing(session, webhook.id, now):
        kept.signs_until = now + ROTATION if kept.signs_until is None else now
    session.flush()
    secret = new_secret()
    _add_secret(session, settings, webhook, secret)
    _apply(session, webhook, {}, "Secret rotated")
    return secret, now + ROTATION


def signing_secrets(session: Session, settings: Settings, webhook_id: UUID) -> list[str]:
    """The secrets that sign now: the newest, and for a day the one before."""
    kept = _signing(session, webhook_id, datetime.now(UTC))
    return [unseal(settings, webhook_id, secret.sealed) for secret in kept]


# --- who may hear ----------------------------------------------------------------------


def may_hear(session: Session, owner: UUID, site: str | None) -> bool:
    """Whether an owner's webhooks hear of a site now, or of the whole trial."""
    return bool(session.execute(columns_of(func.may_hear(owner, site))).scalar_one())


def give_up_unheard(session: Session, webhook_id: UUID, lane: UUID) -> None:
    """Give up what waits in a lane and the owner may not hear of any more."""
    webhook = lock_webhook(session, webhook_id)
    heard = columns_of(func.may_hear(webhook.owner, col(FeedEvent.site))).where(
        col(FeedEvent.id) == col(WebhookDelivery.event_id)
    )
    unheard = and_(col(WebhookDelivery.lane) == lane, ~heard.scalar_subquery())
    _give_up(session, webhook, DeliveryFault.OWNER_WITHOUT_RIGHT, unheard)


# --- deliveries ------------------------------------------------------------------------


def list_deliveries(
    session: Session, caller: Principal, webhook_id: UUID, asked: DeliveryFilter
) -> tuple[Sequence[WebhookDelivery], str | None]:
    """Deliveries of one webhook, in the order in which their events were told.

    Raises:
        NotFound: no such webhook of the caller's.
    """
    webhook = get_webhook(session, caller, webhook_id)
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
    if asked.state is not None:
        query = query.where(WebhookDelivery.state == asked.state.value)
    return page(session, query, WebhookDelivery.event_id, asked)


def replay(
    session: Session, caller: Principal, webhook_id: UUID, event_id: UUID
) -> WebhookDelivery:
    """Try a dead delivery anew, from the first pause on; it goes before what waits in its lane.

    Raises:
        NotFound: no such delivery of the caller's webhooks.
        WebhookEnded: nothing is delivered to it again.
        NotDead: it was delivered, or is still tried.
    """
    webhook = _changeable(session, caller, webhook_id)
    key = {"webhook_id": webhook.id, "event_id": event_id}
    delivery = session.get(WebhookDelivery, key, with_for_update=True)
    if delivery is None:
        raise NotFound
    if delivery.state != DeliveryState.DEAD.value:
        raise NotDead
    delivery.state, delivery.attempts = DeliveryState.PENDING.value, 0
    delivery.due_at = datetime.now(UTC)
    session.flush()
    return delivery


# --- shared ----------------------------------------------------------------------------


def _of(caller: Caller) -> ColumnElement[bool]:
    """An admin sees every webhook, a hospital's system its own of sites that are still its own."""
    if caller.role is Role.ADMIN:
        return true()
    own_sites = literal(list(caller.sites), ARRAY(String))
    within = col(Webhook.sites).op("<@", is_comparison=True)(own_sites)
    return and_(col(Webhook.owner) == caller.id, within)


def _changeable(session: Session, caller: Principal, webhook_id: UUID) -> Webhook:
    webhook = get_webhook(session, caller, webhook_id, lock=True)
    if webhook.ended_at is not None:
        raise WebhookEnded
    return webhook


def _apply(session: Session, webhook: Webhook, changed: dict[str, object], reason: str) -> Webhook:
    because(session, reason)
    for name, value in changed.items():
        setattr(webhook, name, value)
    webhook.version += 1
    session.flush()
    return webhook


def _refuse_sites(session: Session, caller: Principal, owner: UUID, sites: Collection[str]) -> None:
    known = {site.code for site in study.list_sites(session)}.intersection(sites)
    own = known if caller.role is Role.ADMIN else known.intersection(caller.sites)
    allowed = {site for site in own if may_hear(session, owner, site)}
    faults = [
        FieldError(
            pointer=f"/sites/{place}", code="unknown_site", detail="There is no such site for you"
        )
        for place, site in enumerate(sites)
        if site not in allowed
    ]
    if faults:
        raise Invalid(errors=faults)


def _give_up(
    session: Session, webhook: Webhook, fault: DeliveryFault, which: ColumnElement[bool]
) -> None:
    """Have what waits for a webhook be dead; its row is locked already."""
    waits = col(WebhookDelivery.state) == DeliveryState.PENDING.value
    session.execute(
        update(WebhookDelivery)
        .where(col(WebhookDelivery.webhook_id) == webhook.id, waits, which)
        .values(state=DeliveryState.DEAD.value, fault=fault.value)
    )


def _add_secret(session: Session, settings: Settings, webhook: Webhook, secret: str) -> None:
    sealed = seal(settings, webhook.id, secret)
    session.add(WebhookSecret(webhook_id=webhook.id, sealed=sealed))
    session.flush()


def _signing(session: Session, webhook_id: UUID, now: datetime) -> Sequence[WebhookSecret]:
    """The secrets that sign, newest first."""
    until = col(WebhookSecret.signs_until)
    query = select(WebhookSecret).where(
        WebhookSecret.webhook_id == webhook_id, or_(until.is_(None), until > now)
    )
    return session.exec(query.order_by(col(WebhookSecret.id).desc())).all()

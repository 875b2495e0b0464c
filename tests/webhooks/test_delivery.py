"""One step of a lane: order, success, backoff, death, and a receiver that is gone."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from services.api.webhooks import service
from services.api.webhooks.delivery import Parcel, next_of_lane, settle
from services.api.webhooks.rules import BACKOFF, LANE_OF_NO_SUBJECT
from services.api.webhooks.sending import Answer, DeliveryFault
from tests.make import Api, Json, created, ok
from tests.webhooks.receiver import until
from tests.webhooks.telling import hook, shop_of, told
from tests.webhooks.test_service import deliveries, publish

NOWHERE = "http://127.0.0.1:9/hook"
FAILED = Answer(500, DeliveryFault.STATUS)


def following(api: Api, webhook: Json, lane: UUID) -> Parcel | None:
    with shop_of(api).transaction() as session:
        return next_of_lane(session, api.state.settings, UUID(webhook["id"]), lane)


def settled(api: Api, parcel: Parcel | None, answer: Answer) -> None:
    assert parcel is not None
    with shop_of(api).transaction() as session:
        settle(session, parcel, answer)


def due_now(api: Api) -> None:
    api.rows("UPDATE webhook_delivery SET due_at = now()")


@pytest.fixture
def webhook(api: Api) -> Json:
    return hook(api, NOWHERE)


def test_the_next_event_of_a_subject_waits_for_the_one_before(api: Api, webhook: Json) -> None:
    subject = uuid4()
    told(api.state.database, subject, 2)
    publish(api)
    first = following(api, webhook, subject)
    assert first is not None
    settled(api, first, FAILED)
    assert following(api, webhook, subject) is None
    due_now(api)
    again = following(api, webhook, subject)
    assert again is not None
    assert again.event_id == first.event_id
    settled(api, again, Answer(204))
    second = following(api, webhook, subject)
    assert second is not None
    assert second.event_id != first.event_id
    assert following(api, webhook, uuid4()) is None
    assert following(api, webhook, LANE_OF_NO_SUBJECT) is None


def test_what_is_of_no_subject_has_a_lane_of_its_own(api: Api, webhook: Json) -> None:
    told(api.state.database, None)
    publish(api)
    assert following(api, webhook, LANE_OF_NO_SUBJECT) is not None


def test_after_the_last_pause_a_delivery_is_dead_and_the_next_goes_on(
    api: Api, webhook: Json
) -> None:
    subject = uuid4()
    told(api.state.database, subject, 2)
    publish(api)
    first = following(api, webhook, subject)
    for pause in BACKOFF:
        settled(api, first, FAILED)
        ((due, at),) = api.rows(
            "SELECT due_at, attempted_at FROM webhook_delivery WHERE state = 'pending'"
            " AND attempts > 0"
        )
        assert due - at == pause
        due_now(api)
    settled(api, first, Answer(fault=DeliveryFault.TIMEOUT))
    told_of = deliveries(api, webhook)[0]
    assert (told_of["state"], told_of["attempts"], told_of["fault"], told_of["due_at"]) == (
        "dead",
        len(BACKOFF) + 1,
        "timeout",
        None,
    )
    second = following(api, webhook, subject)
    assert second is not None
    assert first is not None
    assert second.event_id != first.event_id


def test_an_attempt_that_ends_late_does_not_undo_a_delivery(api: Api, webhook: Json) -> None:
    told(api.state.database, UUID(int=3))
    publish(api)
    parcel = following(api, webhook, UUID(int=3))
    settled(api, parcel, Answer(204))
    settled(api, parcel, FAILED)
    (one,) = deliveries(api, webhook)
    assert (one["state"], one["attempts"], one["status"], one["fault"]) == (
        "delivered",
        1,
        204,
        None,
    )


def test_a_receiver_that_is_gone_gets_nothing_until_it_is_switched_on(
    api: Api, webhook: Json
) -> None:
    told(api.state.database, UUID(int=3))
    publish(api)
    settled(api, following(api, webhook, UUID(int=3)), Answer(410, DeliveryFault.STATUS))
    due_now(api)
    assert following(api, webhook, UUID(int=3)) is None
    path = f"/v1/webhooks/{webhook['id']}"
    found = ok(api.as_("hospital_system").get(path))
    assert (found["active"], found["gone"], found["version"]) == (False, True, 2)
    trail = api.rows("SELECT role, reason FROM audit_event WHERE record = 'webhook' ORDER BY id")
    assert trail[-1] == ("worker", "The receiver answered 410 Gone")
    found = ok(api.as_("hospital_system").patch(path, {"active": True, "reason": "It is back"}))
    assert (found["active"], found["gone"]) == (True, False)
    assert following(api, webhook, UUID(int=3)) is not None


def test_a_message_is_signed_by_both_secrets_after_a_rotation(api: Api, webhook: Json) -> None:
    new = created(api.as_("hospital_system").post(f"/v1/webhooks/{webhook['id']}/secret"))
    told(api.state.database, UUID(int=3))
    publish(api)
    parcel = following(api, webhook, UUID(int=3))
    assert parcel is not None
    headers: dict[str, Any] = dict(parcel.message.headers)
    assert headers["webhook-id"] == str(parcel.event_id)
    for secret in (webhook["secret"], new["secret"]):
        assert Webhook(secret).verify(parcel.message.body, headers)["type"] == "visit.recorded"
    past = datetime.now(UTC) - timedelta(seconds=1)
    api.rows("UPDATE webhook_secret SET signs_until = :past WHERE signs_until > now()", past=past)
    later = following(api, webhook, UUID(int=3))
    assert later is not None
    assert len(later.message.headers["webhook-signature"].split()) == 1


@pytest.mark.parametrize("other", ["end", "replay"])
def test_a_receiver_that_goes_while_its_webhook_is_changed_blocks_nobody(
    api: Api, webhook: Json, other: str
) -> None:
    """Each takes the webhook first; in another order they would wait for each other."""
    subject = uuid4()
    told(api.state.database, subject)
    publish(api)
    parcel = following(api, webhook, subject)
    assert parcel is not None
    path = f"/v1/webhooks/{webhook['id']}"
    system = api.as_("hospital_system")
    with ThreadPoolExecutor(2) as threads, shop_of(api).transaction() as session:
        service.lock_webhook(session, parcel.webhook_id)
        waiting: list[Future[Any]] = [
            threads.submit(settled, api, parcel, Answer(410, DeliveryFault.STATUS))
        ]
        until(lambda: blocked(api) == 1)
        if other == "end":
            waiting.append(threads.submit(system.request, "DELETE", path))
        else:
            replay = f"{path}/deliveries/{parcel.event_id}/replay"
            waiting.append(threads.submit(system.post, replay))
        until(lambda: blocked(api) == 2)
        # Neither holds the delivery while it waits for the webhook.
        session.execute(text("SELECT FROM webhook_delivery FOR UPDATE NOWAIT"))
        session.commit()
        for one in waiting:
            one.result(timeout=20)
    found = ok(system.get(path))
    assert not found["active"]


def blocked(api: Api) -> int:
    ((number,),) = api.rows(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(number)

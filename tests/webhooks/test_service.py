"""Which deliveries are made at publication, and how they are ended and replayed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.api.core.auth import Principal
from services.api.core.events import EventType, announce
from services.api.core.permissions import Role
from services.api.events import service as events
from services.api.webhooks.delivery import next_of_lane
from tests.make import Api, Json, created, ok, problem
from tests.webhooks.telling import EVERYWHERE, hook, shop_of, told

NOWHERE = "http://127.0.0.1:9/hook"


def publish(api: Api) -> None:
    with api.state.database.session(EVERYWHERE) as session:
        events.publish(session)
        session.commit()


def deliveries(api: Api, webhook: Json, query: str = "") -> list[Json]:
    path = f"/v1/webhooks/{webhook['id']}/deliveries{query}"
    items: list[Json] = ok(api.as_("hospital_system").get(path))["items"]
    return items


def test_a_delivery_is_made_for_each_webhook_of_the_site_and_the_type(api: Api) -> None:
    every = hook(api, NOWHERE)
    some = hook(api, NOWHERE, types=["subject.randomized"])
    told(api.state.database, uuid4())
    told(api.state.database, uuid4(), site="LZ")
    told(api.state.database, uuid4(), kind=EventType.SUBJECT_RANDOMIZED)
    told(api.state.database, None, kind=EventType.QUERY_OPENED)
    publish(api)
    publish(api)
    assert len(deliveries(api, every)) == 3
    assert len(deliveries(api, some)) == 1
    assert {one["state"] for one in deliveries(api, every)} == {"pending"}


def test_an_event_with_an_audience_goes_to_no_webhook(api: Api) -> None:
    every = hook(api, NOWHERE)
    with api.state.database.session(EVERYWHERE) as session:
        announce(session, EventType.STOPPING_RULE_REACHED, "x", audience=[Role.HOSPITAL_SYSTEM])
        session.commit()
    publish(api)
    assert deliveries(api, every) == []


def test_an_inactive_or_ended_webhook_gets_nothing_and_what_waited_is_dead(api: Api) -> None:
    off, over = hook(api, NOWHERE), hook(api, NOWHERE)
    system = api.as_("hospital_system")
    told(api.state.database, uuid4())
    publish(api)
    ok(system.patch(f"/v1/webhooks/{off['id']}", {"active": False, "reason": "Maintenance"}))
    system.request("DELETE", f"/v1/webhooks/{over['id']}")
    told(api.state.database, uuid4())
    publish(api)
    assert [one["state"] for one in deliveries(api, off)] == ["pending"]
    assert [(one["state"], one["fault"]) for one in deliveries(api, over)] == [("dead", "ended")]
    event = deliveries(api, over)[0]["event_id"]
    path = f"/v1/webhooks/{over['id']}/deliveries/{event}/replay"
    problem(system.post(path), 409, "webhook_ended")


LOST = {
    "deactivated": ("hospital_system", "UPDATE account SET active = false WHERE id = :owner"),
    "moved": ("hospital_system", "UPDATE account SET sites = '{LZ}' WHERE id = :owner"),
    "demoted": ("admin", "UPDATE account SET role = 'data_manager' WHERE id = :owner"),
    "unknown": ("hospital_system", "UPDATE webhook SET owner = gen_random_uuid()"),
}


@pytest.mark.parametrize("loss", LOST)
def test_an_owner_who_lost_the_right_hears_no_more_and_what_waited_is_dead(
    api: Api, loss: str
) -> None:
    role, change = LOST[loss]
    made = created(api.as_(role).post("/v1/webhooks", {"url": NOWHERE, "sites": ["NN"]}))
    subject = uuid4()
    told(api.state.database, subject, 2)
    publish(api)
    assert api.count("webhook_delivery WHERE state = 'pending'") == 2
    api.rows(change, **({"owner": made["owner"]} if ":owner" in change else {}))
    told(api.state.database, uuid4())
    publish(api)
    assert api.count("webhook_delivery") == 2
    with shop_of(api).transaction() as session:
        assert next_of_lane(session, api.state.settings, UUID(made["id"]), subject) is None
    left = api.rows("SELECT state, fault, attempts FROM webhook_delivery")
    assert left == [("dead", "owner_without_right", 0)] * 2


def test_a_system_that_was_moved_does_not_see_what_it_had_and_an_admin_ends_it(api: Api) -> None:
    made = hook(api, NOWHERE)
    told(api.state.database, uuid4())
    publish(api)
    (delivery,) = deliveries(api, made)
    api.rows("UPDATE webhook_delivery SET state = 'dead'")
    api.rows("UPDATE account SET sites = '{LZ}' WHERE id = :owner", owner=made["owner"])
    token = api.state.issuer.issue(
        subject=UUID(made["owner"]),
        role=Role.HOSPITAL_SYSTEM,
        sites=("LZ",),
        name="Moved",
        machine=True,
    )
    moved, path = api.with_token(token), f"/v1/webhooks/{made['id']}"
    assert ok(moved.get("/v1/webhooks"))["items"] == []
    for answer in (
        moved.get(path),
        moved.get(f"{path}/deliveries"),
        moved.patch(path, {"description": "x", "reason": "A change"}, version=1),
        moved.post(f"{path}/secret"),
        moved.post(f"{path}/deliveries/{delivery['event_id']}/replay"),
        moved.request("DELETE", path),
    ):
        problem(answer, 404, "not_found")
    admin = api.as_("admin")
    assert admin.request("DELETE", path).status_code == 204
    problem(admin.post("/v1/webhooks", {"url": NOWHERE, "sites": ["QQ"]}), 422, "invalid")


def test_whoever_has_no_account_here_owns_no_webhook(api: Api) -> None:
    """Such as someone whom an outside identity provider vouches for."""
    body = {"url": NOWHERE, "sites": ["NN"]}
    for role, sites in ((Role.HOSPITAL_SYSTEM, ("NN",)), (Role.ADMIN, ())):
        token = api.state.issuer.issue(
            subject=uuid4(), role=role, sites=sites, name="Someone", machine=False
        )
        answer = api.with_token(token).post("/v1/webhooks", body)
        problem(answer, 403, "owner_without_account")
    assert api.count("webhook") == 0


def test_a_site_that_the_account_lost_is_unknown_whatever_the_token_says(api: Api) -> None:
    made = hook(api, NOWHERE)
    api.rows("UPDATE account SET sites = '{LZ}' WHERE id = :owner", owner=made["owner"])
    system = api.as_("hospital_system")
    problem(system.post("/v1/webhooks", {"url": NOWHERE, "sites": ["NN"]}), 422, "invalid")
    assert api.count("webhook") == 1


def test_the_database_keeps_webhooks_from_whom_they_are_not_for(api: Api) -> None:
    made = hook(api, NOWHERE)
    owner = UUID(made["owner"])
    stranger = Principal(uuid4(), "x", Role.HOSPITAL_SYSTEM, ("NN",), True, uuid4())
    own = replace(stranger, id=owner)
    moved = replace(own, sites=("LZ",))
    new = (
        "INSERT INTO webhook (id, owner, url, sites, active, gone, version, created_at)"
        " VALUES (gen_random_uuid(), :owner, 'https://x/', :sites, true, false, 1, now())"
    )
    refused = [
        (own, new, {"owner": uuid4(), "sites": ["NN"]}),
        (own, new, {"owner": owner, "sites": ["NN", "LZ"]}),
        (stranger, new, {"owner": stranger.id, "sites": ["NN"]}),
        (own, "UPDATE webhook SET sites = '{LZ}'", {}),
    ]
    for caller, statement, given in refused:
        with (
            api.state.database.session(caller) as session,
            pytest.raises(ProgrammingError, match="row-level security"),
        ):
            session.execute(text(statement), given)
    for caller, seen in ((own, 1), (moved, 0), (stranger, 0)):
        with api.state.database.session(caller) as session:
            for table in ("webhook", "webhook_secret"):
                count = session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                assert count == seen


def test_only_a_dead_delivery_is_replayed_and_goes_first_again(api: Api) -> None:
    every, subject = hook(api, NOWHERE), uuid4()
    told(api.state.database, subject, 2)
    publish(api)
    first, second = deliveries(api, every)
    path = f"/v1/webhooks/{every['id']}/deliveries/{first['event_id']}/replay"
    system = api.as_("hospital_system")
    problem(system.post(path), 409, "not_dead")
    api.rows(
        "UPDATE webhook_delivery SET state = 'dead', attempts = 15, attempted_at = now()"
        f" WHERE event_id = '{first['event_id']}'"
    )
    assert [one["event_id"] for one in deliveries(api, every, "?state=dead")] == [first["event_id"]]
    again = system.post(path)
    assert again.status_code == 201
    assert (again.json()["state"], again.json()["attempts"]) == ("pending", 0)
    order = api.rows(
        "SELECT event_id FROM webhook_delivery WHERE state = 'pending' ORDER BY position"
    )
    assert [str(row[0]) for row in order] == [first["event_id"], second["event_id"]]


def test_pages_of_deliveries_hold_each_once(api: Api) -> None:
    every = hook(api, NOWHERE)
    told(api.state.database, UUID(int=5), 5)
    publish(api)
    path = f"/v1/webhooks/{every['id']}/deliveries?limit=2"
    seen, cursor = [], ""
    while True:
        body = ok(api.as_("hospital_system").get(path + cursor))
        seen += [one["event_id"] for one in body["items"]]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    assert seen == [one["event_id"] for one in deliveries(api, every)]
    assert len(set(seen)) == 5


def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(api: Api) -> None:
    every = hook(api, NOWHERE)
    path = f"/v1/webhooks/{every['id']}/secret"
    made = [created(api.as_("hospital_system").post(path)) for _ in range(2)]
    assert len({every["secret"], *(one["secret"] for one in made)}) == 3
    until = datetime.fromisoformat(made[1]["before_signs_until"])
    assert timedelta(hours=23, minutes=59) < until - datetime.now(UTC) <= timedelta(hours=24)
    kept = api.rows("SELECT signs_until > now() + interval '1 h' FROM webhook_secret ORDER BY id")
    assert [row[0] for row in kept] == [False, True, None]
    assert ok(api.as_("hospital_system").get(f"/v1/webhooks/{every['id']}"))["version"] == 3

"""Webhooks over HTTP: who has them, what they may be, and what is told of them."""

from typing import Any
from uuid import uuid4

import pytest

from tests.make import Api, Json, ok, problem
from tests.webhooks.receiver import receiving
from tests.webhooks.telling import hook

NOWHERE = "http://127.0.0.1:9/hook"
REASON = {"reason": "The receiver moved"}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in problem(answer, 422, "invalid")["errors"]]


def test_a_secret_is_shown_when_it_is_made_and_never_again(api: Api) -> None:
    system = api.as_("hospital_system")
    body = {"url": NOWHERE, "sites": ["NN"], "types": ["visit.recorded", "query.opened"]}
    made = system.post("/v1/webhooks", body, key="k")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    again = system.post("/v1/webhooks", body, key="k")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == made.json()
    path = made.headers["Location"]
    assert ok(system.get(path)) == {
        name: value for name, value in made.json().items() if name != "secret"
    }
    assert made.json()["types"] == ["query.opened", "visit.recorded"]
    assert "secret" not in system.get("/v1/webhooks").text


def test_a_hospital_has_its_own_webhooks_and_an_admin_sees_all(api: Api) -> None:
    own = hook(api, NOWHERE)["id"]
    other = api.as_("hospital_system", "LZ")
    assert ok(other.get("/v1/webhooks"))["items"] == []
    for answer in (
        other.get(f"/v1/webhooks/{own}"),
        other.patch(f"/v1/webhooks/{own}", {"active": False, **REASON}, version=1),
        other.request("DELETE", f"/v1/webhooks/{own}"),
        other.post(f"/v1/webhooks/{own}/secret"),
        other.get(f"/v1/webhooks/{own}/deliveries"),
        other.post(f"/v1/webhooks/{own}/deliveries/{uuid4()}/replay"),
    ):
        problem(answer, 404, "not_found")
    admin = api.as_("admin")
    assert [one["id"] for one in ok(admin.get("/v1/webhooks"))["items"]] == [own]
    assert admin.post("/v1/webhooks", {"url": NOWHERE, "sites": ["LZ", "NN"]}).status_code == 201
    assert len(ok(api.as_("hospital_system").get("/v1/webhooks"))["items"]) == 1


@pytest.mark.parametrize("role", ["investigator", "data_manager", "assessor", "dmc", "auditor"])
def test_nobody_else_has_webhooks(unchanged: Api, role: str) -> None:
    problem(unchanged.as_(role).get("/v1/webhooks"), 403, "forbidden")


@pytest.mark.parametrize(
    ("role", "sites"), [("hospital_system", ["LZ", "NN"]), ("admin", ["QQ", "NN"])]
)
def test_a_site_that_is_not_ones_own_is_unknown(
    unchanged: Api, role: str, sites: list[str]
) -> None:
    answer = unchanged.as_(role).post("/v1/webhooks", {"url": NOWHERE, "sites": sites})
    at = 0 if role == "hospital_system" else 1
    assert codes(answer) == [(f"/sites/{at}", "unknown_site")]


def test_a_webhook_of_no_site_or_type_is_refused(unchanged: Api) -> None:
    system = unchanged.as_("hospital_system")
    wrong: list[Json] = [
        {"sites": []},
        {"sites": ["NN"], "types": []},
        {"sites": ["NN"], "types": ["x"]},
    ]
    for given in wrong:
        problem(system.post("/v1/webhooks", {"url": NOWHERE, **given}), 422, "invalid")


def test_a_change_counts_its_versions_and_goes_into_the_trail_without_the_secret(api: Api) -> None:
    made = hook(api, NOWHERE)
    system, path = api.as_("hospital_system"), f"/v1/webhooks/{made['id']}"
    changed = ok(system.patch(path, {"types": None, "description": "HIS", **REASON}))
    assert (changed["version"], changed["types"], changed["description"]) == (2, None, "HIS")
    problem(system.patch(path, {"active": False, **REASON}, version=1), 412, "stale_version")
    trail = api.rows("SELECT operation, reason, new FROM audit_event WHERE record = 'webhook'")
    assert [row[:2] for row in trail] == [("INSERT", None), ("UPDATE", REASON["reason"])]
    assert not any("secret" in name or "sealed" in name for row in trail for name in row[2])


def test_an_ended_webhook_is_kept_and_never_changed(api: Api) -> None:
    made = hook(api, NOWHERE)
    system, path = api.as_("hospital_system"), f"/v1/webhooks/{made['id']}"
    for _ in range(2):
        assert system.request("DELETE", path).status_code == 204
    kept = ok(system.get(path))
    assert (kept["active"], kept["version"]) == (False, 2)
    assert kept["ended_at"] is not None
    problem(system.patch(path, {"active": True, **REASON}), 409, "webhook_ended")
    problem(system.post(f"{path}/secret"), 409, "webhook_ended")


@pytest.mark.parametrize("text", ["%00", "a%00", "%FF", "%ED%A0%80"])
def test_a_text_that_no_database_takes_is_refused(api: Api, text: str) -> None:
    path = f"/v1/webhooks/{hook(api, NOWHERE)['id']}/deliveries"
    system = api.as_("hospital_system")
    for query in (
        f"/v1/webhooks?cursor={text}",
        f"{path}?cursor={text}",
        f"{path}?state={text}",
        f"/v1/events?cursor={text}",
        f"/v1/events?after={text}",
        f"/v1/events?type={text}",
        f"/v1/webhooks/{text}",
    ):
        assert system.get(query).status_code in {400, 404, 422}, query


def test_an_unknown_delivery_cannot_be_replayed(api: Api) -> None:
    path = f"/v1/webhooks/{hook(api, NOWHERE)['id']}/deliveries/{uuid4()}/replay"
    problem(api.as_("hospital_system").post(path), 404, "not_found")


def test_a_new_address_is_tried_with_the_secret_that_the_receiver_knows(api: Api) -> None:
    made = hook(api, NOWHERE)
    path = f"/v1/webhooks/{made['id']}"
    with receiving() as receiver:
        receiver.secret = made["secret"]
        ok(api.as_("hospital_system").patch(path, {"url": receiver.url, **REASON}))
        assert [one.type for one in receiver.received] == ["webhook.ping"]
        ok(api.as_("hospital_system").patch(path, {"url": receiver.url, **REASON}))
        assert len(receiver.received) == 1
    with receiving(lambda _: "http://127.0.0.1:9/elsewhere") as redirecting:
        answer = api.as_("hospital_system").patch(path, {"url": redirecting.url, **REASON})
        assert codes(answer) == [("/url", "redirects")]
        refused = api.as_("hospital_system", "LZ").patch(
            path, {"url": redirecting.url, **REASON}, version=1
        )
        problem(refused, 404, "not_found")
        assert len(redirecting.received) == 1
    assert ok(api.as_("hospital_system").get(path))["url"] == receiver.url

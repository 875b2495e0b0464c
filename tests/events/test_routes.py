"""The feed over HTTP: pages, sites, roles, and where to go on."""

from uuid import uuid4

import pytest

from services.api.core.events import EventType, announce
from services.api.core.permissions import Role
from tests.make import Api, ok, problem
from tests.webhooks.telling import EVERYWHERE, told


def test_an_event_says_which_record_it_is_about_and_where_to_read_it(api: Api) -> None:
    subject = uuid4()
    with api.state.database.session(EVERYWHERE) as session:
        announce(session, EventType.VISIT_RECORDED, "RT1A", site="NN", subject_id=subject)
        session.commit()
    (item,) = ok(api.as_("investigator").get("/v1/events"))["items"]
    assert item.keys() == {"id", "type", "at", "site", "subject_id", "record", "links"}
    assert (item["type"], item["site"]) == ("visit.recorded", "NN")
    assert item["record"] == {"kind": "visit", "id": "RT1A"}
    assert item["links"] == {
        "subject": f"/v1/subjects/{subject}",
        "record": f"/v1/subjects/{subject}/visits/RT1A",
    }


def test_pages_hold_every_event_once_and_end_with_no_cursor(api: Api) -> None:
    for site in ("NN", "LZ", "NN", "YL", "NN"):
        told(api.state.database, uuid4(), site=site)
    told(api.state.database, None)
    reader = api.as_("investigator")
    first = ok(reader.get("/v1/events?limit=2"))
    assert first["next_cursor"] == first["items"][-1]["id"]
    second = ok(reader.get(f"/v1/events?limit=2&after={first['next_cursor']}"))
    assert second == ok(reader.get(f"/v1/events?limit=2&cursor={first['next_cursor']}"))
    assert second["next_cursor"] is None
    assert [item["site"] for item in first["items"] + second["items"]] == ["NN", "NN", "NN", None]
    everywhere = ok(api.as_("data_manager").get("/v1/events"))["items"]
    assert [one["site"] for one in everywhere] == ["NN", "LZ", "NN", "YL", "NN", None]


def test_the_link_to_the_next_page_goes_on_after_the_last_event(api: Api) -> None:
    for _ in range(5):
        told(api.state.database, uuid4())
    reader = api.as_("investigator")
    known = ok(reader.get("/v1/events?limit=1"))["items"][0]["id"]
    page = reader.get(f"/v1/events?limit=2&after={known}&type=visit.recorded")
    following = reader.get(page.links["next"]["url"])
    assert [len(ok(one)["items"]) for one in (page, following)] == [2, 2]
    assert "next" not in following.links


def test_one_type_can_be_asked_for(api: Api) -> None:
    told(api.state.database, uuid4(), 2)
    told(api.state.database, uuid4(), 1, EventType.SUBJECT_RANDOMIZED)
    found = ok(api.as_("monitor").get("/v1/events?type=subject.randomized"))["items"]
    assert [item["type"] for item in found] == ["subject.randomized"]
    problem(api.as_("monitor").get("/v1/events?type=subject.unheard"), 422, "invalid")


def test_an_unknown_event_and_one_of_another_site_are_the_same_to_the_reader(api: Api) -> None:
    told(api.state.database, uuid4(), site="LZ")
    (elsewhere,) = ok(api.as_("investigator", "LZ").get("/v1/events"))["items"]
    answers = [
        problem(api.as_("investigator").get(f"/v1/events?after={one}"), 400, "bad_cursor")
        for one in (uuid4(), elsewhere["id"])
    ]
    for answer in answers:
        del answer["instance"]
    assert answers[0] == answers[1]
    problem(api.as_("investigator").get("/v1/events?cursor=x"), 400, "bad_cursor")
    problem(api.as_("investigator").get(f"/v1/events?cursor=x&after={uuid4()}"), 422, "invalid")


@pytest.mark.parametrize(
    ("role", "heard"), [("dmc", 1), ("safety_officer", 2), ("data_manager", 1), ("monitor", 1)]
)
def test_only_its_audience_hears_of_an_event_with_one(api: Api, role: str, heard: int) -> None:
    told(api.state.database, uuid4())
    with api.state.database.session(EVERYWHERE) as session:
        audience = [Role.DMC, Role.SAFETY_OFFICER]
        announce(session, EventType.STOPPING_RULE_REACHED, "x", audience=audience)
        session.commit()
    items = ok(api.as_(role).get("/v1/events"))["items"]
    assert len(items) == heard
    assert ("stopping_rule.reached" in {item["type"] for item in items}) == (
        role in {"dmc", "safety_officer"}
    )


@pytest.mark.parametrize("role", ["assessor", "admin"])
def test_who_must_not_know_is_refused(unchanged: Api, role: str) -> None:
    problem(unchanged.as_(role).get("/v1/events"), 403, "forbidden")


def test_a_position_never_leaves_the_service(api: Api) -> None:
    told(api.state.database, uuid4(), 3)
    assert "position" not in api.as_("investigator").get("/v1/events?limit=2").text

"""The registry: what follows from which event, tried on a subject's real course."""

import pytest

from services.api.core.events import EventType
from services.api.worker import reading
from services.api.worker.consequences import CONSEQUENCES
from tests.make import SEVERE, Api, Json, ok
from tests.webhooks.telling import shop_of


def types(api: Api) -> list[str]:
    items = ok(api.as_("safety_officer").get("/v1/events?limit=200"))["items"]
    return [item["type"] for item in items]


def act(api: Api) -> None:
    """Publish and act until nothing follows any more."""
    shop = shop_of(api)
    while reading.publish(shop) + reading.act(shop) > 0:
        pass
    assert api.rows("SELECT fault FROM postponed_event") == []


def test_nothing_follows_from_what_a_consequence_tells() -> None:
    """So acting on the feed always comes to an end."""
    told = {
        EventType.ENDPOINT_REACHED,
        EventType.ENDPOINT_REVISED,
        EventType.STOPPING_RULE_REACHED,
        EventType.QUERY_OPENED,
        EventType.VISIT_OVERDUE,
    }
    assert not told & CONSEQUENCES.keys()


def test_a_whole_course_is_acted_on_without_a_fault(api: Api) -> None:
    subject = api.as_("investigator").lived()
    act(api)
    assert types(api)[0] == "subject.screened"
    assert "subject.randomized" in types(api)
    ((position, last),) = api.rows(
        "SELECT (SELECT position FROM feed_reader), (SELECT max(position) FROM feed_event)"
    )
    assert position == last
    assert subject["id"]


@pytest.mark.parametrize(("severe", "reached"), [(SEVERE, True), ({}, False)])
def test_a_severe_grading_reaches_the_endpoint_and_no_other_does(
    api: Api, severe: Json, reached: bool
) -> None:
    subject = api.as_("investigator").in_radiotherapy()
    api.as_("assessor").graded(subject, "RT1A", api.today(), **severe)
    act(api)
    assert ("endpoint.reached" in types(api)) == reached


def test_who_died_with_an_event_that_had_not_ended_is_asked_about(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    investigator.reported(subject)
    act(api)
    assert "query.opened" not in types(api)
    investigator.died(subject)
    act(api)
    assert types(api).count("query.opened") == 1

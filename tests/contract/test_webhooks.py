"""Every message that a webhook is sent is described, as it is really made."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.api.contract.webhooks import HEADERS
from services.api.core.events import EventType, FeedEvent
from services.api.webhooks.payload import payload, ping
from services.api.webhooks.rules import signed_headers
from tests.contract.test_examples import faults
from tests.test_openapi import DOCUMENT

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
SCHEMA = {
    kind: methods["post"]["requestBody"]["content"]["application/json"]["schema"]
    for kind, methods in DOCUMENT["webhooks"].items()
}


def test_every_type_of_event_has_its_webhook() -> None:
    assert set(SCHEMA) == {*EventType, "webhook.ping"}


@pytest.mark.parametrize("kind", EventType)
@pytest.mark.parametrize("subject", [UUID(int=7), None], ids=["of a subject", "of the trial"])
def test_what_is_sent_is_what_is_described(kind: EventType, subject: UUID | None) -> None:
    event = FeedEvent(
        id=UUID(int=1), type=kind, at=AT, site="NN", subject_id=subject, record="visit",
        record_id="RT1A",
    )  # fmt: skip
    assert faults(SCHEMA[kind], json.loads(payload(event))) == []


def test_a_trial_of_an_address_is_described() -> None:
    assert faults(SCHEMA["webhook.ping"], json.loads(ping(AT))) == []
    assert faults(SCHEMA["subject.randomized"], json.loads(ping(AT))) != []


def test_the_headers_of_a_delivery_are_described() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwGz3r0vWQd1E="
    assert signed_headers([secret], "id", AT, "{}").keys() == HEADERS.keys()
    for methods in DOCUMENT["webhooks"].values():
        assert {one["name"] for one in methods["post"]["parameters"]} == HEADERS.keys()


def test_the_story_s_own_events_are_the_examples() -> None:
    shown = DOCUMENT["webhooks"]["subject.randomized"]["post"]["requestBody"]
    (example,) = shown["content"]["application/json"]["examples"].values()
    assert example["value"]["type"] == "subject.randomized"
    assert example["value"]["data"]["record"]["kind"] == "subject"

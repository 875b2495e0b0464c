"""Signatures in the demo: given on what was read, and voided by a change."""

import pytest

from services.api.demo import signing
from services.api.demo.client import Answer, Caller, Unexpected
from tests.make import Api, adverse_event


@pytest.fixture
def investigator(api: Api) -> Caller:
    return Caller(api.client, "investigator-nn")


@pytest.fixture
def event(api: Api, investigator: Caller) -> Answer:
    subject = api.as_("coordinator").consented()
    path = f"/v1/subjects/{subject['id']}/adverse-events"
    return investigator.post(path, adverse_event(api.today()))


def test_a_review_is_voided_by_a_follow_up_and_given_again(
    api: Api, investigator: Caller, event: Answer
) -> None:
    signing.review(investigator, event)
    path = f"/v1/adverse-events/{event['id']}"
    follow_up = {"outcome": "recovered", "reason": "Follow-up: resolved"}
    followed = investigator.patch(path, follow_up, event.tag)
    signing.voided(followed)
    signing.review(investigator, followed)
    assert api.count("adverse_event_signature") == 2
    assert investigator.counts["refusals"] == 2, "each version is signed once"


def test_a_signature_that_still_counts_after_a_change_is_unexpected(
    investigator: Caller, event: Answer
) -> None:
    signing.review(investigator, event)
    path = f"/v1/adverse-events/{event['id']}"
    for read in (event, investigator.get(path)):
        with pytest.raises(Unexpected, match="not voided"):
            signing.voided(read)


def test_a_signature_on_another_version_than_the_one_read_is_unexpected(
    investigator: Caller, event: Answer
) -> None:
    path = f"/v1/adverse-events/{event['id']}"
    investigator.patch(path, {"outcome": "recovered", "reason": "Follow-up"}, event.tag)
    with pytest.raises(Unexpected, match="content_changed"):
        signing.review(investigator, event)

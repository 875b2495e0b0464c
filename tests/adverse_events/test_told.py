"""What a version tells: when somebody learnt of it, and texts that say something."""

from datetime import datetime, timedelta

import pytest

from tests.adverse_events.test_routes import REASON, at, path, reported
from tests.make import Api, Json, adverse_event, created, mistakes, ok


def test_each_version_tells_when_the_site_learnt_and_when_it_was_recorded(api: Api) -> None:
    investigator, event = api.as_("investigator"), reported(api)
    assert event["informed_at"] == event["aware_at"]
    now = api.state.clock.now()
    learnt = (now - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    told = ok(investigator.patch(at(event), {"informed_at": learnt, "grade": 2, "reason": REASON}))
    assert told["informed_at"] == learnt
    later = ok(investigator.patch(at(event), {"outcome": "unknown", "reason": REASON}))
    versions = ok(investigator.get(f"{at(event)}/versions"))["items"]
    assert versions == [event, told, later]
    received = [datetime.fromisoformat(one["received_at"]) for one in versions]
    assert received == sorted(received)
    assert now < datetime.fromisoformat(later["informed_at"]) <= received[-1]
    soon = (now + timedelta(days=1)).isoformat()
    body = {"informed_at": soon, "reason": REASON}
    assert mistakes(investigator.patch(at(event), body)) == [("/informed_at", "future")]


def test_nobody_learns_of_an_event_in_the_future_or_before_anybody_is_aware_of_it(
    api: Api,
) -> None:
    event = reported(api)
    aware = datetime.fromisoformat(event["aware_at"])
    future = (api.state.clock.now() + timedelta(days=1)).isoformat()
    before = (aware - timedelta(microseconds=1)).isoformat()
    roles: dict[str, Json] = {
        "investigator": {"outcome": "unknown"},
        "safety_officer": {"sponsor_causality": "related"},
    }
    for role, said in roles.items():
        for changed in (said, {}):
            for moment, code in ((future, "future"), (before, "before_awareness")):
                body = {**changed, "informed_at": moment, "reason": REASON}
                answer = api.as_(role).patch(at(event), body)
                assert mistakes(answer) == [("/informed_at", code)]
    assert ok(api.as_("investigator").get(at(event))) == event
    body = {**roles["safety_officer"], "informed_at": event["aware_at"], "reason": REASON}
    ok(api.as_("safety_officer").patch(at(event), body))


@pytest.mark.parametrize("role", ["investigator", "safety_officer"])
def test_an_event_is_not_nullified_before_anybody_is_aware_of_it(
    api: Api, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose clock is behind; the database would refuse what it says."""
    event = reported(api)
    early = datetime.fromisoformat(event["aware_at"]) - timedelta(seconds=1)
    body = {"nullified": True, "reason": REASON}
    with monkeypatch.context() as behind:
        behind.setattr(api.state.clock, "now", lambda: early)
        answer = api.as_(role).patch(at(event), body)
        assert mistakes(answer) == [("/informed_at", "before_awareness")]
    ok(api.as_(role).patch(at(event), body))


def test_a_text_that_says_nothing_is_no_detail(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    other = {"term": "Eye disorders - Other, specify", "term_detail": "    "}
    where = path(subject)
    answer = investigator.post(where, {**adverse_event(api.today()), **other})
    assert mistakes(answer) == [("/term_detail", "string_too_short")]
    assert api.count("adverse_event") == 0
    told = created(
        investigator.post(
            where,
            {**adverse_event(api.today()), "term": " Dysphagia ", "term_detail": " Since noon "},
        )
    )
    assert (told["term"], told["term_detail"]) == ("Dysphagia", "Since noon")


@pytest.mark.parametrize("term", ["\0aa", "a\x1fa", "aa\x7f"])
def test_no_term_has_a_control_character(unchanged: Api, term: str) -> None:
    answer = unchanged.as_("investigator").get("/v1/adverse-events", params={"term": term})
    assert mistakes(answer) == [("/query/term", "string_pattern_mismatch")]

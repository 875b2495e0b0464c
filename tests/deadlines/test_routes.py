"""Deadlines over HTTP: what is owed, to whom, by when, and where it stands."""

from datetime import date, timedelta

import pytest

from tests.deadlines.cases import (
    LIFE_THREATENING,
    assessed,
    owed,
    reach,
    submitted,
    suspected,
    the,
    told,
)
from tests.make import Api, created, mistakes, ok, problem

PATH = "/v1/safety/deadlines"
SECOND = timedelta(seconds=1)


@pytest.fixture
def two_cases(api: Api) -> Api:
    """The API with a suspected reaction at two sites."""
    for site in ("NN", "LZ"):
        suspected(api, site)
    return api


def test_a_report_of_a_suspected_reaction_is_owed_to_three(api: Api) -> None:
    event = suspected(api)
    found = {(one["clock"], one["recipient"]): one for one in owed(api)}
    assert found.keys() == {
        ("serious_to_sponsor", "sponsor"),
        ("susar_other", "regulator"),
        ("susar_other", "ethics_committee"),
    }
    one = found["susar_other", "regulator"]
    assert (one["event_id"], one["event_version"]) == (event["id"], 1)
    assert (one["day_zero"], one["provisional"]) == (event["aware_at"], True)
    assert (one["state"], one["late"], one["version"]) == ("due", False, 1)
    assert one["due_on"] == str(api.today() + timedelta(days=15))
    for link in one["links"].values():
        ok(api.as_("monitor").get(link))
    assert ok(api.as_("monitor").get(f"{PATH}/{one['id']}")) == one


def test_a_deadline_is_overdue_by_the_clinical_clock_and_met_late_by_a_report(api: Api) -> None:
    event = suspected(api)
    due = the(api, event, "serious_to_sponsor")["due_at"]
    reach(api, due, -timedelta(minutes=1))
    assert the(api, event, "serious_to_sponsor")["state"] == "due"
    reach(api, due, SECOND)
    late = the(api, event, "serious_to_sponsor")
    assert (late["state"], late["late"]) == ("overdue", True)
    sent = submitted(api, event, "sponsor")
    met = the(api, event, "serious_to_sponsor")
    assert (met["state"], met["late"], met["met_by"]) == ("met", True, sent["id"])
    assert met["met_at"] == sent["submitted_at"]
    assert (met["version"], met["due_at"]) == (2, due)


def test_an_assessment_ends_what_was_provisional_and_nothing_disappears(api: Api) -> None:
    event = suspected(api)
    assessed(api, event, expectedness="unexpected")
    assert the(api, event, "susar_other", recipient="regulator")["provisional"] is False
    told(api, event, causality={"study_drug": "not_related"})
    gone = the(api, event, "susar_other", recipient="regulator")
    assert (gone["state"], gone["lapsed_because"], gone["late"]) == (
        "lapsed",
        "not_suspected",
        False,
    )
    versions = ok(api.as_("auditor").get(gone["links"]["versions"]))["items"]
    assert [one["version"] for one in versions] == [1, 2, 3]
    assert [one["provisional"] for one in versions] == [True, False, False]
    assert [one["lapsed_because"] for one in versions] == [None, None, "not_suspected"]


def test_the_sponsors_suspicion_alone_opens_the_clocks(api: Api) -> None:
    event = suspected(api, causality={"study_drug": "unlikely", "radiotherapy": "probably"})
    assert [one["clock"] for one in owed(api)] == ["serious_to_sponsor"]
    assessed(api, event, sponsor_causality="possibly")
    opened = the(api, event, "susar_other", recipient="regulator")
    assert (opened["event_version"], opened["opening"]) == (2, 1)
    assert opened["day_zero"] > event["aware_at"]


def test_a_case_that_becomes_life_threatening_is_upgraded(api: Api) -> None:
    event = suspected(api)
    api.move_to(api.today() + timedelta(days=11))
    told(api, event, **LIFE_THREATENING)
    before = the(api, event, "susar_other", recipient="regulator")
    assert (before["state"], before["lapsed_because"]) == ("lapsed", "upgraded")
    fatal = "susar_fatal_or_life_threatening"
    [first, second] = owed(api, case_id=event["id"], clock=fatal, recipient="regulator")
    assert (first["follow_up"], second["follow_up"]) == (False, True)
    assert first["due_at"] == before["due_at"]  # sooner than seven days from now
    assert second["due_on"] == str(api.today() + timedelta(days=15))


def test_what_lapses_after_its_last_moment_was_late_all_the_same(api: Api) -> None:
    ended = suspected(api, "YL")
    submitted(api, ended, "sponsor")
    told(api, ended, causality={"study_drug": "not_related"})
    event = suspected(api)
    due = the(api, event, "susar_other", recipient="regulator")["due_at"]
    reach(api, due, SECOND)
    suspected(api, "LZ")
    before = owed(api, late=True)
    assert {one["case_id"] for one in before} == {event["id"]}
    told(api, event, causality={"study_drug": "not_related"})
    gone = the(api, event, "susar_other", recipient="regulator")
    assert (gone["state"], gone["late"]) == ("lapsed", True)
    submitted(api, event, "sponsor")
    after, others = owed(api, late=True), owed(api, late=False)
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert all(one["late"] for one in after)
    assert {one["id"] for one in others} == {
        one["id"] for site in ("YL", "LZ") for one in owed(api, site=site)
    }
    assert [one["late"] for one in others] == [False] * 6


def test_an_earlier_moment_of_learning_moves_the_deadline_that_a_later_version_started(
    api: Api,
) -> None:
    event = suspected(api)
    learnt = api.state.clock.now()
    reach(api, learnt, timedelta(days=4))
    told(api, event, **LIFE_THREATENING)
    fatal = {"clock": "susar_fatal_or_life_threatening", "recipient": "regulator"}
    before = the(api, event, **fatal, follow_up=False)
    told(api, event, informed_at=(learnt + timedelta(days=1)).isoformat())
    after = the(api, event, **fatal, follow_up=False)
    assert (after["id"], after["version"]) == (before["id"], 2)
    assert after["due_on"] == str(date.fromisoformat(before["due_on"]) - timedelta(days=3))
    told(api, event, narrative="Eats soft food again.")
    assert the(api, event, **fatal, follow_up=False) == after


def test_the_list_shows_what_is_asked_for(two_cases: Api) -> None:
    asked: list[tuple[dict[str, object], int]] = [
        ({"state": "due"}, 6),
        ({"state": ["met", "overdue"]}, 0),
        ({"state": ["lapsed", "due"], "site": "NN"}, 3),
        ({"recipient": "sponsor"}, 2),
        ({"clock": "susar_other"}, 4),
        ({"clock": "susar_other", "recipient": "regulator", "site": "LZ"}, 1),
    ]
    for params, count in asked:
        assert len(owed(two_cases, **params)) == count, params
    one = owed(two_cases, site="LZ")[0]
    for name in ("subject_id", "case_id", "event_id"):
        assert {x["site"] for x in owed(two_cases, **{name: one[name]})} == {"LZ"}


def test_pages_follow_each_other_and_hold_everything_once(two_cases: Api) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 4, "cursor": cursor} if cursor else {"limit": 4}
        answer = ok(two_cases.as_("safety_officer").get(PATH, params=params))
        seen += [one["id"] for one in answer["items"]]
        if (cursor := answer["next_cursor"]) is None:
            break
    assert seen == [one["id"] for one in owed(two_cases)]


def test_another_sites_deadlines_do_not_exist(two_cases: Api) -> None:
    there = owed(two_cases, site="LZ")[0]
    investigator = two_cases.as_("investigator", "NN")
    assert {one["site"] for one in ok(investigator.get(PATH))["items"]} == {"NN"}
    problem(investigator.get(f"{PATH}/{there['id']}"), 404, "not_found")
    problem(investigator.get(there["links"]["versions"]), 404, "not_found")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [({"state": "late"}, "/query/state/0"), ({"recipient": "press"}, "/query/recipient")],
)
def test_a_filter_that_is_none_is_refused(
    unchanged: Api, asked: dict[str, str], pointer: str
) -> None:
    answer = unchanged.as_("safety_officer").get(PATH, params=asked)
    assert [found for found, _ in mistakes(answer)] == [pointer]


def test_a_case_of_two_occurrences_has_one_clock(api: Api) -> None:
    event = suspected(api)
    here = f"/v1/subjects/{event['subject_id']}/adverse-events"
    body = {
        name: event[name]
        for name in ("term", "onset_on", "serious", "causality", "action_taken", "outcome")
    }
    worse = {
        **body,
        **LIFE_THREATENING,
        "grade": 4,
        "continues": event["id"],
        "aware_at": api.state.clock.now().isoformat(),
    }
    second = created(api.as_("investigator").post(here, worse))
    assert second["case_id"] == event["id"]
    assert len(owed(api, clock="serious_to_sponsor")) == 1
    opened = owed(api, event_id=second["id"], recipient="regulator")
    assert [one["follow_up"] for one in opened] == [False, True]

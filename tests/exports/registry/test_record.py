"""The record says what the protocol and the trial's state say, and keeps what it adds."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.api.exports.extract import Extract
from services.api.exports.registry.record import Standing, country, protocol_section, standing
from services.api.protocol.registry import published
from tests.exports.registry.conforming import faults
from tests.exports.registry.persons import PROTOCOL, START, TODAY, person

BEGINNING = Standing(
    today=TODAY,
    recruiting=frozenset(),
    randomized=0,
    target=200,
    started_on=None,
    ended_on=None,
)


def test_before_anything_happened_the_record_is_as_it_was_published() -> None:
    told = protocol_section(PROTOCOL, BEGINNING)
    public = json.loads(json.dumps(published("NCT07312656")))
    own, other = told.pop("contactsLocationsModule"), public.pop("contactsLocationsModule")
    assert told.pop("statusModule") == public.pop("statusModule") | {
        "statusVerifiedDate": "2026-12"
    }
    assert told == public
    # The record lists one of the three centres.
    assert [one["city"] for one in own["locations"]] == ["Nanning", "Liuzhou", "Yulin"]
    kept = other["locations"][0].keys() & {"zip", "state", "country", "geoPoint"}
    assert {name: own["locations"][0][name] for name in kept} == {
        name: other["locations"][0][name] for name in kept
    }
    assert {one["country"] for one in own["locations"]} == {"China"}


@pytest.mark.parametrize(
    ("changes", "status", "enrolment"),
    [
        ({}, "NOT_YET_RECRUITING", (200, "ESTIMATED")),
        ({"recruiting": frozenset({"NN"}), "randomized": 5}, "RECRUITING", (200, "ESTIMATED")),
        ({"randomized": 201}, "ACTIVE_NOT_RECRUITING", (201, "ACTUAL")),
        ({"randomized": 201, "ended_on": TODAY}, "COMPLETED", (201, "ACTUAL")),
    ],
    ids=["planned", "recruiting", "closed", "over"],
)
def test_the_status_follows_the_trial(
    changes: dict[str, Any], status: str, enrolment: tuple[int, str]
) -> None:
    told = protocol_section(PROTOCOL, replace(BEGINNING, **changes))
    assert told["statusModule"]["overallStatus"] == status
    assert tuple(told["designModule"]["enrollmentInfo"].values()) in {enrolment, enrolment[::-1]}
    sites = {one["city"]: one["status"] for one in told["contactsLocationsModule"]["locations"]}
    assert sites["Nanning"] == status
    assert sites["Yulin"] == ("NOT_YET_RECRUITING" if status == "RECRUITING" else status)
    assert faults({"protocolSection": told, "hasResults": False}) == []


def test_days_are_actual_once_they_are_past() -> None:
    now = replace(BEGINNING, started_on=START, ended_on=TODAY)
    told = protocol_section(PROTOCOL, now)["statusModule"]
    assert told["startDateStruct"] == {"date": "2026-03-02", "type": "ACTUAL"}
    assert told["completionDateStruct"] == {"date": "2026-12-01", "type": "ACTUAL"}
    planned = protocol_section(PROTOCOL, BEGINNING)["statusModule"]
    assert planned["completionDateStruct"] == {"date": "2028-02", "type": "ESTIMATED"}


def test_a_trial_without_a_record_has_what_its_protocol_says() -> None:
    study = PROTOCOL.study.model_copy(update={"nct_id": "NCT00000001"})
    other = PROTOCOL.model_copy(update={"study": study})
    told = protocol_section(other, BEGINNING)
    assert "descriptionModule" not in told
    assert told["identificationModule"]["nctId"] == "NCT00000001"
    assert country(other) is None
    assert faults({"protocolSection": told, "hasResults": False}) == []


def test_what_was_published_is_not_changed_by_an_export() -> None:
    before = json.dumps(published("NCT07312656"))
    protocol_section(PROTOCOL, replace(BEGINNING, randomized=300))
    assert json.dumps(published("NCT07312656")) == before


def approval(site: str, on: date, version: str = PROTOCOL.version) -> Any:
    """An ethics approval."""
    return SimpleNamespace(site=site, approved_on=on, protocol_version=version)


def told_of(people: list[Any], *approvals: Any, target: int = 2) -> Standing:
    """Where a trial of a small target stands."""
    study = PROTOCOL.study.model_copy(update={"target_enrolment": target})
    protocol = PROTOCOL.model_copy(update={"study": study})
    trial = SimpleNamespace(protocol=protocol, today=TODAY, activations=approvals)
    return standing(cast("Extract", trial), people)


def test_a_site_recruits_under_an_approval_of_this_protocol_that_is_in_force() -> None:
    found = told_of(
        [],
        approval("NN", START),
        approval("LZ", date(2027, 1, 1)),
        approval("YL", START, version="9.9"),
    )
    assert found.recruiting == {"NN"}


def test_a_trial_is_over_when_everybody_who_was_randomized_is_out_of_it() -> None:
    seen = date(2026, 9, 1)
    done = [person(n, last_assessed_on=seen, enrolled_on=START) for n in (1, 2)]
    assert told_of(done).ended_on == seen
    assert told_of(done).started_on == START
    assert told_of(done, target=3).ended_on is None
    assert told_of([*done, person(3, status="in_follow_up")]).ended_on is None
    assert told_of([*done, person(3, None, status="screening")]).ended_on == seen

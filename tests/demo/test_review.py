"""Data review in the demo: asked, answered, verified, frozen, locked and opened again."""

import pytest

from services.api.demo import review
from services.api.demo.client import Caller, Unexpected
from services.api.demo.hospital import Hospital, Subject
from services.api.demo.person import recruit
from services.api.demo.trial import read_trial
from tests.make import Api, lock, ok, query


def caller(api: Api, account: str) -> Caller:
    return Caller(api.client, account)


@pytest.fixture
def hospital(api: Api) -> Hospital:
    return Hospital(
        site="NN",
        trial=read_trial(caller(api, "statistician")),
        investigator=caller(api, "investigator-nn"),
        coordinator=caller(api, "coordinator-nn"),
        assessor=caller(api, "assessor-nn"),
        second_assessor=caller(api, "assessor-nn-2"),
        stranger=caller(api, "investigator-lz"),
        officer=caller(api, "safety-officer"),
    )


@pytest.fixture
def subject(api: Api) -> Subject:
    """A subject with one graded visit."""
    coordinator = api.as_("coordinator")
    made = coordinator.in_radiotherapy()
    coordinator.graded(made, "RT1A", api.today())
    (person,) = recruit(1, ("NN",), range(18, 76), 1, api.today())
    return Subject(person, made["id"], made["number"], made["status"])


def test_a_query_about_a_visit_is_asked_answered_and_closed(
    api: Api, hospital: Hospital, subject: Subject
) -> None:
    monitor = caller(api, "monitor-nn")
    review.discuss(monitor, hospital, subject, "RT1A")
    assert (api.count("data_query"), api.count("data_query_step")) == (1, 3)
    assert monitor.counts["refusals"] == 1
    assert hospital.coordinator.counts["refusals"] == 2


def test_the_monitor_verifies_what_is_not_verified_yet(
    api: Api, hospital: Hospital, subject: Subject
) -> None:
    monitor = caller(api, "monitor-nn")
    assert review.verify(monitor, hospital) == 1
    assert review.verify(monitor, hospital) == 0
    assert api.count("grading_verification") == 1


def test_a_record_is_frozen_settled_locked_and_opened_again(
    api: Api, hospital: Hospital, subject: Subject
) -> None:
    manager = caller(api, "data-manager")
    api.as_("monitor").post("/v1/queries", query({"id": subject.id}))
    review.lock(manager, hospital, subject)
    review.unlock(manager, subject)
    states = [row[0] for row in api.rows("SELECT state FROM subject_lock ORDER BY version")]
    assert states == ["frozen", "locked", "open"]
    assert hospital.coordinator.counts["refusals"] == 2


def test_a_record_that_takes_a_change_though_it_is_frozen_is_unexpected(
    api: Api, hospital: Hospital, subject: Subject
) -> None:
    api.rows("ALTER TABLE subject DISABLE TRIGGER subject_lock")
    with pytest.raises(Unexpected, match="409"):
        review.lock(caller(api, "data-manager"), hospital, subject)
    assert ok(api.as_("monitor").get(f"{subject.path}/lock"))["state"] == lock("frozen")["state"]

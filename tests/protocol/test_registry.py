"""The public record agrees with the protocol, and is no part of it."""

from services.api.protocol.registry import published
from tests.first_trial import FIRST_TRIAL


def test_the_record_of_the_trial_is_held_without_people_to_contact() -> None:
    record = published("NCT07312656")
    assert record["identificationModule"]["nctId"] == "NCT07312656"
    assert record["contactsLocationsModule"].keys() == {"locations"}


def test_another_trial_has_none() -> None:
    assert published("NCT00000001") == {}


def test_the_protocol_has_the_records_words() -> None:
    study = FIRST_TRIAL.protocol.study
    record = published(study.nct_id)
    assert record["identificationModule"]["officialTitle"] == study.official_title
    outcomes = record["outcomesModule"]
    assert outcomes["primaryOutcomes"][0]["description"] == study.primary_outcome.description
    assert record["designModule"]["enrollmentInfo"]["count"] == study.target_enrolment

"""The public record agrees with the protocol, and is no part of it."""

from services.api.protocol.load import load
from services.api.protocol.registry import published
from services.api.settings import DOCUMENTS


def test_the_record_of_the_trial_is_held_without_people_to_contact() -> None:
    record = published("NCT07312656")
    assert record["identificationModule"]["nctId"] == "NCT07312656"
    assert record["contactsLocationsModule"].keys() == {"locations"}


def test_another_trial_has_none() -> None:
    assert published("NCT00000001") == {}


def test_the_protocol_has_the_records_words() -> None:
    study = load(DOCUMENTS / "nct07312656-1.0.yaml").protocol.study
    record = published(study.nct_id)
    assert record["identificationModule"]["officialTitle"] == study.official_title
    outcomes = record["outcomesModule"]
    assert outcomes["primaryOutcomes"][0]["description"] == study.primary_outcome.description
    assert record["designModule"]["enrollmentInfo"]["count"] == study.target_enrolment

"""Adverse events keep their grade, judgment and case; one reported in error is none."""

from services.api.exports.extract import Extract
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import records
from tests.lived import Lived
from tests.make import Api, adverse_event, created, ok


def test_an_event_is_told_in_cdisc_s_words(extract: Extract) -> None:
    first = next(one for one in records(extract, "AE") if one["AETERM"] == "Dysphagia")
    assert first["AESOC"] == first["AEBODSYS"] == "Gastrointestinal disorders"
    assert (first["AETOXGR"], first["AESER"], first["AESHOSP"], first["AESDTH"]) == (
        "3",
        "Y",
        "Y",
        "N",
    )
    assert first["AEOUT"] == "RECOVERED/RESOLVED"
    assert first["AEACN"] == "DOSE NOT CHANGED"
    assert (first["AEREL"], first["AERELNST"]) == ("UNLIKELY RELATED", "PROBABLY RELATED")


def test_the_occurrences_of_a_case_are_grouped(extract: Extract, lived: Lived) -> None:
    cases = {one["AESPID"]: one["AEGRPID"] for one in records(extract, "AE")}
    for event, case in lived.api.rows(
        "SELECT id::text, coalesce(first_id, id)::text FROM adverse_event"
    ):
        assert cases[event] == case
    assert len(set(cases.values())) < len(cases)


def test_an_event_that_was_reported_in_error_is_left_out(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    here = f"/v1/subjects/{subject['id']}/adverse-events"
    for _ in range(2):
        event = created(investigator.post(here, adverse_event(api.today())))
    change = {"nullified": True, "reason": "Entered twice"}
    ok(investigator.patch(f"/v1/adverse-events/{event['id']}", change))
    found = records(open_extract(api), "AE")
    assert len(found) == 1
    assert event["id"] not in {one["AESPID"] for one in found}

"""Adverse events keep their grade, judgment and case; one reported in error is none."""

from datetime import timedelta

from services.api.exports.extract import Extract
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import records
from tests.lived import Lived
from tests.make import Api, adverse_event, created, ok, path


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


def test_a_grade_lasts_until_the_next_one_begins_it_resolves_or_the_subject_dies(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    day = api.today()
    days = [str(day + timedelta(days=n)) for n in range(10)]
    first = investigator.reported(subject, grade=2)
    api.move_to(day + timedelta(days=9))
    second = investigator.reported(subject, grade=3, continues=first["id"], onset_on=days[4])
    wrong = investigator.reported(subject, grade=4, continues=second["id"], onset_on=days[5])
    over = investigator.reported(
        subject, onset_on=days[1], resolved_on=days[2], outcome="recovered"
    )
    change = {"nullified": True, "reason": "Entered twice"}
    ok(investigator.patch(f"/v1/adverse-events/{wrong['id']}", change))
    assert investigator.died(subject)["died_on"] == days[9]
    shown = ok(investigator.get(path(subject, "adverse-events")))["items"]
    until = {one["id"]: one["grade_until"] for one in shown if not one["nullified"]}
    assert until == {first["id"]: days[4], second["id"]: days[9], over["id"]: days[2]}
    told = {one["AESPID"]: one for one in records(open_extract(api), "AE")}
    assert {event: one["AEENDTC"] for event, one in told.items()} == until
    assert [one["AEENDY"] - one["AESTDY"] for one in told.values()] == [4, 5, 1]

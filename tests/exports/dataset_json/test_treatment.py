"""The study drug is told in millilitres, a day without it not at all; radiotherapy as delivered."""

from datetime import timedelta

from services.api.exports.extract import Extract
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import records
from tests.make import Api, created, exposure


def test_a_dose_is_what_was_taken_that_day(extract: Extract) -> None:
    for one in records(extract, "EX"):
        assert (one["EXDOSE"], one["EXDOSU"]) == (4.5, "mL")
        assert one["EXSTDTC"] == one["EXENDTC"]
        assert one["EXDOSFRM"] == "ORAL SPRAY"


def test_a_day_without_the_study_drug_is_no_exposure(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    if not investigator.receives_study_drug(subject):
        subject = investigator.on_treatment()
    here = f"/v1/subjects/{subject['id']}/exposures"
    today = api.today()
    none = exposure(today, applications=0, missed_reason="Vomited")
    created(investigator.post(here, none))
    assert records(open_extract(api), "EX") == []
    fewer = exposure(today - timedelta(days=1), applications=2, missed_reason="Asleep")
    created(investigator.post(here, fewer))
    extract = open_extract(api)
    (taken,) = records(extract, "EX")
    assert taken["EXDOSE"] == 3.0
    told = {one["QNAM"]: one["QVAL"] for one in records(extract, "SUPPEX")}
    assert told == {"EXAPPL": "2", "EXMISS": "Asleep"}


def test_radiotherapy_has_begun_or_is_not_told(extract: Extract) -> None:
    for one in records(extract, "PR"):
        assert one["PRTRT"] == "RADIOTHERAPY"
        assert one["PRSTDTC"] is not None
    planned = {one["QVAL"] for one in records(extract, "SUPPPR") if one["QNAM"] == "PRPLDOSE"}
    assert planned == {"66.0"}

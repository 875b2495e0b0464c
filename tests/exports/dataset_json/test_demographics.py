"""Every subject stands in DM once, with the arm that was allocated and the one that was given."""

from services.api.exports.extract import Extract
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import Json, records
from tests.lived import Lived
from tests.make import Api, created, ok


def only(extract: Extract) -> Json:
    (found,) = records(extract, "DM")
    return found


def test_every_subject_once(extract: Extract, lived: Lived) -> None:
    found = records(extract, "DM")
    stored = lived.ask("SELECT number FROM subject ORDER BY site, number")
    assert [one["SUBJID"] for one in found] == stored
    assert [one["USUBJID"] for one in found] == [f"NCT07312656-{number}" for number in stored]
    for one in found:
        assert one["SEX"] in {"F", "M"}
        assert len(one["BRTHDTC"]) == 4
        assert (one["ARMCD"] is None) == (one["RFSTDTC"] is None)
        assert bool(one["ACTARMCD"]) == (one["ARMNRS"] is None)


def test_who_is_screened_is_not_assigned(api: Api, open_extract: Opener) -> None:
    api.as_("investigator").screened()
    found = only(open_extract(api))
    assert (found["ARMCD"], found["ARMNRS"], found["AGE"]) == (None, "NOT ASSIGNED", None)


def test_who_fails_screening_is_a_screen_failure(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    ok(
        investigator.patch(
            f"/v1/subjects/{subject['id']}", {"status": "screen_failed", "reason": "Excluded"}
        )
    )
    extract = open_extract(api)
    assert only(extract)["ARMNRS"] == "SCREEN FAILURE"
    (ended,) = records(extract, "DS")
    assert (ended["DSDECOD"], ended["DSCAT"]) == ("SCREEN FAILURE", "DISPOSITION EVENT")


def test_who_leaves_before_randomization_did_not_fail_screening(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    investigator.died(investigator.consented())
    assert only(open_extract(api))["ARMNRS"] == "NOT ASSIGNED"


def test_without_randomization_there_is_no_period_of_reference(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    investigator.died(investigator.consented())
    found = only(open_extract(api))
    assert (found["RFSTDTC"], found["RFENDTC"]) == (None, None)
    assert found["RFPENDTC"] == str(api.today())


def test_the_arm_that_was_given_needs_the_drug_to_be_taken(api: Api, open_extract: Opener) -> None:
    """The control arm is given what it was allocated to without any."""
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    before = only(open_extract(api))
    assert before["ARMCD"] in {"EXPERIMENTAL", "CONTROL"}
    if not investigator.receives_study_drug(subject):
        assert (before["ACTARMCD"], before["ARMNRS"]) == ("CONTROL", None)
        return
    assert (before["ACTARMCD"], before["ARMNRS"]) == (None, "ASSIGNED, NOT TREATED")
    investigator.took_study_drug(subject)
    after = only(open_extract(api))
    assert (after["ACTARMCD"], after["ARMNRS"]) == ("EXPERIMENTAL", None)
    assert after["RFXSTDTC"] == after["RFXENDTC"] == str(api.today())


def test_a_stratum_and_a_randomization_number_stand_beside_it(
    extract: Extract, lived: Lived
) -> None:
    told = {(one["USUBJID"], one["QNAM"]): one["QVAL"] for one in records(extract, "SUPPDM")}
    for number, stratum, drawn in lived.api.rows(
        "SELECT number, stratum, randomization_number FROM allocation"
        " JOIN subject ON subject.id = subject_id"
    ):
        assert told[f"NCT07312656-{number}", "STRATUM"] == stratum
        assert told[f"NCT07312656-{number}", "RANDNUM"] == drawn


def test_consent_is_a_milestone_and_its_withdrawal_an_end(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    here, today = f"/v1/subjects/{subject['id']}/consents", str(api.today())
    consent = created(investigator.post(here, {"version": "1.0", "signed_on": today}))
    body = {"withdrawn_on": today, "reason": "Moves away"}
    created(investigator.post(f"{here}/{consent['id']}/withdrawal", body))
    told = [(one["DSCAT"], one["DSDECOD"]) for one in records(open_extract(api), "DS")]
    assert told == [
        ("PROTOCOL MILESTONE", "INFORMED CONSENT OBTAINED"),
        ("OTHER EVENT", "INFORMED CONSENT WITHDRAWN"),
        ("DISPOSITION EVENT", "WITHDRAWAL BY SUBJECT"),
    ]

"""The ends of treatment and of taking part are told with their causes, each once."""

from datetime import date, timedelta

import pytest

from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import Json, records
from tests.make import Api, created, ended, ok, path

END = "DISPOSITION EVENT"


def ends(api: Api, open_extract: Opener) -> list[Json]:
    return [one for one in records(open_extract(api), "DS") if one["DSCAT"] == END]


def test_who_takes_part_has_no_end(api: Api, open_extract: Opener) -> None:
    api.as_("investigator").randomized()
    told = [one["DSDECOD"] for one in records(open_extract(api), "DS")]
    assert told == ["INFORMED CONSENT OBTAINED", "RANDOMIZED"]


def test_leaving_is_told_with_its_cause_and_the_site_s_words(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    body = {"study": ended(api.today(), "physician_decision")}
    ok(investigator.put(f"/v1/subjects/{subject['id']}/discontinuation", body))
    (left,) = ends(api, open_extract)
    assert (left["DSDECOD"], left["DSSCAT"]) == ("PHYSICIAN DECISION", "STUDY PARTICIPATION")
    assert (left["DSTERM"], left["DSSTDTC"]) == ("Told at the visit", str(api.today()))
    assert left["DSSTDY"] == 11, (
        "on_treatment lets ten days pass between randomization and the first fraction"
    )


@pytest.mark.parametrize(
    ("status", "decoded"),
    [
        pytest.param("lost_to_follow_up", "LOST TO FOLLOW-UP", id="lost"),
        pytest.param("died", "DEATH", id="died"),
    ],
)
def test_a_status_set_by_hand_is_told_too(
    api: Api, open_extract: Opener, status: str, decoded: str
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    body = {"status": status, "reason": "Told by telephone"}
    ok(investigator.patch(f"/v1/subjects/{subject['id']}", body))
    (left,) = ends(api, open_extract)
    assert (left["DSDECOD"], left["DSSTDTC"]) == (decoded, str(api.today()))


def died_since(api: Api, subject: Json) -> date:
    """The day on which the subject died, a month after they left."""
    api.move_to(api.today() + timedelta(days=30))
    api.as_("investigator").died(subject)
    return api.today()


def test_who_withdrew_consent_and_died_since_left_by_withdrawing(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject, left = investigator.on_treatment(), api.today()
    (consent,) = ok(investigator.get(path(subject, "consents")))["items"]
    body = {"withdrawn_on": str(left), "reason": "Moves away"}
    created(investigator.post(path(subject, "consents", consent["id"], "withdrawal"), body))
    died = died_since(api, subject)
    (told,) = ends(api, open_extract)
    assert (told["DSDECOD"], told["DSSTDTC"]) == ("WITHDRAWAL BY SUBJECT", str(left))
    extract = open_extract(api)
    assert "DEATH" not in {one["DSDECOD"] for one in records(extract, "DS")}
    (person,) = records(extract, "DM")
    assert (person["DTHFL"], person["DTHDTC"]) == ("Y", str(died))
    assert person["RFENDTC"] == person["RFPENDTC"] == str(left)


def test_a_recorded_cause_stays_when_the_subject_died_since(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject, left = investigator.on_treatment(), api.today()
    body = {"study": ended(left, "lost_to_follow_up")}
    ok(investigator.put(path(subject, "discontinuation"), body))
    died_since(api, subject)
    (told,) = ends(api, open_extract)
    assert (told["DSDECOD"], told["DSTERM"]) == ("LOST TO FOLLOW-UP", "Told at the visit")
    assert told["DSSTDTC"] == str(left)


def test_who_left_by_hand_and_died_since_left_for_what_nobody_knows(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject, left = investigator.on_treatment(), api.today()
    body = {"status": "lost_to_follow_up", "reason": "Told by telephone"}
    ok(investigator.patch(path(subject), body))
    died_since(api, subject)
    (told,) = ends(api, open_extract)
    assert (told["DSDECOD"], told["DSSTDTC"]) == ("OTHER", str(left))
    assert told["DSTERM"] == "Left the study; not known why"


def test_who_was_withdrawn_by_hand_is_not_said_to_have_decided_it(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    body = {"status": "withdrawn", "reason": "Told by telephone"}
    ok(investigator.patch(path(subject), body))
    (told,) = ends(api, open_extract)
    assert told["DSDECOD"] == "OTHER"
    assert told["DSTERM"].startswith("Withdrawn; not known whether")


def test_who_failed_screening_and_died_since_is_a_screen_failure_still(
    api: Api, open_extract: Opener
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    evaluated = api.today()
    failed = {"status": "screen_failed", "reason": "Excluded"}
    ok(investigator.patch(path(subject), failed))
    died = died_since(api, subject)
    (told,) = ends(api, open_extract)
    assert (told["DSDECOD"], told["DSSTDTC"]) == ("SCREEN FAILURE", str(evaluated))
    (person,) = records(open_extract(api), "DM")
    assert (person["DTHFL"], person["DTHDTC"]) == ("Y", str(died))
    assert (person["ARMNRS"], person["RFENDTC"]) == ("SCREEN FAILURE", None)


def test_the_day_of_leaving_is_the_earliest_that_is_known(api: Api, open_extract: Opener) -> None:
    investigator = api.as_("investigator")
    subject, left = investigator.on_treatment(), api.today()
    api.move_to(left + timedelta(days=2))
    body = {"study": ended(api.today(), "consent_withdrawn")}
    ok(investigator.put(path(subject, "discontinuation"), body))
    (consent,) = ok(investigator.get(path(subject, "consents")))["items"]
    gone = {"withdrawn_on": str(left), "reason": "Moves away"}
    created(investigator.post(path(subject, "consents", consent["id"], "withdrawal"), gone))
    (told,) = ends(api, open_extract)
    assert (told["DSDECOD"], told["DSSTDTC"]) == ("WITHDRAWAL BY SUBJECT", str(left))

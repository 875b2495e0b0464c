"""The ends of treatment and of taking part are told with their causes, each once."""

import pytest

from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import Json, records
from tests.make import Api, ended, ok

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

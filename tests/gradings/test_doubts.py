"""Contradictions in a grading: stored, flagged, asked about, and settled by a correction."""

import re
from datetime import timedelta

import pytest

from tests.make import SEVERE, Api, Json, created, grading, ok, path

REASON = "Misread the source record"
RED = {"mucosal_appearance": "erythema", "grade": 2, "pain_score": 2}
INTACT = {"mucosal_appearance": "normal", "grade": 0, "pain_score": 0, "diet": "solid"}


def queries(api: Api) -> list[Json]:
    found: list[Json] = ok(api.as_("monitor").get("/v1/queries"))["items"]
    return found


def graded(api: Api, code: str = "RT1A", **seen: object) -> Json:
    return api.graded(api.as_("coordinator").in_radiotherapy(), code, api.today(), **seen)


def correct(api: Api, made: Json, **changed: object) -> Json:
    where = f"/v1/gradings/{made['id']}"
    return ok(api.as_("assessor").patch(where, {**changed, "reason": REASON}))


@pytest.mark.parametrize(
    ("code", "seen", "flag", "field"),
    [
        ("RT1A", {"grade": 4}, "differs_from_components", "grade"),
        ("BL", {**INTACT, **RED, "grade": 1}, "above_highest_grade", "grade"),
        ("RT1A", {**RED, "ulceration": True}, "impossible_combination", "ulceration"),
        (
            "RT1A",
            {**INTACT, "grade": 2, "ulceration": True},
            "impossible_combination",
            "ulceration",
        ),
    ],
)
def test_a_contradiction_is_stored_flagged_and_asked_about(
    api: Api, code: str, seen: Json, flag: str, field: str
) -> None:
    made = graded(api, code, **seen)
    assert made["flags"] == [flag]
    assert made.items() >= seen.items()
    [asked] = queries(api)
    expected = {"record": "grading", "record_id": made["id"], "field": field, "status": "open"}
    assert asked.items() >= {**expected, "origin": "system"}.items()


def test_no_text_of_a_query_names_a_grade(api: Api) -> None:
    graded(api, "BL", **{**INTACT, "grade": 4, "ulceration": True})
    asked = queries(api)
    assert len(asked) == 3
    for one in asked:
        said = " ".join(step["text"] for step in one["conversation"])
        assert said
        assert not re.search(r"\d", said)


def test_a_correction_that_removes_the_cause_settles_the_query(api: Api) -> None:
    made = graded(api, grade=4)
    correct(api, made, grade=2)
    [settled] = queries(api)
    assert settled["status"] == "closed"
    assert ok(api.as_("monitor").get(f"/v1/gradings/{made['id']}"))["flags"] == []


def test_each_contradiction_is_settled_by_itself(api: Api) -> None:
    made = graded(api, grade=4, mucosal_appearance="erythema", ulceration=True)
    correct(api, made, ulceration=False)
    status = {one["field"]: one["status"] for one in queries(api)}
    assert status == {"ulceration": "closed", "grade": "open"}


def test_a_correction_that_leaves_the_cause_asks_no_second_time(api: Api) -> None:
    made = graded(api, grade=4)
    correct(api, made, diet="liquid")
    [asked] = queries(api)
    assert asked["status"] == "open"


def test_a_correction_that_brings_the_contradiction_back_asks_again(api: Api) -> None:
    made = graded(api, grade=4)
    correct(api, made, grade=2)
    correct(api, made, grade=1)
    assert [one["status"] for one in queries(api)] == ["closed", "open"]


def test_two_gradings_of_a_visit_are_asked_about_apart(api: Api) -> None:
    made = graded(api, grade=4)
    where = f"/v1/subjects/{made['subject_id']}/visits/RT1A/gradings"
    other = created(api.as_("assessor", place=2).post(where, grading(api.today(), grade=0)))
    assert [one["record_id"] for one in queries(api)] == [made["id"], other["id"]]


def test_a_grading_that_contradicts_nothing_raises_no_query(api: Api) -> None:
    made = graded(api, **SEVERE)
    assert made["flags"] == []
    assert queries(api) == []


def test_a_refused_grading_raises_no_query(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    made = api.graded(subject, "RT1A", api.today())
    where = path(subject, "visits", "RT1A", "gradings")
    early = grading(api.today() - timedelta(days=1), grade=4)
    for refused in (
        api.as_("assessor").post(where, grading(api.today(), grade=4)),
        api.as_("assessor", place=2).post(where, early),
        api.as_("assessor").patch(
            f"/v1/gradings/{made['id']}", {"grade": 4, "reason": REASON}, version=3
        ),
    ):
        assert refused.status_code in (409, 412)
    assert api.count("data_query") == 0

"""Adjudications over HTTP: who decides, and what a decision changes."""

from uuid import uuid4

import pytest

from services.api.core.permissions import Role
from tests.make import SEVERE, Api, Json, created, grading, mistakes, ok, path, problem

DECISION: Json = {"grade": 3, "reason": "The photograph shows a confluent membrane"}


def address(adjudication: Json) -> str:
    return f"/v1/adjudications/{adjudication['id']}"


def test_gradings_that_differ_open_an_adjudication_which_names_no_grade(api: Api) -> None:
    opened = api.disputed()
    assert (
        opened.items()
        >= {
            "visit": "RT1A",
            "site": "NN",
            "status": "open",
            "grade": None,
            "adjudicator": None,
            "reason": None,
            "version": 1,
        }.items()
    )
    assert ok(api.as_("monitor").get(address(opened))) == opened


def test_gradings_that_agree_open_none(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    api.graded(subject, "RT1A", api.today())
    where = path(subject, "visits", "RT1A", "gradings")
    created(api.as_("assessor", place=2).post(where, grading(api.today())))
    assert ok(api.as_("monitor").get("/v1/adjudications"))["items"] == []


def test_an_investigator_who_graded_nothing_there_decides(api: Api) -> None:
    opened, investigator = api.disputed(), api.as_("investigator")
    decided = ok(investigator.patch(address(opened), DECISION))
    assert decided.items() >= {**DECISION, "status": "decided", "version": 2}.items()
    assert decided["adjudicator"] == ok(investigator.get("/v1/me"))["id"]
    gradings = f"/v1/subjects/{opened['subject_id']}/visits/RT1A/gradings"
    assert [one["grade"] for one in ok(investigator.get(gradings))["items"]] == [2, 3]


def test_whoever_made_one_of_the_gradings_does_not_decide(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.in_radiotherapy()
    ok(investigator.put(path(subject, "visits", "RT1A"), {"date": str(api.today())}))
    where = path(subject, "visits", "RT1A", "gradings")
    created(investigator.post(where, grading(api.today())))
    created(api.as_("assessor").post(where, grading(api.today(), **SEVERE)))
    [opened] = ok(investigator.get("/v1/adjudications"))["items"]
    before = api.changes()
    problem(investigator.patch(address(opened), DECISION), 403, "adjudicator_graded")
    assert api.changes() == before


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.INVESTIGATOR}))
def test_nobody_but_an_investigator_decides(api: Api, role: str) -> None:
    where = address(api.disputed())
    problem(api.as_(role).patch(where, DECISION, version=1), 403, "forbidden")


def test_the_adjudication_of_another_site_does_not_exist(api: Api) -> None:
    where, stranger = address(api.disputed()), api.as_("investigator", "LZ")
    unknown = f"/v1/adjudications/{uuid4()}"
    for asked, other in ((where, unknown),):
        refused, nowhere = stranger.get(asked), stranger.get(other)
        problem(refused, 404, "not_found")
        same = ("type", "title", "status", "detail")
        assert [refused.json()[key] for key in same] == [nowhere.json()[key] for key in same]
    problem(stranger.patch(where, DECISION, version=1), 404, "not_found")
    assert ok(stranger.get("/v1/adjudications"))["items"] == []


def test_assessors_are_not_told_of_adjudications(api: Api) -> None:
    where = address(api.disputed())
    for asked in ("/v1/adjudications", where):
        problem(api.as_("assessor").get(asked), 403, "forbidden")


def test_a_decision_is_corrected_with_a_reason_and_both_are_kept(api: Api) -> None:
    where, investigator = address(api.disputed()), api.as_("investigator")
    ok(investigator.patch(where, DECISION))
    missing = investigator.patch(where, {"grade": 2})
    assert mistakes(missing) == [("/reason", "missing")]
    again = ok(investigator.patch(where, {"grade": 2, "reason": "The photograph was another's"}))
    assert (again["grade"], again["version"], again["status"]) == (2, 3, "decided")
    kept = api.rows("SELECT grade FROM adjudication ORDER BY version")
    assert [row.grade for row in kept] == [None, 3, 2]


@pytest.mark.parametrize("grade", [5, -1, None, 2.5, "3"])
def test_a_decision_is_a_grade_of_the_scale(api: Api, grade: object) -> None:
    where = address(api.disputed())
    answer = api.as_("investigator").patch(where, {**DECISION, "grade": grade})
    problem(answer, 422, "invalid")
    assert api.count("adjudication") == 1


def test_a_decision_needs_the_version_that_was_read(api: Api) -> None:
    where, investigator = address(api.disputed()), api.as_("investigator")
    ok(investigator.patch(where, DECISION))
    problem(investigator.patch(where, DECISION, version=1), 412, "stale_version")


def test_the_list_is_filtered_by_status_site_and_subject(api: Api) -> None:
    first, second, far = api.disputed(), api.disputed(), api.disputed(site="LZ")
    decided = ok(api.as_("investigator").patch(address(first), DECISION))
    manager = api.as_("data_manager")

    def listed(**asked: object) -> list[Json]:
        found: list[Json] = ok(manager.get("/v1/adjudications", params=asked))["items"]
        return found

    assert listed() == [decided, second, far]
    assert listed(status="open") == [second, far]
    assert listed(status="decided") == [decided]
    assert listed(site="LZ") == [far]
    assert listed(subject_id=second["subject_id"]) == [second]
    page = ok(manager.get("/v1/adjudications", params={"limit": 2}))
    rest = {"limit": 2, "cursor": page["next_cursor"]}
    assert ok(manager.get("/v1/adjudications", params=rest))["items"] == [far]

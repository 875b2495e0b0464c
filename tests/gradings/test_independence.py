"""Second gradings are independent: whoever may still grade a visit learns nothing of the first."""

from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from services.api.core.auth import Require
from services.api.core.permissions import GRANTS, Role
from services.api.identity import passwords
from services.api.main import ROUTERS
from services.api.sandbox.service import PASSWORD
from tests.access.conftest import Quick
from tests.make import SEVERE, Api, Json, created, grading, ok, path, problem

REASON = "Misread the source record"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords._nobody()  # made by the real hasher, for it is kept
    monkeypatch.setattr(passwords, "_HASHER", Quick())


def visited(api: Api, code: str = "RT1A") -> Json:
    """A subject with a visit of today."""
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    ok(coordinator.put(path(subject, "visits", code), {"date": str(api.today())}))
    return subject


def gradings(subject: Json) -> str:
    return path(subject, "visits", "RT1A", "gradings")


def test_an_investigator_does_not_add_a_second_grading_for_they_can_read_the_first(
    api: Api,
) -> None:
    subject = visited(api)
    created(api.as_("assessor").post(gradings(subject), grading(api.today())))
    before = api.changes()
    answer = api.as_("investigator").post(gradings(subject), grading(api.today()))
    problem(answer, 409, "second_grading_by_assessor")
    assert api.changes() == before


def test_an_investigator_may_be_the_first_and_is_not_the_second_twice(api: Api) -> None:
    subject = visited(api)
    investigator = api.as_("investigator")
    created(investigator.post(gradings(subject), grading(api.today())))
    problem(investigator.post(gradings(subject), grading(api.today())), 409, "already_graded")
    created(api.as_("assessor").post(gradings(subject), grading(api.today())))
    created(api.as_("assessor", place=2).post(gradings(subject), grading(api.today())))


def test_assessors_see_each_others_gradings_of_a_visit_once_they_graded_it(api: Api) -> None:
    subject = visited(api)
    one, other = api.as_("assessor"), api.as_("assessor", place=2)
    first = created(one.post(gradings(subject), grading(api.today())))
    reading = f"/v1/gradings/{first['id']}"
    assert ok(one.get(gradings(subject)))["items"] == [first]
    assert ok(other.get(gradings(subject)))["items"] == []
    problem(other.get(reading), 404, "not_found")
    second = created(other.post(gradings(subject), grading(api.today(), **SEVERE)))
    for assessor in (one, other):
        assert ok(assessor.get(gradings(subject)))["items"] == [first, second]
        for made in (first, second):
            ok(assessor.get(f"/v1/gradings/{made['id']}"))
            ok(assessor.get(f"/v1/gradings/{made['id']}/versions"))


def test_having_graded_one_visit_tells_nothing_of_another_one(api: Api) -> None:
    subject = visited(api)
    one, other = api.as_("assessor"), api.as_("assessor", place=2)
    made = created(other.post(gradings(subject), grading(api.today())))
    elsewhere = visited(api)
    created(one.post(gradings(elsewhere), grading(api.today())))
    problem(one.get(f"/v1/gradings/{made['id']}"), 404, "not_found")


def reads() -> Iterator[str]:
    """The address of everything that an assessor may GET."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                asked = [d.call for d in route.dependant.dependencies]
                if any(
                    isinstance(one, Require) and one.action in GRANTS[Role.ASSESSOR]
                    for one in asked
                ):
                    yield route.path


def test_no_answer_to_an_assessor_depends_on_the_first_grading(api: Api) -> None:
    """Everything that they may read is the same before, and whatever the other entered."""
    subject = visited(api)
    other = api.as_("assessor", place=2)
    unknown = str(uuid4())
    known = {"subject_id": subject["id"], "code": "RT1A", "site": "NN", "version": "1.0"}

    def everything(grading_id: str) -> dict[str, tuple[int, str]]:
        known["grading_id"] = grading_id
        found = {}
        for asked in reads():
            needed = {name: known.get(name, unknown) for name in names(asked)}
            answer = other.get(asked.format(**needed))
            body = answer.text.replace(answer.headers["X-Request-Id"], "")
            found[asked] = answer.status_code, body
        return found

    before = everything(unknown)
    assert f"/v1{gradings_template()}" in before
    first = created(api.as_("assessor").post(gradings(subject), grading(api.today())))
    assert everything(first["id"]) == before
    changed = {**SEVERE, "grade": 4, "reason": REASON}  # which also raises a data query
    ok(api.as_("assessor").patch(f"/v1/gradings/{first['id']}", changed))
    assert everything(first["id"]) == before


def gradings_template() -> str:
    return "/subjects/{subject_id}/visits/{code}/gradings"


def names(template: str) -> list[str]:
    """The names of a path's parameters."""
    return [part.partition("}")[0] for part in template.split("{")[1:]]


def test_writing_to_a_grading_that_is_kept_from_them_is_answered_as_for_an_unknown_one(
    api: Api,
) -> None:
    subject = visited(api)
    first = created(api.as_("assessor").post(gradings(subject), grading(api.today())))
    other = api.as_("assessor", place=2)
    signature = {
        "content_hash": first["content_hash"],
        "meaning": "I confirm the grading",
        "password": PASSWORD,
    }

    def refusals(grading_id: str) -> list[tuple[int, Json]]:
        where = f"/v1/gradings/{grading_id}"
        answers: list[httpx.Response] = [
            call()
            for call in (
                partial(other.patch, where, {"grade": 4, "reason": REASON}, version=1),
                partial(other.patch, where, {"grade": 4, "reason": REASON}, version=7),
                partial(other.post, f"{where}/signature", signature),
            )
        ]
        return [
            (one.status_code, {k: v for k, v in one.json().items() if k != "instance"})
            for one in answers
        ]

    hidden = refusals(first["id"])
    assert [status for status, _ in hidden] == [404, 404, 404]
    assert hidden == refusals(str(uuid4()))

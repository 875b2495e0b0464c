"""What the analysis reads of a whole trial: the same as subject by subject, in two statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import event
from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.permissions import Role
from services.api.enrolment.models import Subject
from services.api.gradings import service
from services.api.gradings.rules import GradeBasis
from services.api.sandbox.service import NAMESPACE
from tests.make import SEVERE, Api, created, grading, ok, path

EVERYWHERE = ("LZ", "NN", "YL")
READER = Principal(UUID(int=1), "Reader", Role.STATISTICIAN, EVERYWHERE, False, UUID(int=2))
ONE, OTHER = uuid5(NAMESPACE, "assessor-nn"), uuid5(NAMESPACE, "assessor-nn-2")


@contextmanager
def reading(api: Api, sites: tuple[str, ...] = EVERYWHERE) -> Iterator[Session]:
    """A session that may read those sites."""
    caller = Principal(READER.id, "Reader", READER.role, sites, False, READER.session)
    with api.state.database.session(caller) as session:
        yield session


@pytest.fixture
def graded(api: Api) -> Api:
    """Visits of every kind: graded once, agreed on, disputed, decided; one at another site."""
    coordinator, today = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    api.graded(subject, "RT1A", today)
    api.graded(subject, "RT1B", today)
    second = path(subject, "visits", "RT1B", "gradings")
    created(api.as_("assessor", place=2).post(second, grading(today)))
    api.disputed()
    decided = f"/v1/adjudications/{api.disputed(site='LZ')['id']}"
    investigator = api.as_("investigator", "LZ")
    ok(investigator.patch(decided, {"grade": 3, "reason": "Photograph"}))
    ok(investigator.patch(decided, {"grade": 2, "reason": "Another photograph"}))
    return api


def test_the_whole_trial_is_read_as_subject_by_subject(graded: Api) -> None:
    with reading(graded) as session:
        found = service.all_assessments(session, EVERYWHERE)
        assert len(found) == 3
        for subject_id, assessments in found.items():
            subject = session.get_one(Subject, subject_id)
            assert assessments == service.assessments(session, subject)
    bases = sorted(one.basis for assessments in found.values() for one in assessments)
    assert bases == [
        GradeBasis.ADJUDICATED,
        GradeBasis.AGREED,
        GradeBasis.SINGLE,
        GradeBasis.UNRESOLVED,
    ]
    [decided] = [
        one for part in found.values() for one in part if one.basis is GradeBasis.ADJUDICATED
    ]
    assert decided.grade == 2


def test_only_the_sites_asked_for_are_read(graded: Api) -> None:
    with reading(graded) as session:
        assert len(service.all_assessments(session, ("LZ",))) == 1
        assert len(service.all_assessments(session, ("NN",))) == 2
        assert service.all_assessments(session, ()) == {}
        assert {one.site for one in service.pairs(session, ("LZ",))} == {"LZ"}
    with reading(graded, ("LZ",)) as session:
        assert len(service.all_assessments(session, EVERYWHERE)) == 1


def test_the_statements_do_not_grow_with_the_trial(graded: Api) -> None:
    said: list[str] = []

    def hear(*given: Any) -> None:
        said.append(given[2])

    engine = graded.state.database.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        with reading(graded) as session:
            service.all_assessments(session, EVERYWHERE)
            service.pairs(session, EVERYWHERE)
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    assert len([one for one in said if one.lstrip().startswith(("SELECT DISTINCT", "WITH"))]) == 3
    assert len(said) == 4  # with the transaction's beginning


def test_a_pair_is_of_the_grades_first_entered_whatever_is_corrected_later(api: Api) -> None:
    opened = api.disputed()
    where = f"/v1/subjects/{opened['subject_id']}/visits/RT1A/gradings"
    first, second = ok(api.as_("monitor").get(where))["items"]
    adapted = {**SEVERE, "reason": "Looked again"}
    ok(api.as_("assessor").patch(f"/v1/gradings/{first['id']}", adapted))
    changed = {"grade": 4, "reason": "Looked again"}
    ok(api.as_("assessor", place=2).patch(f"/v1/gradings/{second['id']}", changed))
    with reading(api) as session:
        [pair] = service.pairs(session, EVERYWHERE)
    assert (pair.first_assessor, pair.second_assessor) == (ONE, OTHER)
    assert (pair.first_grade, pair.second_grade) == (2, 3)
    assert (pair.site, pair.visit, str(pair.subject_id)) == ("NN", "RT1A", opened["subject_id"])


def test_of_three_gradings_the_first_two_are_the_pair_and_a_single_one_is_none(api: Api) -> None:
    investigator, today = api.as_("investigator"), api.today()
    subject = investigator.in_radiotherapy()
    for code in ("RT1A", "RT1B"):
        where = path(subject, "visits", code)
        ok(investigator.put(where, {"date": str(today)}))
        created(investigator.post(f"{where}/gradings", grading(today, grade=1)))
        if code == "RT1A":
            api.graded_differently(f"{where}/gradings")
    with reading(api) as session:
        [pair] = service.pairs(session, EVERYWHERE)
    assert (pair.visit, pair.first_grade, pair.second_grade) == ("RT1A", 1, 2)
    assert (pair.first_assessor, pair.second_assessor) == (uuid5(NAMESPACE, "investigator-nn"), ONE)

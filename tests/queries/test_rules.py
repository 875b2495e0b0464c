"""Whose turn a query is, who takes it, and what a query may be about."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel

from services.api import models
from services.api.core.permissions import GRANTS, Action, Role
from services.api.queries.rules import (
    ANSWERERS,
    MOVES,
    RECORDS,
    REVIEWERS,
    STATUS,
    QueryAction,
    QueryOrigin,
    QueryStatus,
    RecordKind,
    fields_of,
    may_answer,
    may_decide,
    may_step,
)

OPEN, ANSWERED, CLOSED = QueryStatus.OPEN, QueryStatus.ANSWERED, QueryStatus.CLOSED
FACTS = ["haemoglobin", "ecog"]


def follow(origin: QueryOrigin, *steps: QueryAction) -> QueryStatus | None:
    """The status after the steps, None where one of them does not follow."""
    status = STATUS[QueryAction.RAISE]
    for step in steps:
        if not may_step(origin, status, step, Role.MONITOR):
            return None
        status = STATUS[step]
    return status


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ((), OPEN),
        ((QueryAction.ANSWER,), ANSWERED),
        ((QueryAction.ANSWER, QueryAction.ANSWER), ANSWERED),
        ((QueryAction.ANSWER, QueryAction.REOPEN), OPEN),
        ((QueryAction.ANSWER, QueryAction.REOPEN, QueryAction.ANSWER, QueryAction.CLOSE), CLOSED),
        ((QueryAction.ANSWER, QueryAction.CLOSE, QueryAction.REOPEN), OPEN),
        ((QueryAction.REOPEN,), None),
        ((QueryAction.RAISE,), None),
        ((QueryAction.ANSWER, QueryAction.CLOSE, QueryAction.ANSWER), None),
        ((QueryAction.ANSWER, QueryAction.CLOSE, QueryAction.CLOSE), None),
    ],
)
@pytest.mark.parametrize("origin", QueryOrigin)
def test_a_query_goes_from_open_to_answered_to_closed_and_back_to_open(
    origin: QueryOrigin, steps: tuple[QueryAction, ...], status: QueryStatus | None
) -> None:
    assert follow(origin, *steps) is status


def test_a_person_may_close_what_was_asked_by_mistake_but_the_service_is_answered_first() -> None:
    assert follow(QueryOrigin.PERSON, QueryAction.CLOSE) is CLOSED
    assert follow(QueryOrigin.SYSTEM, QueryAction.CLOSE) is None


@pytest.mark.parametrize("role", Role)
def test_the_data_manager_alone_closes_what_the_service_asked_and_nobody_answered(
    role: Role,
) -> None:
    alone = role is Role.DATA_MANAGER
    assert may_step(QueryOrigin.SYSTEM, OPEN, QueryAction.CLOSE, role) == alone
    assert not may_step(QueryOrigin.SYSTEM, CLOSED, QueryAction.CLOSE, role)


@given(st.sampled_from(QueryOrigin), st.lists(st.sampled_from(QueryAction), max_size=12))
def test_every_status_has_a_way_on_and_only_a_closed_query_is_settled(
    origin: QueryOrigin, steps: list[QueryAction]
) -> None:
    status = follow(origin, *steps)
    if status is not None:
        ways = {step for at, step in MOVES if at is status}
        assert ways
        assert (QueryAction.ANSWER in ways) == (status is not CLOSED)


@pytest.mark.parametrize("role", Role)
def test_the_site_answers_and_nobody_else(role: Role) -> None:
    assert may_answer(role) == (role in ANSWERERS)
    asked_at_all = Action.CHANGE_QUERY in GRANTS[role]
    assert asked_at_all == (role in ANSWERERS | REVIEWERS)
    assert (Action.RAISE_QUERY in GRANTS[role]) == (role in REVIEWERS)


@pytest.mark.parametrize(("role", "opener"), list(product(Role, (False, True))))
def test_the_opener_decides_about_a_persons_query(role: Role, opener: bool) -> None:
    assert may_decide(QueryOrigin.PERSON, role, opener=opener) == (
        opener or role is Role.DATA_MANAGER
    )


@pytest.mark.parametrize(("role", "opener"), list(product(Role, (False, True))))
def test_monitors_and_data_managers_decide_about_the_services_query(
    role: Role, opener: bool
) -> None:
    """Whoever made the request in which the service noticed it is not its opener."""
    assert may_decide(QueryOrigin.SYSTEM, role, opener=opener) == (role in REVIEWERS)


@pytest.mark.parametrize("kind", RecordKind)
def test_every_kind_has_a_table_its_key_and_fields_that_people_enter(kind: RecordKind) -> None:
    table = models.metadata.tables[RECORDS[kind].table]
    kept = RECORDS[kind]
    columns = set(table.columns.keys())
    assert {kept.key or "version"} | kept.names.keys() | kept.derived <= columns
    fields = fields_of(kind, columns, FACTS)
    assert fields
    assert not fields & {"id", "site", "subject_id", "recorded_by", "recorded_at", "reason"}
    assert not fields & kept.derived


def test_fields_are_called_as_callers_know_them() -> None:
    def of(kind: RecordKind) -> set[str]:
        return fields_of(kind, SQLModel.metadata.tables[RECORDS[kind].table].columns.keys(), FACTS)

    assert {"date", "missed_reason"} <= of(RecordKind.VISIT)
    assert "visited_on" not in of(RecordKind.VISIT)
    assert of(RecordKind.ELIGIBILITY) == set(FACTS)
    assert of(RecordKind.CONSENT) == {"version", "signed_on"}
    assert {"grade", "pain_score", "diet"} <= of(RecordKind.GRADING)
    assert "version" not in of(RecordKind.GRADING)
    assert "causality.study_drug" in of(RecordKind.ADVERSE_EVENT)

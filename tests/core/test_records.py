"""A correction is the next version of a record, with its author and reason; the highest counts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlmodel import Session, SQLModel, col
from sqlmodel import select as sqlmodel_select

from services.api.adverse_events.models import AdverseEvent
from services.api.core.auth import Principal
from services.api.core.errors import Invalid
from services.api.core.permissions import Role
from services.api.core.records import change, current, last_of_each, latest, version_checks
from services.api.radiotherapy.models import Radiotherapy
from tests.make import Api, adverse_event, created, ok

CALLER = Principal(uuid4(), "Someone", Role.INVESTIGATOR, ("NN",), machine=False, session=uuid4())


@pytest.fixture
def subject_id(api: Api) -> UUID:
    return UUID(api.as_("investigator").consented()["id"])


@pytest.fixture
def session(api: Api, subject_id: UUID) -> Iterator[Session]:
    with api.state.database.session(CALLER) as made:
        yield made


def version(number: int, subject_id: UUID, reason: str | None = None) -> Radiotherapy:
    return Radiotherapy(
        site="NN",
        subject_id=subject_id,
        version=number,
        reason=reason,
        protocol_version="1.0",
        recorded_by=uuid4(),
        planned_dose_gy=60 + number,
        planned_fractions=33,
        planned_start=date(2026, 3, 2),
        concurrent_chemotherapy=False,
    )


def test_the_highest_version_is_the_latest(session: Session, subject_id: UUID) -> None:
    assert latest(session, Radiotherapy, subject_id=subject_id) is None
    for number in (1, 2, 10):
        change(session, CALLER, version(number, subject_id, "Revised" if number > 1 else None))
        found = latest(session, Radiotherapy, subject_id=subject_id)
        assert (found.version, found.planned_dose_gy) == (number, 60 + number)


def test_what_is_stored_is_the_callers(session: Session, subject_id: UUID) -> None:
    change(session, CALLER, version(1, subject_id))
    assert latest(session, Radiotherapy, subject_id=subject_id).recorded_by == CALLER.id


@pytest.mark.parametrize("reason", [None, ""])
def test_a_change_without_a_reason_is_refused(
    session: Session, subject_id: UUID, reason: str | None
) -> None:
    change(session, CALLER, version(1, subject_id))
    with pytest.raises(Invalid) as refusal:
        change(session, CALLER, version(2, subject_id, reason))
    assert [error.pointer for error in refusal.value.errors] == ["/reason"]
    assert latest(session, Radiotherapy, subject_id=subject_id).version == 1


def test_only_current_versions_are_listed(api: Api) -> None:
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.consented()['id']}/adverse-events"
    events = [created(investigator.post(path, adverse_event(api.today())))["id"] for _ in range(3)]
    for outcome in ("recovered", "not_recovered"):
        body = {"outcome": outcome, "reason": "Follow-up"}
        ok(investigator.patch(f"/v1/adverse-events/{events[1]}", body))
    everywhere = replace(CALLER, sites=("NN", "LZ"))
    with api.state.database.session(everywhere) as session:
        rows = session.exec(current(AdverseEvent).order_by(col(AdverseEvent.id))).all()
    assert [(str(row.id), row.version) for row in rows] == list(zip(events, (1, 3, 1), strict=True))


def test_of_many_records_only_the_last_version_of_each_is_left(api: Api, subject_id: UUID) -> None:
    other = UUID(api.as_("investigator").consented()["id"])
    table = SQLModel.metadata.tables["radiotherapy"]
    with api.state.database.session(CALLER) as session:
        # Read in the order of the key and of numbers, in whatever order they were stored.
        for number, subject in ((2, other), (1, other), (1, subject_id), (10, other)):
            session.add(version(number, subject, "Revised" if number > 1 else None))
            session.flush()
        asked = select(table.c.planned_dose_gy, table.c.version).where(table.c.site == "NN")
        rows = session.connection().execute(last_of_each(asked, table.c, "subject_id")).all()
        assert [tuple(row) for row in rows] == [(61, 1), (70, 10)]
        wanted = sqlmodel_select(Radiotherapy).where(col(Radiotherapy.subject_id) == other)
        models = session.exec(last_of_each(wanted, Radiotherapy, "subject_id")).all()
        assert [(row.subject_id, row.version) for row in models] == [(other, 10)]


def test_a_versioned_table_checks_versions_and_reasons() -> None:
    assert [check.name for check in version_checks("visit")] == [
        "visit_version_from_one",
        "visit_change_has_reason",
    ]

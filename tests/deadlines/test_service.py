"""What is kept of deadlines, and that each reminder is given exactly once."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.api.adverse_events import reading
from services.api.deadlines import rules, service
from services.api.deadlines.models import SafetyReminder
from tests.deadlines.cases import (
    LIFE_THREATENING,
    REASON,
    WORKER,
    announced,
    assessed,
    owed,
    reach,
    reminded,
    rows_of,
    sending,
    submitted,
    suspected,
    the,
    told,
    working,
)
from tests.make import Api, Json, ok

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize("table", ["safety_deadline", "safety_submission", "safety_reminder"])
def test_no_row_of_reporting_is_ever_rewritten(api: Api, table: str) -> None:
    for statement in (f"UPDATE {table} SET site = 'LZ'", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


def test_the_database_shows_an_assessor_nothing_of_reporting(api: Api) -> None:
    event = suspected(api)
    submitted(api, event)
    reach(api, the(api, event, "serious_to_sponsor")["due_at"], SECOND)
    assert reminded(api) == 1
    context = "SELECT set_config('trial.sites', 'NN', true), set_config('trial.role', :role, true)"
    tables = ("safety_deadline", "safety_submission", "safety_reminder")
    with api.state.database.engine.connect() as connection:
        for role, shown in (("monitor", True), ("assessor", False)):
            connection.exec_driver_sql("BEGIN")
            connection.execute(text(context), {"role": role})
            for table in tables:
                found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
                assert bool(found) is shown
            connection.exec_driver_sql("ROLLBACK")


def test_a_deadline_is_one_transaction_with_the_version_that_called_for_it(api: Api) -> None:
    event = suspected(api)
    changes = api.audit({"id": event["subject_id"]})
    mine = [one for one in changes if one.record in {"adverse_event", "safety_deadline"}]
    assert [one.record for one in mine] == ["adverse_event", *["safety_deadline"] * 3]
    assert len({one.transaction for one in mine}) == 1
    assert announced(api, "deadline.") == ["deadline.opened"] * 3


def test_what_changes_nothing_for_a_deadline_adds_no_version(api: Api) -> None:
    event = suspected(api)
    told(api, event, narrative="Eats soft food again.")
    assert {one["version"] for one in owed(api)} == {1}
    submitted(api, event)
    assert announced(api, "deadline.") == ["deadline.opened"] * 3 + ["deadline.met"]


def test_a_deadline_that_moved_or_lapsed_is_told_once(api: Api) -> None:
    subject = api.as_("investigator").consented()
    consented_on = api.today()
    api.move_to(consented_on + timedelta(days=9))
    event = suspected(api, subject=subject, onset_on=str(consented_on))
    assessed(api, event, expectedness="unexpected")  # provisional no more: due as before
    assert announced(api, "deadline.") == ["deadline.opened"] * 3
    aware_at = datetime.fromisoformat(event["aware_at"]) - 30 * HOUR
    told(api, event, aware_at=aware_at.isoformat())
    assert announced(api, "deadline.")[3:] == ["deadline.changed"] * 3
    told(api, event, causality={"study_drug": "not_related"})
    assert announced(api, "deadline.")[6:] == ["deadline.changed"] * 2


# --- stored is derived -------------------------------------------------------------------

Step = Callable[[Api, Json], object]
STEPS: tuple[Step, ...] = (
    lambda api, event: told(api, event, **LIFE_THREATENING),
    lambda api, event: told(api, event, serious=True, seriousness=["hospitalisation"]),
    lambda api, event: told(api, event, serious=False, seriousness=[]),
    lambda api, event: told(api, event, causality={"study_drug": "not_related"}),
    lambda api, event: told(api, event, causality={"study_drug": "possibly"}),
    lambda api, event: assessed(api, event, sponsor_causality="related"),
    lambda api, event: assessed(api, event, sponsor_causality="not_related"),
    lambda api, event: assessed(api, event, expectedness="unexpected"),
    lambda api, event: assessed(api, event, expectedness=None),
    lambda api, event: _sent(api, event, "initial"),
    lambda api, event: _sent(api, event, "initial"),
    lambda api, event: _sent(api, event, "follow_up"),
    lambda api, event: _withdrawn(api, event),
    lambda api, event: api.move_to(api.today() + timedelta(days=4)),
)


def _sent(api: Api, event: Json, kind: str) -> None:
    here = f"/v1/adverse-events/{event['id']}/submissions"
    for to in ("sponsor", "regulator"):
        answer = api.as_("safety_officer").post(here, sending(api, to, kind=kind))
        assert answer.status_code in {201, 409}, answer.text


def _withdrawn(api: Api, event: Json) -> None:
    here = f"/v1/adverse-events/{event['id']}/submissions"
    sent = ok(api.as_("monitor").get(here))["items"]
    standing = [one for one in sent if not one["withdrawn"]]
    if standing:
        body = {"withdrawn": True, "reason": REASON}
        answer = api.as_("safety_officer").patch(f"{here}/{standing[-1]['id']}", body)
        assert answer.status_code in {200, 409}, answer.text


def _derived(api: Api, event: Json) -> list[tuple[object, ...]]:
    """The deadlines as they come out of everything that is recorded of the case."""
    section = api.state.loaded.protocol.adverse_events
    with working(api) as session:
        case_id = UUID(event["case_id"])
        rows = reading.case_versions(session, case_id)
        said = [reading.statement(row, section) for row in rows]
        sent = service.standing(service.submissions(session, case_id))
        found = rules.deadlines(said, sent, section, api.state.clock.zone)
    return sorted(tuple(str(value) for value in vars(one).values()) for one in found)


def _stored(api: Api, event: Json) -> list[tuple[object, ...]]:
    names = rules.Deadline.__dataclass_fields__
    rows = rows_of(api, event)
    return sorted(tuple(str(getattr(row, name)) for name in names) for row in rows)


@pytest.mark.parametrize("seed", range(4))
def test_the_stored_deadlines_are_the_derived_ones_after_any_sequence(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    event = suspected(api)
    for step in chance.choices(STEPS, k=9):
        step(api, event)
        assert _stored(api, event) == _derived(api, event)
    assert len(announced(api, "deadline.opened")) == len(rows_of(api, event))


# --- reminders ---------------------------------------------------------------------------


def test_a_deadline_is_told_to_be_near_by_the_nearest_lead_only_and_then_to_be_missed(
    api: Api,
) -> None:
    event = suspected(api)
    submitted(api, event, "regulator")
    submitted(api, event, "ethics_committee")
    due = the(api, event, "serious_to_sponsor")["due_at"]
    given = []
    for shift in (-13 * HOUR, -12 * HOUR, -5 * HOUR, -3 * HOUR, -MINUTE, SECOND, 400 * HOUR):
        reach(api, due, shift)
        given.append(reminded(api))
        assert reminded(api) == 0
    assert given == [0, 1, 0, 1, 0, 1, 0]
    rows = api.rows("SELECT kind, lead_hours FROM safety_reminder ORDER BY id")
    assert [tuple(row) for row in rows] == [("near", 12), ("near", 4), ("missed", 0)]
    assert announced(api, "deadline.n") == ["deadline.near"] * 2
    assert announced(api, "deadline.mi") == ["deadline.missed"]


def test_who_looks_late_is_told_once(api: Api) -> None:
    event = suspected(api)
    reach(api, the(api, event, "susar_other", recipient="regulator")["due_at"], SECOND)
    assert reminded(api) == 3
    assert announced(api, "deadline.n") == []
    assert announced(api, "deadline.mi") == ["deadline.missed"] * 3


def test_what_is_met_or_lapsed_is_not_reminded_of(api: Api) -> None:
    event = suspected(api)
    submitted(api, event, "sponsor")
    told(api, event, causality={"study_drug": "not_related"})
    reach(api, owed(api)[-1]["due_at"], timedelta(days=30))
    assert reminded(api) == 0


def test_a_deadline_that_moved_is_reminded_of_again(api: Api) -> None:
    subject = api.as_("investigator").consented()
    consented_on = api.today()
    api.move_to(consented_on + timedelta(days=9))
    event = suspected(api, subject=subject, onset_on=str(consented_on))
    submitted(api, event, "sponsor")
    submitted(api, event, "ethics_committee")
    before = the(api, event, "susar_other", recipient="regulator")
    reach(api, before["due_at"], -20 * HOUR)
    assert reminded(api) == 1
    aware_at = datetime.fromisoformat(event["aware_at"]) - 30 * HOUR
    told(api, event, aware_at=aware_at.isoformat())
    after = the(api, event, "susar_other", recipient="regulator")
    assert (after["id"], after["state"]) == (before["id"], "overdue")
    assert [reminded(api), reminded(api)] == [1, 0]
    assert announced(api, "deadline.n") == ["deadline.near"]
    assert announced(api, "deadline.mi") == ["deadline.missed"]


def test_many_workers_give_each_reminder_exactly_once(api: Api) -> None:
    for site in ("NN", "LZ", "YL"):
        suspected(api, site)
        suspected(api, site)
    reach(api, max(one["due_at"] for one in owed(api)), SECOND)
    together = Barrier(4)

    def sweep(_: int) -> int:
        together.wait()
        given = 0
        for _ in range(200):
            given += reminded(api)
            if api.count("safety_reminder") == 18:
                return given
        raise AssertionError

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(sweep, range(4))) == 18
    events = api.rows("SELECT record_id FROM feed_event WHERE type = 'deadline.missed'")
    assert Counter(row.record_id for row in events) == Counter(
        {str(row["id"]): 1 for row in owed(api)}
    )


def test_a_worker_that_dies_has_given_nothing_and_the_next_one_does(api: Api) -> None:
    event = suspected(api)
    reach(api, the(api, event, "serious_to_sponsor")["due_at"], SECOND)
    with api.state.database.session(WORKER) as session:
        loaded = api.state.loaded
        assert service.remind(session, WORKER, api.state.clock, loaded.protocol) == 1
        session.rollback()
    assert (api.count("safety_reminder"), announced(api, "deadline.mi")) == (0, [])
    assert reminded(api) == 1


def test_a_sweep_waits_for_nobody_and_finds_what_was_held_next_time(api: Api) -> None:
    held, free = suspected(api), suspected(api)
    reach(api, the(api, held, "serious_to_sponsor")["due_at"], SECOND)
    with working(api) as session:
        lock = text("SELECT FROM subject WHERE id = :id FOR UPDATE")
        session.connection().execute(lock, {"id": held["subject_id"]})
        assert reminded(api) == 1
    [row] = api.rows("SELECT subject_id FROM safety_reminder")
    assert str(row.subject_id) == free["subject_id"]
    assert reminded(api) == 1


def test_a_subject_who_is_held_keeps_no_other_from_being_reminded_of(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SWEEP", 2)
    held = suspected(api)
    suspected(api, subject={"id": held["subject_id"]})
    free = suspected(api)  # due later than two of whom somebody holds
    reach(api, max(one["due_at"] for one in owed(api)), SECOND)
    with working(api) as session:
        lock = text("SELECT FROM subject WHERE id = :id FOR UPDATE")
        session.connection().execute(lock, {"id": held["subject_id"]})
        assert [reminded(api) for _ in range(3)] == [2, 1, 0]
    subjects = {str(row.subject_id) for row in api.rows("SELECT subject_id FROM safety_reminder")}
    assert subjects == {free["subject_id"]}
    assert [reminded(api) for _ in range(4)] == [2, 2, 2, 0]


def test_one_sweep_is_bounded_and_the_next_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = suspected(api)
    reach(api, the(api, event, "susar_other", recipient="regulator")["due_at"], SECOND)
    monkeypatch.setattr(service, "SWEEP", 2)
    assert [reminded(api) for _ in range(3)] == [2, 1, 0]


def test_the_same_reminder_cannot_be_stored_twice(api: Api) -> None:
    event = suspected(api)
    reach(api, the(api, event, "serious_to_sponsor")["due_at"], SECOND)
    reminded(api)
    columns = [name for name in SafetyReminder.model_fields if name != "id"]
    listed = ", ".join(columns)
    with pytest.raises(DBAPIError, match="safety_reminder_once"):
        api.rows(
            f"INSERT INTO safety_reminder (id, {listed})"
            f" SELECT gen_random_uuid(), {listed} FROM safety_reminder"
        )

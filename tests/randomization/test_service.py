"""Allocations as they are kept: one per subject, in order, unchangeable, from one list."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from services.api.core.db import new_id
from services.api.randomization import rules, service
from services.api.settings import SANDBOX_SEED, Settings
from tests.make import Api, Json, created, ok, problem

ANOTHER_SEED = bytes(range(32))


def path(subject: Json) -> str:
    return f"/v1/subjects/{subject['id']}/randomization"


# --- the list and its secret ------------------------------------------------------------


def test_another_seed_allocates_nothing_and_says_the_list_is_unavailable(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = api.state.loaded.protocol.randomization
    stratum = rules.strata(section)[0]
    # A seed whose first arm is the committed one is refused too: the salt differs.
    assert rules.arm_at(ANOTHER_SEED, section, stratum, 1) == rules.arm_at(
        SANDBOX_SEED, section, stratum, 1
    )
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    before = api.changes()
    monkeypatch.setitem(vars(settings), "seed", ANOTHER_SEED)
    answer = investigator.post(path(subject), key="retried")
    problem(answer, 503, "list_unavailable")
    assert answer.headers["Retry-After"]
    assert api.count("allocation") == 0
    assert api.changes() == before
    assert api.rows("SELECT allocated FROM randomization_total")[0][0] == 0
    monkeypatch.undo()
    assert created(investigator.post(path(subject), key="retried"))["randomization_number"]


def test_the_seed_is_told_from_any_other_by_the_published_root(api: Api) -> None:
    protocol = api.state.loaded.protocol
    with api.state.database.session() as session:
        assert service.seed_matches(session, protocol.randomization, SANDBOX_SEED)
        assert not service.seed_matches(session, protocol.randomization, ANOTHER_SEED)
        service.publish(session, protocol, SANDBOX_SEED)
        with pytest.raises(service.SeedMismatch):
            service.publish(session, protocol, ANOTHER_SEED)


def test_the_database_knows_slots_by_their_leaf_hash_alone(api: Api) -> None:
    section = api.state.loaded.protocol.randomization
    slots = api.rows("SELECT * FROM randomization_slot WHERE stratum = 'NN-C' ORDER BY seq")
    assert set(slots[0]._mapping) == {"stratum", "seq", "leaf"}
    assert [bytes(slot.leaf) for slot in slots] == rules.leaves(SANDBOX_SEED, section)[: len(slots)]
    assert len(slots) == section.slots_per_stratum


# --- the cap ----------------------------------------------------------------------------


def test_the_trial_is_full_at_its_cap(api: Api) -> None:
    investigator = api.as_("investigator")
    last, too_many = investigator.eligible(), investigator.eligible()
    total = api.rows("SELECT cap FROM randomization_total")[0]
    assert total.cap == ok(investigator.get("/v1/study"))["target_enrolment"] == 200
    api.rows("UPDATE randomization_total SET allocated = cap - 1")
    created(investigator.post(path(last)))
    problem(investigator.post(path(too_many)), 409, "recruitment_complete")
    assert api.count("allocation") == 1
    assert ok(investigator.get(f"/v1/subjects/{too_many['id']}"))["status"] == "eligible"


# --- nothing is ever un-randomized --------------------------------------------------------


def test_the_service_cannot_change_an_allocation_or_the_list_even_by_sql(api: Api) -> None:
    api.as_("investigator").randomized()
    for statement in (
        "UPDATE allocation SET arm = 'control'",
        "DELETE FROM allocation",
        "TRUNCATE allocation",
        "UPDATE randomization_commitment SET slots = 1",
        "DELETE FROM randomization_slot",
        "UPDATE randomization_total SET cap = 999",
    ):
        with api.state.database.engine.connect() as connection:
            connection.execute(text("BEGIN"))
            connection.execute(text("SELECT set_config('trial.sites', 'NN,LZ,YL', true)"))
            assert connection.execute(text("SELECT arm FROM allocation")).all()
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(statement))


def test_not_even_the_superuser_changes_an_allocation_by_mistake(api: Api) -> None:
    api.as_("investigator").randomized()
    for statement in ("UPDATE allocation SET seq = seq", "DELETE FROM allocation"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


ALLOCATE = """
INSERT INTO allocation (id, site, subject_id, recorded_by, recorded_at, stratum, seq, arm,
    randomization_number, randomized_at, evaluation_version, protocol_version)
SELECT :id, site, :subject, recorded_by, recorded_at, stratum, :seq, arm,
    randomization_number, randomized_at, evaluation_version, protocol_version FROM allocation
"""


def test_no_second_allocation_no_slot_twice_and_no_skipped_slot(api: Api) -> None:
    investigator = api.as_("investigator")
    randomized, eligible = investigator.randomized(), investigator.eligible()
    for subject, seq, constraint in (
        (randomized, 2, "allocation_once"),
        (eligible, 1, "allocation_slot_once"),
        (eligible, 3, "allocation_without_gap"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            api.rows(ALLOCATE, id=new_id(), subject=subject["id"], seq=seq)
    api.rows(ALLOCATE, id=new_id(), subject=eligible["id"], seq=2)


# --- the audit trail --------------------------------------------------------------------


def test_an_allocation_is_audited_with_the_person_in_one_transaction(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    answer = investigator.post(path(subject))
    arm = created(answer)["arm"]
    allocation, moved = api.audit(subject)[-2:]
    assert (allocation.record, allocation.operation, allocation.role) == (
        "allocation",
        "INSERT",
        "investigator",
    )
    assert allocation.new["arm"] == arm
    assert allocation.request_id == answer.headers["X-Request-Id"]
    assert (moved.old["status"], moved.new["status"]) == ("eligible", "randomized")
    assert allocation.transaction == moved.transaction


def test_a_refused_randomization_leaves_no_audit_row_and_takes_no_slot(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    before = api.changes()
    problem(investigator.post(path(subject)), 409, "not_ready")
    assert api.changes() == before
    randomized = investigator.randomized()
    assert ok(investigator.get(path(randomized)))["randomization_number"] == "NN-C-001"

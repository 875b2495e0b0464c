"""Allocations as they are kept: one per subject, in order, unchangeable, from one list."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from services.api.core.making import new_id
from services.api.randomization import rules, service
from tests.allocation_list import DESIGN, LIST, another_secret, opened, proves, secret_file
from tests.make import Api, Json, adverse_event, created, ok, problem


def path(subject: Json) -> str:
    return f"/v1/subjects/{subject['id']}/randomization"


# --- the list and its secret ------------------------------------------------------------


def test_a_lost_secret_stops_allocations_and_nothing_else_until_it_is_restored(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secret_file(tmp_path)
    monkeypatch.setattr(api.state.randomization_secret, "path", secret.path)
    investigator = api.as_("investigator")
    subject, other = investigator.eligible(), investigator.randomized()
    before, kept = api.changes(), secret.path.read_bytes()
    for held, code in (
        (None, "list_absent"),
        ("not a secret", "list_absent"),
        (another_secret().model_dump_json(), "list_unavailable"),
    ):
        secret.path.unlink(missing_ok=True)
        if held is not None:
            secret.path.write_text(held)
        answer = investigator.post(path(subject), key="retried")
        problem(answer, 503, code)
        assert answer.headers["Retry-After"]
        problem(api.as_("auditor").get(f"{path(other)}/proof"), 503, code)
        problem(api.as_("auditor").get("/v1/randomization/proofs"), 503, code)
        assert api.changes() == before
    assert api.rows("SELECT allocated FROM randomization_total") == [(1,)]
    here = f"/v1/subjects/{other['id']}/adverse-events"
    created(investigator.post(here, adverse_event(api.today())))
    secret.path.write_bytes(kept)
    assert created(investigator.post(path(subject), key="retried"))["arm"] == LIST.arm("NN-C", 2)


def test_no_other_secret_has_the_leaf_of_any_slot() -> None:
    """Not even where its arms agree, as every second one does: the salts differ."""
    for number in range(20):
        other = another_secret(number).list_for(DESIGN)
        assert not set(other.leaves) & set(LIST.leaves)


def test_a_secret_is_told_from_any_other_by_the_published_root(api: Api) -> None:
    protocol = api.state.loaded.protocol
    with api.state.database.session() as session:
        service.publish(session, protocol, opened())
        with pytest.raises(service.SeedMismatch, match=LIST.root.hex()):
            service.publish(session, protocol, opened(another_secret()))


def test_the_database_knows_slots_by_their_leaf_hash_alone(api: Api) -> None:
    slots = api.rows("SELECT * FROM randomization_slot WHERE stratum = 'NN-C' ORDER BY seq")
    assert set(slots[0]._mapping) == {"stratum", "seq", "leaf"}
    assert [bytes(slot.leaf) for slot in slots] == list(LIST.leaves)[: len(slots)]
    assert len(slots) == DESIGN.slots_per_stratum


def standing_at(moment: datetime) -> Callable[[], datetime]:
    """A clock that always tells the same."""
    return lambda: moment


def test_the_times_of_a_stratum_keep_the_order_of_its_slots(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is a moment behind gives no earlier time; a wrong one stays visible."""
    investigator = api.as_("investigator")
    subjects = [investigator.eligible() for _ in range(3)]
    now = api.state.clock.now()
    told = []
    for subject, behind in zip(subjects, (0, 4, 300), strict=True):
        moment = now - timedelta(seconds=behind)
        monkeypatch.setattr(api.state.clock, "now", standing_at(moment))
        told.append(created(investigator.post(path(subject)))["randomized_at"])
    assert told[0] == told[1]
    assert datetime.fromisoformat(told[2]) == now - timedelta(minutes=5)


# --- proofs -----------------------------------------------------------------------------


def test_a_proof_leads_from_the_allocation_to_the_published_root(api: Api) -> None:
    investigator, auditor = api.as_("investigator"), api.as_("auditor")
    subjects = [
        investigator.randomized(),
        investigator.randomized(concurrent_chemotherapy=False),
        api.as_("investigator", "LZ").randomized(site="LZ"),
        investigator.randomized(),
    ]
    root = ok(api.get("/v1/randomization/commitment"))["root"]
    proofs = [ok(auditor.get(f"{path(subject)}/proof")) for subject in subjects]
    assert [(one["stratum_code"], one["seq"]) for one in proofs] == [
        ("NN-C", 1),
        ("NN-N", 1),
        ("LZ-C", 1),
        ("NN-C", 2),
    ]
    for subject, proof in zip(subjects, proofs, strict=True):
        allocation = ok(auditor.get(path(subject)))
        assert (
            allocation.items()
            >= {
                name: proof[name] for name in ("arm", "randomization_number", "randomized_at")
            }.items()
        )
        leaf = rules.leaf(
            proof["stratum_code"],
            proof["seq"],
            allocation["arm"],
            bytes.fromhex(proof["salt"]),
            DESIGN.arm_codes,
        )
        siblings = [bytes.fromhex(one) for one in proof["path"]]
        slots = len(LIST.leaves)
        assert proves(leaf, proof["leaf_index"], slots, siblings, bytes.fromhex(root))
        assert proof["root"] == root
    first = ok(auditor.get("/v1/randomization/proofs?limit=3"))
    rest = ok(auditor.get(f"/v1/randomization/proofs?cursor={first['next_cursor']}"))
    assert first["items"] + rest["items"] == proofs


def test_there_is_no_proof_before_there_is_an_allocation(api: Api) -> None:
    subject = api.as_("investigator").eligible()
    problem(api.as_("auditor").get(f"{path(subject)}/proof"), 404, "not_randomized")
    assert ok(api.as_("auditor").get("/v1/randomization/proofs"))["items"] == []


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
    assert api.rows("SELECT sum(drawn) FROM stratum") == [(1,)], "what is refused is not drawn"
    assert ok(investigator.get(f"/v1/subjects/{too_many['id']}"))["status"] == "eligible"


def test_a_stratum_counts_the_slots_that_were_drawn(api: Api) -> None:
    investigator = api.as_("investigator")
    subjects = [investigator.randomized() for _ in range(2)]
    told = [ok(investigator.get(path(subject)))["randomized_at"] for subject in subjects]
    counted = api.rows("SELECT code, drawn, drawn_at FROM stratum WHERE drawn > 0")
    assert counted == [("NN-C", 2, datetime.fromisoformat(told[-1]))]


def test_a_slot_whose_leaf_was_changed_is_not_given_and_not_counted(api: Api) -> None:
    subject = api.as_("investigator").eligible()
    api.rows("ALTER TABLE randomization_slot DISABLE TRIGGER USER")
    api.rows("UPDATE randomization_slot SET leaf = decode(repeat('00', 32), 'hex') WHERE seq = 1")
    refused = problem(api.as_("investigator").post(path(subject)), 503, "list_unavailable")
    assert "arm" not in refused
    assert api.rows("SELECT sum(drawn) FROM stratum") == [(0,)]


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

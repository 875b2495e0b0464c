"""A superuser who edits, deletes, adds, reorders, cuts off or restores is found out, and where."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from services.api.audit.rules import moment
from services.api.audit.statements import digest, name_of, read, sign
from services.api.audit.tables import POLICIES, audited, guards
from services.api.audit.verify import TOLD, CannotVerify, kept_checkpoints, kept_files, verify
from services.api.core.keys import TokenKey, new_signing_key
from services.api.embedded import Cluster
from services.api.randomization.merkle import leaf_hash, tree_head
from tests.audit.attacks import ATTACKS, EDITS, GRADED, REHASH, RELEAF, add, all_of
from tests.audit.conftest import Trail, answer, copied
from tests.conftest import APP_PASSWORD, Served, admin_url, execute, serving
from tests.lived import plain
from tests.make import ok


def found(faults: list[str], pattern: str) -> bool:
    return any(re.search(pattern, fault) for fault in faults)


def test_a_lived_trail_is_whole(history: Trail) -> None:
    findings = history.verify(kept=history.kept(), keys=frozenset({key_name(history.key)}))
    assert findings.faults == []
    assert findings.keys == [key_name(history.key)]
    counts = findings.counts
    assert counts["events"] == counts["sealed"] > 50
    assert counts["checkpoints"] == counts["kept"] == 4
    assert counts["chains"] > 20
    assert counts["tables"] >= 17
    assert counts["rows"] > 30
    assert findings.account().startswith("The trail is whole.")


def key_name(path: Path) -> str:
    return TokenKey.from_pem(path.read_text()).kid


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_is_told(trail: Trail, column: str) -> None:
    event = trail.ask(f"SELECT {GRADED}")
    with trail.attacked() as connection:
        edit = f"UPDATE audit_event SET {column} = {EDITS[column]} WHERE id = {event}"
        connection.execute(edit.encode())
    faults = trail.verify().faults
    where = "follows number" if column == "chain" else "does not match its hash"
    assert found(faults, rf"^Event {event} .*{where}"), faults


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_by_the_superuser_is_told(trail: Trail, attack: str) -> None:
    tamper, pattern = ATTACKS[attack]
    with trail.attacked() as connection:
        tamper(connection)
    findings = trail.verify()
    assert found(findings.faults, pattern), findings.faults
    assert findings.account().startswith("THE TRAIL IS NOT WHOLE.")


def test_what_was_added_in_the_past_is_told_though_the_sealer_seals_it(trail: Trail) -> None:
    with trail.attacked() as connection:
        all_of(add("0", "now() - interval '1 hour'"), REHASH)(connection)
    assert trail.seal() == 1
    faults = trail.verify().faults
    assert found(faults, r"^Event 0 says .*, but was not there when checkpoint 4 was made"), faults


def test_what_says_that_it_is_yet_to_come_is_told(trail: Trail) -> None:
    with trail.attacked() as connection:
        all_of(add(at="now() + interval '1 hour'"), REHASH)(connection)
    trail.seal()
    assert found(trail.verify().faults, r"^Event \d+ says .*, after checkpoint 5 sealed it")


def test_an_edit_is_told_though_an_ordinary_change_and_a_seal_follow(
    cluster: Cluster, served: Served, trail: Trail
) -> None:
    """The last event holds the forged value: only the event before it does not."""
    subject = trail.ask("SELECT id FROM subject WHERE site = 'LZ'")
    with trail.attacked() as connection:
        connection.execute("UPDATE subject SET year_of_birth = 1950 WHERE id = %s", (subject,))
    with serving(cluster, served, trail.name) as api:
        change = {"sex": "male", "reason": "Misread the source"}
        ok(api.as_("investigator", "LZ").patch(f"/v1/subjects/{subject}", change))
    trail.seal()
    assert trail.ask("SELECT year_of_birth FROM subject WHERE id = %s", subject) == 1950
    (fault,) = trail.verify().faults
    assert found([fault], rf'^Event \d+ says that year_of_birth of the row \["{subject}"\]'), fault


@pytest.mark.parametrize(("age", "told"), [("300 days", TOLD + 1), ("23 hours", 0)])
def test_a_trail_that_the_genuine_key_sealed_anew_is_told(
    trail: Trail, age: str, told: int
) -> None:
    """An honest sealer signs what it finds: that it did so long after the event is told."""
    with trail.attacked() as connection:
        all_of(
            "DELETE FROM audit_leaf",
            "DELETE FROM audit_checkpoint",
            f"UPDATE audit_event SET at = at - interval '{age}'",
            REHASH,
        )(connection)
    assert trail.seal() == trail.ask("SELECT count(*) FROM audit_event")
    faults = trail.verify(keys=frozenset({key_name(trail.key)})).faults
    assert len(faults) == told
    late = r"^Event 1, in checkpoint 1, was sealed 300\.0 days after it was written"
    assert found(faults, late) == bool(told)


def test_every_policy_and_guard_that_the_revisions_make_is_expected(history: Trail) -> None:
    with psycopg.connect(plain(admin_url(history.cluster, history.name))) as connection:
        policies = connection.execute(
            "SELECT tablename, policyname, permissive = 'PERMISSIVE', array_to_string(roles, ',')"
            " FROM pg_policies WHERE schemaname = 'public'"
        ).fetchall()
        made = connection.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal"
        ).fetchall()
        expected = {(guard.table, guard.name) for guard, _ in guards(audited(connection))}
    assert set(policies) == POLICIES
    assert set(made) == expected


# --- a key of one's own ------------------------------------------------------------------


def forge(connection: psycopg.Connection[Any], key: TokenKey, numbers: range) -> None:
    """Sign the checkpoints of those numbers anew, over what they hold now."""
    for number in numbers:
        rows = connection.execute(
            "SELECT event_id, hash FROM audit_leaf WHERE checkpoint = %s ORDER BY position",
            (number,),
        ).fetchall()
        statements = dict(
            connection.execute("SELECT number, statement FROM audit_checkpoint").fetchall()
        )
        content = {
            "number": number,
            "at": moment(read(statements[number]).at),
            "events": len(rows),
            "first": rows[0][0],
            "last": rows[-1][0],
            "root": tree_head([leaf_hash(row[1]) for row in rows]).hex(),
            "previous": digest(statements[number - 1]) if number > 1 else None,
        }
        connection.execute(
            "UPDATE audit_checkpoint SET statement = %s WHERE number = %s",
            (sign(key, content), number),
        )


@pytest.fixture
def forged(trail: Trail) -> Trail:
    """A trail whose past was edited, and every checkpoint signed anew by another key."""
    with trail.attacked() as connection:
        all_of(
            "UPDATE grading SET grade = 1 WHERE version = 2",
            f"UPDATE audit_event SET new = jsonb_set(new, '{{grade}}', '1') WHERE id = {GRADED}",
            REHASH,
            RELEAF,
        )(connection)
        forge(connection, TokenKey.from_pem(new_signing_key()), range(1, 5))
    return trail


def test_a_checkpoint_signed_by_another_key_is_told(trail: Trail) -> None:
    with trail.attacked() as connection:
        forge(connection, TokenKey.from_pem(new_signing_key()), range(3, 4))
    faults = trail.verify().faults
    assert found(faults, r"^Checkpoint 3 is signed by another key")
    assert found(faults, r"^Checkpoint 4 does not follow the one before it")


def test_a_trail_rewritten_with_another_key_is_told_by_the_sealer_s_key(
    history: Trail, forged: Trail
) -> None:
    assert forged.verify().faults == []  # whole in itself: only what is kept elsewhere tells
    faults = forged.verify(keys=frozenset({key_name(history.key)})).faults
    assert [fault.split(",")[0] for fault in faults] == [
        f"Checkpoint {number} is signed by another key" for number in range(1, 5)
    ]


def test_a_trail_rewritten_with_another_key_is_told_by_one_kept_checkpoint(
    history: Trail, forged: Trail
) -> None:
    kept = {3: history.kept()[3]}
    (fault,) = forged.verify(kept=kept).faults
    assert fault.startswith("Checkpoint 3 is not the one that was kept")


def test_a_sealer_may_get_another_key(trail: Trail, tmp_path: Path) -> None:
    new = tmp_path / "new.pem"
    new.write_text(new_signing_key())
    with trail.attacked() as connection:
        connection.execute("SET session_replication_role = origin")
        connection.execute(
            "SELECT note_audit_event('READ', 'x', '', NULL, gen_random_uuid(), NULL)"
        )
    moved = Trail(trail.cluster, trail.name, new)
    assert moved.seal() == 1
    assert found(moved.verify().faults, r"^Checkpoint 5 is signed by another key")
    both = frozenset({key_name(trail.key), key_name(new)})
    assert moved.verify(keys=both).faults == []


def test_the_sealer_s_key_is_named_by_its_public_half(trail: Trail) -> None:
    private = load_pem_private_key(trail.key.read_bytes(), None)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert name_of(public) == key_name(trail.key)


# --- what only somebody else's copy of the checkpoints can tell ----------------------------


def test_a_tail_cut_off_without_a_trace_is_told_by_the_kept_checkpoints(trail: Trail) -> None:
    kept = trail.kept()
    with trail.attacked() as connection:
        connection.execute(
            "SELECT note_audit_event('READ', 'x', '', NULL, gen_random_uuid(), NULL)"
        )
        connection.commit()
    trail.seal()
    kept_now = trail.kept()
    assert len(kept_now) == len(kept) + 1
    with trail.attacked() as connection:
        all_of(
            "DELETE FROM audit_event WHERE id IN"
            " (SELECT event_id FROM audit_leaf WHERE checkpoint = 5)",
            "DELETE FROM audit_leaf WHERE checkpoint = 5",
            "DELETE FROM audit_checkpoint WHERE number = 5",
            "DELETE FROM audit_chain c WHERE NOT EXISTS"
            " (SELECT FROM audit_event e WHERE e.chain = c.chain)",
        )(connection)
    assert trail.verify().faults == []
    (fault,) = trail.verify(kept=kept_now).faults
    assert fault.startswith("Checkpoint 5 was kept and is not here: the end of the trail was cut")


def test_an_older_backup_is_told_by_the_kept_checkpoints(trail: Trail) -> None:
    with copied(trail, "test_backup") as backup:
        with trail.attacked() as connection:
            connection.execute(
                "SELECT note_audit_event('READ', 'x', '', NULL, gen_random_uuid(), NULL)"
            )
        trail.seal()
        kept = trail.kept()
        assert backup.verify().faults == []
        (fault,) = backup.verify(kept=kept).faults
        assert fault.startswith("Checkpoint 5 was kept and is not here")
        # Work goes on upon the backup, and the same numbers are given anew.
        with backup.attacked() as connection:
            connection.execute(
                "SELECT note_audit_event('READ', 'y', '', NULL, gen_random_uuid(), NULL)"
            )
        backup.seal()
        assert backup.verify().faults == []
        (fault,) = backup.verify(kept=kept).faults
        assert fault.startswith("Checkpoint 5 is not the one that was kept")


@pytest.mark.parametrize("parts", [1, 2])
def test_kept_checkpoints_are_saved_answers_one_or_several(history: Trail, parts: int) -> None:
    kept = history.kept()
    pages = [kept] if parts == 1 else [{n: s} for n, s in kept.items()]
    assert kept_checkpoints("\n".join(map(answer, pages)) + "\n") == kept
    assert kept_checkpoints("") == {}


def test_every_file_of_kept_checkpoints_holds_some(history: Trail) -> None:
    kept = history.kept()
    assert kept_files([]) == {}
    assert kept_files([answer(kept), answer({1: kept[1]})]) == kept
    for none in ("", "\n", answer({})):
        for files in ([none], [answer(kept), none]):
            with pytest.raises(CannotVerify, match="holds none"):
                kept_files(files)


def test_whole_in_itself_is_said_where_nothing_kept_was_compared(history: Trail) -> None:
    said = "Whole in itself: give --key or --against to compare with what was kept."
    key = frozenset({key_name(history.key)})
    assert said in history.verify().account()
    assert said not in history.verify(keys=key).account()
    assert said not in history.verify(kept=history.kept()).account()


@pytest.mark.parametrize(
    "text",
    [
        " \n",
        "nonsense",
        "{",
        "[]",
        "{}",
        '{"items": [1]}',
        '{"items": [{"number": 1}]}',
        '{"items": []}',
        '{"items": [{"number": 1, "statement": "a"}, {"number": 1, "statement": "b"}]}',
        "[" * 100_000,
    ],
)
def test_a_file_that_holds_no_checkpoints_is_refused(text: str) -> None:
    with pytest.raises(CannotVerify):
        kept_checkpoints(text)


# --- how it is told -------------------------------------------------------------------------


def test_an_event_may_wait_for_its_seal_a_while(trail: Trail) -> None:
    with trail.attacked() as connection:
        connection.execute(
            "SELECT note_audit_event('READ', 'x', '', NULL, gen_random_uuid(), NULL)"
        )
    assert trail.verify(grace=60).faults == []
    (fault,) = trail.verify(grace=0).faults
    assert "is not sealed" in fault


def test_many_faults_of_one_kind_are_counted(trail: Trail) -> None:
    with trail.attacked() as connection:
        connection.execute("UPDATE audit_event SET request_id = 'x'")
    faults = trail.verify().faults
    events = trail.ask("SELECT count(*) FROM audit_event")
    assert len(faults) == TOLD + 1
    assert faults[-1] == f"… and {events - TOLD:,} more of this kind."


def test_whoever_cannot_see_everything_is_refused(trail: Trail) -> None:
    with pytest.raises(CannotVerify, match="connect as trial_auditor"):
        verify(trail.settings("trial_app", APP_PASSWORD))


def test_the_superuser_finds_the_same_as_the_auditor(trail: Trail) -> None:
    with trail.attacked() as connection:
        connection.execute("UPDATE grading SET grade = 1 WHERE version = 2")
    superuser = trail.settings(trail.cluster.superuser, trail.cluster.password)
    assert verify(superuser, grace=0).faults == trail.verify().faults


def test_the_time_zone_of_the_server_does_not_matter(trail: Trail) -> None:
    with trail.attacked() as connection:
        zone = f"ALTER DATABASE {trail.name} SET timezone = 'Asia/Shanghai'"
        connection.execute(zone.encode())
    with trail.attacked() as connection:
        connection.execute("SET session_replication_role = origin")
        assert connection.execute("SHOW timezone").fetchone() == ("Asia/Shanghai",)
        connection.execute("UPDATE account SET active = false WHERE username = 'dmc'")
    trail.seal()
    assert trail.verify().faults == []


def test_the_moment_is_told_as_the_database_hashes_it() -> None:
    at = datetime(2026, 11, 22, 1, 2, 3, 40, UTC)
    assert moment(at) == "2026-11-22T01:02:03.000040Z"
    assert moment(at - timedelta(microseconds=40)) == "2026-11-22T01:02:03.000000Z"
    assert sha256(b"").digest() == tree_head([])


def test_a_restored_dump_is_whole_and_goes_on(trail: Trail, tmp_path: Path) -> None:
    """A dump holds rows of transactions that the database restored into knows nothing of."""
    dump, programs = tmp_path / "dump", trail.cluster.bindir
    source = plain(admin_url(trail.cluster, trail.name))
    subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, source], check=True)
    execute(trail.cluster, "CREATE DATABASE test_restored")
    try:
        restored = Trail(trail.cluster, "test_restored", trail.key)
        target = plain(admin_url(trail.cluster, restored.name))
        subprocess.run([programs / "pg_restore", "-d", target, dump], check=True)
        assert restored.verify(kept=trail.kept()).faults == []
        with restored.attacked() as connection:
            connection.execute(
                "SELECT note_audit_event('READ', 'x', '', NULL, gen_random_uuid(), NULL)"
            )
        assert restored.seal() == 1
        assert restored.verify(kept=trail.kept()).faults == []
    finally:
        execute(trail.cluster, "DROP DATABASE test_restored WITH (FORCE)")

"""Every change leaves one row: who, when, old, new and why; nobody writes or mends that trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.lived import Lived
from tests.make import MERGE_PATCH, SUBJECT, Api, created, ok, problem

AUDITED = {
    "subject": "id",
    "consent": "id",
    "consent_withdrawal": "consent_id",
    "eligibility_evaluation": "subject_id",
    "eligibility_signature": "id",
    "radiotherapy": "subject_id",
    "deviation": "id",
    "allocation": "id",
    "visit": "subject_id",
    "grading": "id",
    "adverse_event": "id",
    "account": "id",
    "site_activation": "id",
    "randomization_commitment": "id",
    "protocol_version": "version",
}
"""Tables, and the column that names their record in the trail."""


def test_a_change_is_kept_with_who_when_old_new_and_why(api: Api) -> None:
    investigator = api.as_("investigator")
    before = datetime.now(UTC)
    answer = investigator.post("/v1/subjects", SUBJECT, headers={"X-Request-Id": "req-1"})
    subject = created(answer)
    investigator.request(
        "PATCH",
        answer.headers["Location"],
        json={"sex": "male", "reason": "Misread the source"},
        headers={"If-Match": '"1"', "Content-Type": MERGE_PATCH, "X-Request-Id": "req-2"},
    )
    first, second = api.audit(subject)
    who = ok(investigator.get("/v1/me"))["id"]
    for row, operation, request_id, reason in (
        (first, "INSERT", "req-1", None),
        (second, "UPDATE", "req-2", "Misread the source"),
    ):
        assert (row.record, row.record_id, row.operation) == ("subject", subject["id"], operation)
        assert (row.site, str(row.subject_id)) == ("NN", subject["id"])
        assert (row.actor, row.role) == (who, "investigator")
        assert (row.request_id, row.reason) == (request_id, reason)
        assert before <= row.at <= datetime.now(UTC)
    assert first.old is None
    assert first.new == second.old
    changed = {name for name in second.new if second.new[name] != second.old[name]}
    assert changed == {"sex", "version"}
    assert (second.old["sex"], second.new["sex"]) == ("female", "male")


def test_the_trail_tells_every_row_of_every_record(lived: Lived) -> None:
    """What the last audit row of a record says is what the table holds, and nothing is missing."""
    secret = {"account": "- 'secret_hash'"}
    for table, key in AUDITED.items():
        stored = lived.api.rows(
            f"SELECT {key}::text, to_jsonb(t) {secret.get(table, '')} FROM {table} t"
        )
        assert stored, f"{table} holds nothing to compare"
        written = lived.api.rows(
            "SELECT record_id, new FROM audit_event a WHERE record = :table AND NOT EXISTS"
            " (SELECT FROM audit_event b WHERE b.record = a.record AND b.id > a.id"
            "  AND b.old = a.new)",
            table=table,
        )
        assert sorted(map(repr, stored)) == sorted(map(repr, written)), table


def test_every_row_of_a_request_names_its_caller_and_one_transaction(lived: Lived) -> None:
    by_request: dict[str, set[Any]] = {}
    for row in lived.api.rows("SELECT * FROM audit_event WHERE request_id IS NOT NULL"):
        assert row.actor
        assert row.role in {"investigator", "admin"}
        by_request.setdefault(row.request_id, set()).add(row.transaction)
    assert len(by_request) > 15
    assert all(len(transactions) == 1 for transactions in by_request.values())
    everywhere = [one for transactions in by_request.values() for one in transactions]
    assert len(set(everywhere)) == len(everywhere)


def test_the_reason_of_a_new_version_stands_in_the_trail(lived: Lived) -> None:
    rows = lived.api.rows(
        "SELECT record, reason, new ->> 'reason' FROM audit_event WHERE (new ->> 'version') = '2'"
        " AND record IN ('grading', 'adverse_event', 'radiotherapy')"
    )
    assert {tuple(row) for row in rows} == {
        ("grading", "Misread", "Misread"),
        ("adverse_event", "Follow-up", "Follow-up"),
        ("radiotherapy", "First fraction delivered", "First fraction delivered"),
    }


def test_the_stamp_is_real_time_though_clinical_time_was_moved(api: Api) -> None:
    api.move_to(api.today() + timedelta(days=400))
    (row,) = api.audit(api.as_("investigator").screened())
    assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert datetime.fromisoformat(row.new["created_at"]) > row.at + timedelta(days=399)


def test_a_refused_request_leaves_no_trace(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    here = f"/v1/subjects/{subject['id']}"
    before = len(api.audit(subject))
    problem(investigator.post(f"{here}/randomization"), 409, "not_ready")
    problem(
        investigator.patch(here, {"status": "completed", "reason": "x" * 3}),
        409,
        "move_not_allowed",
    )
    problem(
        api.as_("monitor").patch(here, {"sex": "male", "reason": "Misread"}, version=1),
        403,
        "forbidden",
    )
    assert len(api.audit(subject)) == before


def test_no_secret_of_an_account_is_in_the_trail(unchanged: Api) -> None:
    rows = unchanged.rows("SELECT new FROM audit_event WHERE record = 'account'")
    assert len(rows) > 10
    assert all("secret_hash" not in row.new for row in rows)
    assert unchanged.rows("SELECT 1 FROM audit_event WHERE new::text LIKE '%argon2%'") == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET actor = 'nobody'", "DELETE FROM audit_event", "TRUNCATE audit_event"],
)
@pytest.mark.parametrize("role", ["trial_owner", "postgres"])
def test_not_even_the_owner_mends_the_trail(unchanged: Api, role: str, statement: str) -> None:
    with psycopg.connect(unchanged.admin_url.replace("+psycopg", "")) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="kept as they were"):
            connection.execute(statement.encode())

"""Every change, reading and refusal leaves one event; nobody writes or mends that trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from services.api.audit.tables import NOT_RECORDS, UNTOLD
from services.api.core.audit import Happening, note, note_read, remember_read
from tests.lived import TABLES, Lived
from tests.make import MERGE_PATCH, SUBJECT, Api, created, ok, problem

AUDITED = {
    "subject": "id",
    "consent": "id",
    "consent_withdrawal": "consent_id",
    "eligibility_evaluation": "subject_id",
    "eligibility_signature": "id",
    "grading_signature": "id",
    "adverse_event_signature": "id",
    "radiotherapy": "subject_id",
    "deviation": "id",
    "allocation": "id",
    "randomization_correction": "id",
    "visit": "subject_id",
    "exposure": "id",
    "discontinuation": "subject_id",
    "grading": "id",
    "adjudication": "id",
    "certificate": "id",
    "adverse_event": "id",
    "account": "id",
    "account_session": "id",
    "site_activation": "id",
    "randomization_commitment": "id",
    "protocol_version": "version",
    "reference_document": "id",
    "safety_deadline": "id",
    "safety_reminder": "id",
    "safety_submission": "id",
    "data_query": "id",
    "data_query_step": "id",
    "grading_verification": "id",
    "subject_lock": "subject_id",
    "study_lock": "version",
    "stopping_evaluation": "id",
    "webhook": "id",
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
    assert set(AUDITED) == set(TABLES) - NOT_RECORDS
    for table, key in AUDITED.items():
        untold = "{" + ",".join(UNTOLD.get(table, ())) + "}"
        stored = lived.api.rows(
            f"SELECT {key}::text, to_jsonb(t) - :untold ::text[] FROM {table} t", untold=untold
        )
        assert stored, f"{table} holds nothing to compare"
        written = lived.api.rows(
            "SELECT record_id, new FROM audit_event a WHERE record = :table"
            " AND operation IN ('INSERT', 'UPDATE') AND NOT EXISTS"
            " (SELECT FROM audit_event b WHERE b.record = a.record AND b.id > a.id"
            "  AND b.old = a.new)",
            table=table,
        )
        assert sorted(map(repr, stored)) == sorted(map(repr, written)), table


def test_every_row_of_a_request_names_its_caller_and_one_transaction(lived: Lived) -> None:
    by_request: dict[str, set[Any]] = {}
    changes = "request_id IS NOT NULL AND operation IN ('INSERT', 'UPDATE', 'DELETE')"
    for row in lived.api.rows(f"SELECT * FROM audit_event WHERE {changes}"):
        assert row.actor
        assert row.actor_name
        assert row.role in {
            "investigator",
            "admin",
            "data_manager",
            "monitor",
            "safety_officer",
            "coordinator",
            "hospital_system",
            "assessor",
        }
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


def test_a_refused_request_changes_nothing(api: Api) -> None:
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


def test_no_secret_of_an_account_is_in_the_trail(api: Api) -> None:
    ok(api.sign_in("monitor-nn"))
    rows = api.rows("SELECT new FROM audit_event WHERE record IN ('account', 'account_session')")
    assert len(rows) > 10
    hidden = {column for columns in UNTOLD.values() for column in columns}
    assert hidden >= {"secret_hash", "totp_secret"}
    assert all(not hidden & set(row.new) for row in rows)
    assert api.rows("SELECT 1 FROM audit_event WHERE new::text LIKE '%argon2%'") == []


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


# --- what happens without a change ---------------------------------------------------------


def happenings(api: Api, *words: str) -> list[Any]:
    """Events of those operations, oldest first."""
    return api.rows(
        "SELECT * FROM audit_event WHERE operation = ANY (:words) ORDER BY id", words=[*words]
    )


def reading(api: Api, path: str, **options: Any) -> list[Any]:
    """What a GET adds to the trail's readings."""
    before = len(happenings(api, "READ"))
    answer = api.get(path, **options)
    assert answer.status_code in {200, 304}, answer.text
    return happenings(api, "READ")[before:]


READS = {
    "": "read_subject",
    "/consents": "list_consents",
    "/eligibility": "read_eligibility",
    "/radiotherapy": "read_radiotherapy",
    "/deviations": "list_deviations",
    "/randomization": "read_randomization",
    "/randomization/corrections": "list_subject_corrections",
    "/exposures": "list_exposures",
    "/discontinuation": "read_discontinuation",
    "/visits": "list_visits",
    "/visits/RT1A": "read_visit",
    "/visits/RT1A/gradings": "list_gradings",
    "/endpoint": "read_endpoint",
    "/adverse-events": "list_subject_adverse_events",
    "/lock": "read_subject_lock",
}


def test_every_reading_of_a_subject_is_in_the_trail(api: Api) -> None:
    subject = api.as_("investigator").lived()
    monitor = api.as_("monitor")
    me = ok(monitor.get("/v1/me"))
    here = f"/v1/subjects/{subject['id']}"
    paths = {f"{here}{path}": operation for path, operation in READS.items()}
    for table, name in (("gradings", "grading"), ("adverse-events", "adverse_event")):
        one = api.rows(f"SELECT id FROM {name} LIMIT 1")[0].id
        paths[f"/v1/{table}/{one}"] = f"read_{name}"
        paths[f"/v1/{table}/{one}/versions"] = f"list_{name}_versions"
    differing = api.rows("SELECT id FROM adjudication LIMIT 1")[0].id
    paths[f"/v1/adjudications/{differing}"] = "read_adjudication"
    taken = api.rows("SELECT id FROM exposure LIMIT 1")[0].id
    paths[f"/v1/exposures/{taken}"] = "read_exposure"
    graded, asked = (api.rows(f"SELECT id FROM {one}")[0].id for one in ("grading", "data_query"))
    paths[f"/v1/gradings/{graded}/verifications"] = "list_grading_verifications"
    paths[f"/v1/queries/{asked}"] = "read_query"
    for path, operation in paths.items():
        (row,) = reading(monitor, path, headers={"X-Request-Id": "req-read"})
        assert (row.record, row.site, str(row.subject_id)) == (operation, "NN", subject["id"])
        assert (row.actor, row.actor_name, row.role) == (me["id"], me["name"], "monitor")
        assert (row.request_id, row.chain) == ("req-read", f"subject:{subject['id']}")
    described = monitor.get("/openapi.json").json()["paths"]
    of_subjects = {
        one["get"]["operationId"]
        for path, one in described.items()
        if "get" in one and "{" in path and path.split("/")[2] in {"subjects", "gradings"}
    }
    assert of_subjects - {"read_proof"} <= set(paths.values()), "a proof is not for monitors"


def test_what_a_cache_held_already_was_read_all_the_same(api: Api) -> None:
    investigator = api.as_("investigator")
    here = f"/v1/subjects/{investigator.screened()['id']}"
    tag = investigator.get(here).headers["ETag"]
    (row,) = reading(investigator, here, headers={"If-None-Match": tag})
    assert row.record == "read_subject"


@pytest.mark.parametrize("path", ["subjects", "randomizations", "adverse-events"])
def test_the_reading_of_a_list_over_subjects_is_in_the_trail(unchanged: Api, path: str) -> None:
    monitor = unchanged.as_("monitor")
    (row,) = reading(monitor, f"/v1/{path}")
    me = ok(monitor.get("/v1/me"))["id"]
    assert (row.site, row.subject_id, row.chain) == (None, None, f"account:{me}")
    assert row.record == f"list_{path.replace('-', '_')}"


@pytest.mark.parametrize("path", ["/v1/me", "/v1/study", "/v1/sites", "/v1/protocol-versions/1.0"])
def test_what_is_of_no_subject_is_not_noted(unchanged: Api, path: str) -> None:
    assert reading(unchanged.as_("monitor"), path) == []


def test_a_reading_that_found_nothing_is_not_noted(unchanged: Api) -> None:
    before = len(happenings(unchanged, "READ"))
    unknown = "/v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"
    problem(unchanged.as_("monitor").get(unknown), 404, "not_found")
    assert len(happenings(unchanged, "READ")) == before


def test_only_a_transaction_without_a_change_commits_without_the_disk(unchanged: Api) -> None:
    """A crash may lose the last readings, never a change."""
    database = unchanged.state.database
    for first, expected in ((None, "off"), ("SELECT pg_current_xact_id()", "on")):
        with database.session() as session:
            connection = session.connection()
            if first:
                connection.exec_driver_sql(first)
            remember_read(session)
            note_read(session, "read_subject", {})
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == expected


def test_a_refusal_of_permission_is_in_the_trail(api: Api) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.screened()
    me = ok(assessor.get("/v1/me"))
    answer = assessor.get(
        f"/v1/subjects/{subject['id']}/endpoint", headers={"X-Request-Id": "req-refused"}
    )
    problem(answer, 403, "forbidden")
    (row,) = happenings(api, "REFUSED")
    assert (row.record, row.record_id, row.request_id) == ("read_endpoint", "", "req-refused")
    assert (row.actor, row.actor_name, row.role) == (me["id"], me["name"], "assessor")
    assert row.chain == f"account:{me['id']}"
    assert row.new == {"problem": "forbidden", "subject_id": subject["id"]}
    assert (row.site, row.subject_id) == (None, None)


def test_a_refusal_by_a_service_is_in_the_trail_though_its_work_is_undone(api: Api) -> None:
    coordinator = api.as_("coordinator")
    problem(coordinator.post("/v1/subjects", {**SUBJECT, "site": "LZ"}), 403, "forbidden")
    (row,) = happenings(api, "REFUSED")
    assert row.record == "create_subject"
    assert api.count("subject") == 0


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/subjects/%00/endpoint"])
def test_who_is_not_known_is_not_refused_by_name(unchanged: Api, path: str) -> None:
    before = len(happenings(unchanged, "REFUSED"))
    problem(unchanged.get(path), 401, "unauthorized")
    assert len(happenings(unchanged, "REFUSED")) == before


@pytest.mark.parametrize("part", ["%00", "%ED%A0%80", "x" * 500, "%22%3B--"])
def test_a_path_that_no_trail_can_hold_is_refused_as_any_other(unchanged: Api, part: str) -> None:
    before = len(happenings(unchanged, "REFUSED"))
    problem(unchanged.as_("assessor").get(f"/v1/subjects/{part}/endpoint"), 403, "forbidden")
    (row,) = happenings(unchanged, "REFUSED")[before:]
    assert set(row.new) == {"problem"}


def test_a_refusal_that_cannot_be_kept_is_not_told_as_one(api: Api) -> None:
    """Here the caller's chain is held by another for longer than the app waits for a lock."""
    assessor = api.as_("assessor")
    problem(assessor.get("/v1/adverse-events"), 403, "forbidden")
    api.rows("ALTER ROLE trial_app SET lock_timeout = '50ms'")
    api.state.database.close()
    try:
        with psycopg.connect(api.admin_url.replace("+psycopg", "")) as holder:
            holder.execute("SELECT 1 FROM audit_chain FOR UPDATE")
            problem(assessor.get("/v1/adverse-events"), 503, "unavailable")
    finally:
        api.rows("ALTER ROLE trial_app SET lock_timeout = '5s'")
    assert len(happenings(api, "REFUSED")) == 1


def test_signing_in_and_out_is_in_the_trail(api: Api) -> None:
    ok(api.sign_in("monitor-nn"))
    (row,) = api.rows("SELECT * FROM audit_event WHERE record = 'account_session'")
    (account,) = api.rows("SELECT * FROM account WHERE username = 'monitor-nn'")
    assert (row.operation, row.actor, row.role) == ("INSERT", str(account.id), "monitor")
    assert (row.actor_name, row.chain) == (account.name, f"account:{account.id}")


def test_what_changes_with_every_use_does_not_flood_the_trail(api: Api) -> None:
    ok(api.sign_in("monitor-nn"))
    before = api.changes()
    api.rows("UPDATE account_session SET generation = 7, refreshed_at = now()")
    api.rows("UPDATE account SET totp_last_step = 7")
    assert api.changes() == before
    api.rows("UPDATE account_session SET signed_at = now(), generation = 8")
    assert api.changes() == before + 1
    api.rows("UPDATE account SET secret_hash = 'x', totp_last_step = 8 WHERE username = 'dmc'")
    assert api.changes() == before + 2


def test_what_happened_may_be_told_of_an_account_and_of_nobody(api: Api) -> None:
    with api.state.database.transaction() as session:
        note(session, Happening.SIGN_IN_REFUSED, "account", "a-1", detail={"because": "x"})
        note(session, Happening.SIGN_IN_REFUSED, "account", "")
    known, unknown = happenings(api, "SIGN_IN_REFUSED")
    assert (known.chain, known.new, known.actor) == ("account:a-1", {"because": "x"}, None)
    assert (unknown.chain, unknown.new) == ("trial", None)


@pytest.mark.parametrize("happening", Happening)
def test_the_database_knows_every_happening(unchanged: Api, happening: Happening) -> None:
    with unchanged.state.database.transaction() as session:
        note(session, happening, "account", "a-2")
    assert len(happenings(unchanged, happening.value)) >= 1

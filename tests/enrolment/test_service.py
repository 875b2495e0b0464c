"""What enrolment keeps: numbers without gaps, no national identifier, and an audit trail."""

import hashlib
import hmac
from uuid import uuid5

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.api.enrolment import service
from services.api.enrolment.models import Subject
from services.api.sandbox.service import NAMESPACE
from tests.make import SUBJECT, Api, Json, created, mistakes, ok, plan, problem

NATIONAL_ID = "45010319710304123X"
REASON = "Corrected from the source record"


def test_numbers_are_given_per_site_without_gaps_whatever_is_refused_between(api: Api) -> None:
    nanning, liuzhou = api.as_("coordinator"), api.as_("coordinator", "LZ")
    known = {**SUBJECT, "national_id": NATIONAL_ID}
    numbers = [nanning.screened(national_id=NATIONAL_ID)["number"]]
    problem(nanning.post("/v1/subjects", known), 409, "duplicate_subject")
    assert mistakes(nanning.post("/v1/subjects", {**SUBJECT, "year_of_birth": 2190}))
    numbers.append(liuzhou.screened(site="LZ")["number"])
    problem(liuzhou.post("/v1/subjects", {**known, "site": "LZ"}), 409, "duplicate_subject")
    numbers.append(nanning.screened()["number"])
    numbers.append(liuzhou.screened(site="LZ")["number"])
    assert numbers == ["NN-0001", "LZ-0001", "NN-0002", "LZ-0002"]


# --- national identifiers --------------------------------------------------------------


def test_a_national_identifier_is_kept_as_its_keyed_digest_only(api: Api) -> None:
    api.as_("coordinator").screened(national_id=NATIONAL_ID.lower())
    key = api.state.settings.person_key
    expected = hmac.new(key, NATIONAL_ID.encode(), hashlib.sha256).digest()
    assert [bytes(row.digest) for row in api.rows("SELECT * FROM person_digest")] == [expected]


def test_no_table_holds_a_national_identifier_or_its_plain_digest(api: Api) -> None:
    coordinator = api.as_("coordinator")
    coordinator.screened(national_id=NATIONAL_ID)
    problem(
        api.as_("coordinator", "LZ").post(
            "/v1/subjects", {**SUBJECT, "site": "LZ", "national_id": NATIONAL_ID}
        ),
        409,
        "duplicate_subject",
    )
    plain = NATIONAL_ID.encode()
    traces = "|".join((NATIONAL_ID, plain.hex(), hashlib.sha256(plain).hexdigest()))
    tables = api.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    assert {"person_digest", "audit_event", "idempotent_answer"} <= {one.name for one in tables}
    for table in tables:
        query = f"SELECT count(*) FROM {table.name} AS t WHERE t::text ~* :traces"
        assert api.rows(query, traces=traces)[0][0] == 0, table.name


def test_the_service_itself_cannot_read_the_digests(api: Api) -> None:
    api.as_("coordinator").screened(national_id=NATIONAL_ID)
    with (
        api.state.database.engine.connect() as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text("SELECT digest FROM person_digest"))


def test_a_national_identifier_is_6_to_32_plain_letters_and_digits(unchanged: Api) -> None:
    for national_id in ("12345", "x" * 33, "4501-0319", "４５０１０３"):
        body = {**SUBJECT, "national_id": national_id}
        answer = unchanged.as_("coordinator").post("/v1/subjects", body)
        assert mistakes(answer) == [("/national_id", "string_pattern_mismatch")]
        assert national_id not in answer.text


# --- consent in force -------------------------------------------------------------------


def in_force(api: Api, subject: Json) -> str | None:
    """The version of the consent that counts now."""
    with api.state.database.session() as session:
        session.connection().exec_driver_sql("SELECT set_config('trial.sites', 'NN', true)")
        row = session.get(Subject, subject["id"])
        assert row is not None
        consent = service.consent_in_force(session, row)
        return consent.version if consent else None


def test_the_newest_consent_is_in_force(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    approval = {
        "protocol_version": "1.0",
        "consent_version": "1.1",
        "ethics_reference": "2026-KY-0007",
        "approved_on": "2026-02-01",
    }
    created(api.as_("admin").post("/v1/sites/NN/activations", approval))
    assert in_force(api, subject) == "1.0"
    here = f"/v1/subjects/{subject['id']}/consents"
    created(coordinator.post(here, {"version": "1.1", "signed_on": str(api.today())}))
    assert in_force(api, subject) == "1.1"


def test_a_withdrawn_consent_is_not_in_force(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    here = f"/v1/subjects/{subject['id']}/consents"
    only = ok(coordinator.get(here))["items"][0]
    body = {"withdrawn_on": str(api.today()), "reason": REASON}
    created(coordinator.post(f"{here}/{only['id']}/withdrawal", body))
    assert in_force(api, subject) is None


# --- the audit trail --------------------------------------------------------------------


def test_a_write_leaves_who_when_old_new_and_why(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    where = f"/v1/subjects/{subject['id']}"
    answer = coordinator.patch(where, {"year_of_birth": 1970, "reason": REASON})
    assert answer.status_code == 200
    entered, changed = api.audit(subject)
    assert (entered.record, entered.operation, entered.old, entered.reason) == (
        "subject",
        "INSERT",
        None,
        None,
    )
    assert (changed.record, changed.operation, changed.reason) == ("subject", "UPDATE", REASON)
    assert (changed.old["year_of_birth"], changed.new["year_of_birth"]) == (1971, 1970)
    assert changed.actor == str(uuid5(NAMESPACE, "coordinator-nn"))
    assert changed.role == "coordinator"
    assert changed.site == "NN"
    assert changed.request_id == answer.headers["X-Request-Id"]
    assert changed.at >= entered.at


def test_a_withdrawal_is_audited_with_its_reason_in_both_records_it_changes(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    here = f"/v1/subjects/{subject['id']}/consents"
    consent = ok(coordinator.get(here))["items"][0]
    body = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    created(coordinator.post(f"{here}/{consent['id']}/withdrawal", body))
    withdrawal, status = api.audit(subject)[-2:]
    assert (withdrawal.record, withdrawal.reason) == ("consent_withdrawal", "Moves away")
    assert (status.record, status.reason) == ("subject", "Moves away")
    assert (status.old["status"], status.new["status"]) == ("screening", "withdrawn")
    assert withdrawal.transaction == status.transaction


def test_a_refused_write_leaves_no_audit_row(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    here = f"/v1/subjects/{subject['id']}"
    before = api.changes()
    refused = [
        coordinator.post("/v1/subjects", {**SUBJECT, "site": "LZ"}),
        coordinator.post("/v1/subjects", {**SUBJECT, "year_of_birth": 2190}),
        coordinator.patch(here, {"status": "completed", "reason": REASON}),
        coordinator.patch(here, {"sex": "male", "reason": REASON}, version=7),
        coordinator.post(f"{here}/consents", {"version": "1.0", "signed_on": str(api.today())}),
        coordinator.post(f"{here}/consents", {"version": "9.0", "signed_on": str(api.today())}),
        coordinator.put(f"{here}/radiotherapy", plan(api.today(), last_fraction_on="2026-01-01")),
    ]
    assert [answer.status_code for answer in refused] == [403, 422, 409, 412, 409, 409, 422]
    assert api.changes() == before

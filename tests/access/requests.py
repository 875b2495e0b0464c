"""For every operation, a request that succeeds for whom the matrix grants it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import httpx
import pyotp

from services.api.core.permissions import Role
from services.api.sandbox.service import NAMESPACE, PASSWORD
from tests.access.prepared import Prepared
from tests.facts import eligible_facts
from tests.make import (
    DOCUMENT,
    SUBJECT,
    WEBHOOK,
    WITHOUT_CHEMOTHERAPY,
    Api,
    Json,
    adverse_event,
    correction,
    ended,
    exposure,
    grading,
    lock,
    ok,
    plan,
    query,
    submission,
)

Send = Callable[[Api, Prepared, str], httpx.Response]


def read(path: str) -> Send:
    """A GET of an address that names prepared records."""
    return lambda api, at, _: api.get(path.format(at=at, grading=at.gradings["assessor"]))


def post(path: str, body: Callable[[Prepared], object]) -> Send:
    return lambda api, at, _: api.post(path.format(at=at), body(at))


def put(path: str, body: Callable[[Prepared], object], version: int) -> Send:
    return lambda api, at, _: api.put(path.format(at=at), body(at), version=version)


def facts(at: Prepared) -> Json:
    today = at.api.today()
    given = {**eligible_facts(today), "age_at_consent": today.year - SUBJECT["year_of_birth"]}
    return {"facts": given, "reason": "Values of today"}


def move_clock(api: Api, at: Prepared, _: str) -> httpx.Response:
    moment = datetime.now(UTC) + at.offset + timedelta(days=1)
    return api.request("POST", "/sandbox/clock", json={"now": moment.isoformat()})


def reset_sandbox(api: Api, _: Prepared, __: str) -> httpx.Response:
    return api.request("POST", "/sandbox/reset", json={})


def issue_token(api: Api, _: Prepared, __: str) -> httpx.Response:
    form = {"grant_type": "password", "username": "monitor-nn", "password": PASSWORD}
    return api.request("POST", "/v1/oauth/token", data=form)


def revoke_token(api: Api, _: Prepared, __: str) -> httpx.Response:
    return api.request("POST", "/v1/oauth/revoke", data={"token": api.token or "nobody's"})


def with_password(path: str, **more: str) -> Send:
    """A request of a person who has a password, and no token."""
    body = {"username": "monitor-nn", "password": PASSWORD, **more}
    return lambda api, _, __: api.request("POST", f"/v1/oauth/{path}", json=body)


def confirm_totp(api: Api, at: Prepared, caller: str) -> httpx.Response:
    offer = ok(with_password("totp")(api, at, caller))
    code = pyotp.TOTP(offer["secret"]).now()
    return with_password("totp/confirmation", ticket=offer["ticket"], totp=code)(api, at, caller)


def change_account(path: str, account: str) -> Send:
    body = {"name": "Another Name", "reason": "Married"}
    return lambda api, _, __: api.patch(f"{path}/{uuid5(NAMESPACE, account)}", body, version=1)


def sign(path: str, meaning: str) -> Send:
    """A person's signature, on their own record where they have one."""

    def signature(api: Api, at: Prepared, caller: str) -> httpx.Response:
        own = path.format(at=at, grading=at.gradings.get(caller, at.gradings["assessor"]))
        body = {"content_hash": at.hashes[own], "meaning": meaning, "password": PASSWORD}
        return api.post(f"{own}/signature", body)

    return signature


def correct_grading(api: Api, at: Prepared, caller: str) -> httpx.Response:
    """A person's own grading where they have one."""
    own = at.gradings.get(caller, at.gradings["assessor"])
    return api.patch(f"/v1/gradings/{own}", {"grade": 3, "reason": "Misread"}, version=1)


def correct_adverse_event(api: Api, at: Prepared, caller: str) -> httpx.Response:
    """What the caller's role may judge."""
    judged = caller == Role.SAFETY_OFFICER
    change = {"sponsor_causality": "possibly"} if judged else {"outcome": "recovered"}
    body = {**change, "reason": "Follow-up"}
    return api.patch(f"/v1/adverse-events/{at.event}", body, version=1)


def change_query(api: Api, at: Prepared, caller: str) -> httpx.Response:
    """The step of the caller's role."""
    reviews = caller in {Role.MONITOR, Role.DATA_MANAGER}
    body = {"action": "close" if reviews else "answer", "text": "Settled"}
    return api.patch(f"/v1/queries/{at.query}", body, version=1)


NEW_USER: Json = {
    "username": "lan.weiming",
    "name": "Lan Weiming",
    "role": "coordinator",
    "sites": ["NN"],
    "password": "wisteria ladder 7 mercury",
}
NEW_CLIENT: Json = {
    "client_id": "his-new",
    "name": "Another hospital system",
    "sites": ["NN"],
    "secret": "Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA",
}
CERTIFICATE = uuid5(NAMESPACE, "certificate of assessor-nn")
NEW_CERTIFICATE: Json = {
    "assessor": str(uuid5(NAMESPACE, "assessor-nn")),
    "valid_from": "2026-01-12",
    "valid_until": "2028-01-11",
    "training": "Calibration course",
}
LIVE = "/v1/subjects/{at.live}"
REQUESTS: dict[str, Send] = {
    "issue_token": issue_token,
    "revoke_token": revoke_token,
    "change_password": with_password("password", new_password="wisteria ladder 7 mercury"),
    "offer_totp": with_password("totp"),
    "confirm_totp": confirm_totp,
    "list_users": read("/v1/users"),
    "read_user": read(f"/v1/users/{uuid5(NAMESPACE, 'monitor-nn')}"),
    "create_user": post("/v1/users", lambda _: NEW_USER),
    "change_user": change_account("/v1/users", "monitor-nn"),
    "list_clients": read("/v1/clients"),
    "read_client": read(f"/v1/clients/{uuid5(NAMESPACE, 'his-nn')}"),
    "create_client": post("/v1/clients", lambda _: NEW_CLIENT),
    "change_client": change_account("/v1/clients", "his-nn"),
    "read_me": read("/v1/me"),
    "read_keys": read("/.well-known/jwks.json"),
    "read_authorization_server": read("/.well-known/oauth-authorization-server"),
    "read_study": read("/v1/study"),
    "list_sites": read("/v1/sites"),
    "read_site": read("/v1/sites/NN"),
    "list_protocol_versions": read("/v1/protocol-versions"),
    "read_protocol_version": read("/v1/protocol-versions/1.0"),
    "list_activations": read("/v1/sites/NN/activations"),
    "activate_site": post(
        "/v1/sites/NN/activations",
        lambda at: {
            "protocol_version": "1.0",
            "consent_version": "1.1",
            "ethics_reference": "2026-KY-1",
            "approved_on": str(at.api.today()),
        },
    ),
    "list_subjects": read("/v1/subjects"),
    "create_subject": post("/v1/subjects", lambda _: SUBJECT),
    "read_subject": read("/v1/subjects/{at.screened}"),
    "change_subject": lambda api, at, _: api.patch(
        f"/v1/subjects/{at.screened}", {"sex": "male", "reason": "Misread"}, version=1
    ),
    "list_consents": read("/v1/subjects/{at.consented}/consents"),
    "record_consent": post(
        "/v1/subjects/{at.screened}/consents",
        lambda at: {"version": "1.0", "signed_on": str(at.api.today())},
    ),
    "withdraw_consent": post(
        "/v1/subjects/{at.consented}/consents/{at.consent}/withdrawal",
        lambda at: {"withdrawn_on": str(at.api.today()), "reason": "Moves away"},
    ),
    "list_deviations": read(f"{LIVE}/deviations"),
    "report_deviation": post(
        f"{LIVE}/deviations",
        lambda at: {"code": "visit", "description": "Late", "occurred_on": str(at.api.today())},
    ),
    "read_radiotherapy": read(f"{LIVE}/radiotherapy"),
    "record_radiotherapy": put(
        "/v1/subjects/{at.evaluated}/radiotherapy", lambda at: plan(at.api.today()), 0
    ),
    "read_eligibility": read("/v1/subjects/{at.evaluated}/eligibility"),
    "record_eligibility": put("/v1/subjects/{at.evaluated}/eligibility", facts, 1),
    "sign_eligibility": post(
        "/v1/subjects/{at.evaluated}/eligibility/signature",
        lambda at: {
            "evaluation_hash": at.evaluation_hash,
            "meaning": "I confirm eligibility",
            "password": PASSWORD,
        },
    ),
    "randomize": post("/v1/subjects/{at.ready}/randomization", lambda _: None),
    "read_randomization": read(f"{LIVE}/randomization"),
    "list_randomizations": read("/v1/randomizations"),
    "read_commitment": read("/v1/randomization/commitment"),
    "read_proof": read(f"{LIVE}/randomization/proof"),
    "list_proofs": read("/v1/randomization/proofs"),
    "list_subject_corrections": read(f"{LIVE}/randomization/corrections"),
    "record_correction": post(
        f"{LIVE}/randomization/corrections",
        lambda at: correction(at.api.today(), "wrong_stratum", stratum=WITHOUT_CHEMOTHERAPY),
    ),
    "list_corrections": read("/v1/randomization/corrections"),
    "list_all_visits": read("/v1/visits"),
    "list_all_deviations": read("/v1/deviations"),
    "list_exposures": read(f"{LIVE}/exposures"),
    "record_exposure": post(f"{LIVE}/exposures", lambda at: exposure(at.api.today())),
    "read_exposure": read("/v1/exposures/{at.exposure}"),
    "correct_exposure": lambda api, at, _: api.patch(
        f"/v1/exposures/{at.exposure}", {"applications": 4, "reason": "Counted again"}, version=1
    ),
    "read_discontinuation": read(f"{LIVE}/discontinuation"),
    "record_discontinuation": put(
        f"{LIVE}/discontinuation", lambda at: {"treatment": ended(at.api.today())}, 0
    ),
    "list_visits": read(f"{LIVE}/visits"),
    "read_visit": read(f"{LIVE}/visits/RT1A"),
    "record_visit": put(f"{LIVE}/visits/RT2A", lambda _: {"missed_reason": "Holiday"}, 0),
    "list_gradings": read(f"{LIVE}/visits/RT1A/gradings"),
    "create_grading": post(f"{LIVE}/visits/RT1B/gradings", lambda at: grading(at.api.today())),
    "read_grading": read("/v1/gradings/{grading}"),
    "correct_grading": correct_grading,
    "list_adjudications": read("/v1/adjudications"),
    "read_adjudication": read("/v1/adjudications/{at.adjudication}"),
    "decide_adjudication": lambda api, at, _: api.patch(
        f"/v1/adjudications/{at.adjudication}", {"grade": 3, "reason": "Photograph"}, version=1
    ),
    "list_certificates": read("/v1/certificates"),
    "read_certificate": read(f"/v1/certificates/{CERTIFICATE}"),
    "record_certificate": post("/v1/certificates", lambda _: NEW_CERTIFICATE),
    "change_certificate": lambda api, _, __: api.patch(
        f"/v1/certificates/{CERTIFICATE}", {"training": "Another", "reason": "Wrong"}, version=1
    ),
    "list_grading_versions": read("/v1/gradings/{grading}/versions"),
    "sign_grading": sign("/v1/gradings/{grading}", "I confirm the grading"),
    "read_endpoint": read(f"{LIVE}/endpoint"),
    "list_subject_adverse_events": read(f"{LIVE}/adverse-events"),
    "report_adverse_event": post(
        f"{LIVE}/adverse-events", lambda at: adverse_event(at.api.today())
    ),
    "list_adverse_events": read("/v1/adverse-events"),
    "read_adverse_event": read("/v1/adverse-events/{at.event}"),
    "correct_adverse_event": correct_adverse_event,
    "list_terms": read("/v1/terms?q=nausea"),
    "read_labels": read("/v1/labels"),
    "list_reference_documents": read("/v1/safety/reference-documents"),
    "read_reference_document": read("/v1/safety/reference-documents/1.0"),
    "publish_reference_document": post(
        "/v1/safety/reference-documents",
        lambda _: {**DOCUMENT, "version": "2.0", "effective_on": "2199-12-31"},
    ),
    "sign_adverse_event": sign(
        "/v1/adverse-events/{at.event}", "I have reviewed the adverse event"
    ),
    "list_adverse_event_versions": read("/v1/adverse-events/{at.event}/versions"),
    "read_case_report": read("/v1/adverse-events/{at.event}/case-report"),
    "list_deadlines": read("/v1/safety/deadlines"),
    "read_deadline": read("/v1/safety/deadlines/{at.deadline}"),
    "list_deadline_versions": read("/v1/safety/deadlines/{at.deadline}/versions"),
    "list_submissions": read("/v1/adverse-events/{at.event}/submissions"),
    "record_submission": post(
        "/v1/adverse-events/{at.event}/submissions",
        lambda at: submission(at.api.state.clock.now(), "regulator"),
    ),
    "read_submission": read("/v1/adverse-events/{at.event}/submissions/{at.submission}"),
    "correct_submission": lambda api, at, _: api.patch(
        f"/v1/adverse-events/{at.event}/submissions/{at.submission}",
        {"receipt": "ACK-2", "reason": "Misread"},
        version=1,
    ),
    "list_queries": read("/v1/queries"),
    "read_query": read("/v1/queries/{at.query}"),
    "raise_query": post("/v1/queries", lambda at: query({"id": at.live})),
    "change_query": change_query,
    "list_grading_verifications": read("/v1/gradings/{grading}/verifications"),
    "verify_grading": lambda api, at, _: api.post(
        f"/v1/gradings/{at.gradings['assessor']}/verifications", {"version": 1}
    ),
    "list_verifications": read("/v1/verifications"),
    "read_subject_lock": read(f"{LIVE}/lock"),
    "set_subject_lock": put(f"{LIVE}/lock", lambda _: lock("frozen"), 0),
    "list_stopping_rules": read("/v1/safety/stopping-rules"),
    "list_stopping_evaluations": read("/v1/safety/stopping-rules/severe_reactions/evaluations"),
    "read_study_lock": read("/v1/study/lock"),
    "set_study_lock": put("/v1/study/lock", lambda _: lock("frozen"), 0),
    "read_randomization_report": read("/v1/reports/randomization"),
    "read_recruitment_report": read("/v1/reports/recruitment"),
    "read_consort_report": read("/v1/reports/consort"),
    "read_completeness_report": read("/v1/reports/completeness"),
    "read_agreement_report": read("/v1/reports/agreement"),
    "read_endpoints_report": read("/v1/reports/endpoints"),
    "read_safety_report": read("/v1/reports/safety-by-arm"),
    "read_export": read("/v1/exports/csv?dataset=subjects"),
    "read_fhir_capabilities": read("/v1/exports/fhir/metadata"),
    "list_audit_events": read("/v1/audit-events?site=NN"),
    "list_checkpoints": read("/v1/audit/checkpoints"),
    "list_events": read("/v1/events"),
    "list_webhooks": read("/v1/webhooks"),
    "create_webhook": post("/v1/webhooks", lambda _: WEBHOOK),
    "read_webhook": read("/v1/webhooks/{at.webhook}"),
    "change_webhook": lambda api, at, _: api.patch(
        f"/v1/webhooks/{at.webhook}", {"active": False, "reason": "Maintenance"}, version=1
    ),
    "end_webhook": lambda api, at, _: api.request("DELETE", f"/v1/webhooks/{at.webhook}"),
    "rotate_secret": lambda api, at, _: api.post(f"/v1/webhooks/{at.webhook}/secret"),
    "list_deliveries": read("/v1/webhooks/{at.webhook}/deliveries"),
    "replay_delivery": lambda api, at, _: api.post(
        f"/v1/webhooks/{at.webhook}/deliveries/{at.dead}/replay"
    ),
    "read_health": read("/healthz"),
    "read_readiness": read("/readyz"),
    "list_problems": read("/problems"),
    "read_problem": read("/problems/not_ready"),
    "read_clock": read("/sandbox/clock"),
    "move_clock": move_clock,
    "list_scenarios": read("/sandbox/scenarios"),
    "reset_sandbox": reset_sandbox,
}
LISTS = {
    "list_subjects",
    "list_randomizations",
    "list_corrections",
    "list_adjudications",
    "list_all_visits",
    "list_all_deviations",
    "list_adverse_events",
    "list_deadlines",
    "list_queries",
    "list_verifications",
    "list_audit_events",
}
"""Lists over sites: of whoever may not see the record's, they are empty."""
READS = {name for name in REQUESTS if name.startswith(("read_", "list_"))}
WRITES = set(REQUESTS) - READS - {"move_clock", "reset_sandbox", "offer_totp", "revoke_token"}
"""Operations whose success leaves a change in the trail."""

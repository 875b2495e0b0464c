"""For every write operation, a request that succeeds: what hostile requests are made from."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4, uuid5

import httpx
import pyotp

from services.api.sandbox.service import NAMESPACE, PASSWORD
from tests.core.signer import Signer
from tests.facts import eligible_facts
from tests.hostile.operations import Operation
from tests.make import (
    DOCUMENT,
    SUBJECT,
    WEBHOOK,
    WITHOUT_CHEMOTHERAPY,
    Api,
    adverse_event,
    at_noon,
    correction,
    created,
    ended,
    exposure,
    grading,
    lock,
    ok,
    plan,
    query,
    submission,
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """What an operation needs to succeed.

    `ids` fill the path; `version` is the If-Match of an operation that needs
    one; `ungranted` is a role that may not do it, `stranger` one that may at
    another site; a null for an `optional` field is no value.
    """

    caller: Api
    ids: Json = field(default_factory=dict)
    body: Json | None = None
    version: str = '"0"'
    ungranted: str = "monitor"
    optional: frozenset[str] = frozenset()
    stranger: str = "investigator"


@dataclass(frozen=True)
class Write:
    """An example as a request, whose every part a test may replace."""

    operation: Operation
    caller: Api
    path: str
    body: Json | None
    headers: dict[str, str]

    def send(self, **changed: Any) -> httpx.Response:
        """Send it with another body, content, path, caller, or headers (None removes one)."""
        write = replace(
            self, **{name: changed.pop(name) for name in ("path", "caller") if name in changed}
        )
        options: Json = {}
        if "content" in changed:
            options["content"] = changed.pop("content")
        elif "body" in changed:
            options["json"] = changed.pop("body")
        elif self.body is not None:
            options["json"] = self.body
        given = {**self.headers, **changed.pop("headers", {})}
        assert not changed, changed
        headers = {name: value for name, value in given.items() if value is not None}
        answer = write.caller.request(self.operation.method, write.path, headers=headers, **options)
        assert answer.status_code in self.operation.statuses, "an undocumented status"
        return answer

    def elsewhere(self, ids: Json) -> str:
        """The path with other ids."""
        return self.operation.path.format(**ids)


def write_of(operation: Operation, api: Api) -> tuple[Write, Example]:
    """The operation's example, set up on a database, as a request."""
    example = EXAMPLES[operation.id](api)
    headers: dict[str, str] = {}
    if operation.media_type is not None:
        headers["Content-Type"] = operation.media_type
    if operation.header("Idempotency-Key"):
        headers["Idempotency-Key"] = str(uuid4())
    if operation.header("If-Match"):
        headers["If-Match"] = example.version
    path = operation.path.format(**example.ids)
    return Write(operation, example.caller, path, example.body, headers), example


CODE = frozenset({"totp"})
"""What only people with an authenticator give."""
_NUMBERS = count()
"""No two examples are of the same person or consent form."""


def _of(subject: Json) -> Json:
    return {"subject_id": subject["id"]}


# --- the examples ------------------------------------------------------------------------


def _activate_site(api: Api) -> Example:
    body = {
        "protocol_version": "1.0",
        "consent_version": f"2.{next(_NUMBERS)}",
        "ethics_reference": "2026-KY-0001",
        "approved_on": "2025-12-31",  # before the sandbox's own, whose consent form stays the last
    }
    return Example(api.as_("admin"), {"code": "NN"}, body, ungranted="investigator")


def _create_subject(api: Api) -> Example:
    body = {**SUBJECT, "national_id": f"45010219710303{next(_NUMBERS):04d}"}
    return Example(api.as_("investigator"), body=body, optional=frozenset({"national_id"}))


def _change_subject(api: Api) -> Example:
    caller = api.as_("investigator")
    body = {"sex": "male", "year_of_birth": 1970, "reason": "Typing error"}
    return Example(caller, _of(caller.screened()), body, version='"1"')


def _record_consent(api: Api) -> Example:
    caller = api.as_("investigator")
    body = {"version": "1.0", "signed_on": str(api.today())}
    return Example(caller, _of(caller.screened()), body)


def _withdraw_consent(api: Api) -> Example:
    caller = api.as_("investigator")
    subject = caller.consented()
    consents = ok(caller.get(f"/v1/subjects/{subject['id']}/consents"))["items"]
    body = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    return Example(caller, {**_of(subject), "consent_id": consents[0]["id"]}, body)


def _record_radiotherapy(api: Api) -> Example:
    caller = api.as_("investigator")
    body = plan(api.today() + timedelta(days=10))
    return Example(caller, _of(caller.consented()), body)


def _report_deviation(api: Api) -> Example:
    caller = api.as_("investigator")
    body = {"code": "visit", "description": "Clinic closed", "occurred_on": str(api.today())}
    return Example(caller, _of(caller.screened()), body, ungranted="assessor")


def _record_eligibility(api: Api) -> Example:
    caller = api.as_("investigator")
    subject = caller.consented()
    facts = {**eligible_facts(api.today()), "age_at_consent": caller.age(subject)}
    return Example(caller, _of(subject), {"facts": facts})


def _sign_eligibility(api: Api) -> Example:
    caller = api.as_("investigator")
    subject = caller.evaluated()
    evaluation = ok(caller.get(f"/v1/subjects/{subject['id']}/eligibility"))
    body = {
        "evaluation_hash": evaluation["evaluation_hash"],
        "meaning": "I confirm eligibility",
        "password": PASSWORD,
    }
    return Example(caller, _of(subject), body, '"0"', "coordinator", CODE)


def _randomize(api: Api) -> Example:
    caller = api.as_("investigator")
    return Example(caller, _of(caller.eligible()), ungranted="coordinator")


def _record_correction(api: Api) -> Example:
    subject = api.as_("investigator").randomized()
    body = correction(api.today(), "wrong_stratum", stratum=WITHOUT_CHEMOTHERAPY)
    return Example(api.as_("data_manager"), _of(subject), body, ungranted="investigator")


def _planned(api: Api) -> Json:
    """A subject whose radiotherapy, and with it the schedule of visits, is planned."""
    subject = api.consented()
    path = f"/v1/subjects/{subject['id']}/radiotherapy"
    ok(api.put(path, plan(api.today() + timedelta(days=10)), version=0))
    return subject


def _record_visit(api: Api) -> Example:
    caller = api.as_("investigator")
    subject = _planned(caller)
    body = {"date": str(api.today())}
    return Example(caller, {**_of(subject), "code": "BL"}, body)


def _record_exposure(api: Api) -> Example:
    caller = api.as_("investigator")
    body = exposure(api.today(), missed_reason="None was missed")
    return Example(caller, _of(caller.treated()), body)


def _correct_exposure(api: Api) -> Example:
    caller = api.as_("investigator")
    taken = caller.took_study_drug(caller.treated())
    body = {"applications": 2, "missed_reason": "Slept", "reason": "Counted again"}
    return Example(caller, {"exposure_id": taken["id"]}, body, version='"1"')


def _record_discontinuation(api: Api) -> Example:
    caller, end = api.as_("investigator"), ended(api.today())
    return Example(caller, _of(caller.treated()), {"treatment": end, "study": end})


def _visited(api: Api) -> Json:
    subject = _planned(api)
    path = f"/v1/subjects/{subject['id']}/visits/BL"
    ok(api.put(path, {"date": str(api.today())}, version=0))
    return subject


def _create_grading(api: Api) -> Example:
    caller = api.as_("investigator")
    body = grading(api.today())
    return Example(caller, {**_of(_visited(caller)), "code": "BL"}, body)


def _correct_grading(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{_visited(caller)['id']}/visits/BL/gradings"
    made = created(caller.post(path, grading(api.today())))
    changed = grading(api.today(), grade=1, mucosal_appearance="erythema", reason="Misread")
    return Example(caller, {"grading_id": made["id"]}, changed, version='"1"')


def _decide_adjudication(api: Api) -> Example:
    body = {"grade": 3, "reason": "The photograph shows a membrane"}
    ids = {"adjudication_id": api.disputed()["id"]}
    return Example(api.as_("investigator"), ids, body, '"1"', "coordinator")


def _record_certificate(api: Api) -> Example:
    body = {
        "assessor": str(uuid5(NAMESPACE, "assessor-nn")),
        "valid_from": "2026-01-12",
        "valid_until": "2028-01-11",
        "training": "Calibration course",
    }
    return Example(api.as_("data_manager"), body=body, ungranted="investigator")


def _change_certificate(api: Api) -> Example:
    caller, body = api.as_("data_manager"), _record_certificate(api).body or {}
    made = created(caller.post("/v1/certificates", body))
    changed = {**body, "valid_until": "2027-01-11", "reason": "Expires earlier"}
    del changed["assessor"]
    return Example(caller, {"certificate_id": made["id"]}, changed, '"1"', "investigator")


def _report_adverse_event(api: Api) -> Example:
    caller = api.as_("investigator")
    return Example(caller, _of(caller.consented()), adverse_event(api.today()))


def _correct_adverse_event(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{caller.consented()['id']}/adverse-events"
    made = created(caller.post(path, adverse_event(api.today())))
    body = {**adverse_event(api.today()), "outcome": "recovered", "reason": "Follow-up"}
    return Example(caller, {"event_id": made["id"]}, body, version='"1"')


def _publish_reference_document(api: Api) -> Example:
    caller = api.as_("safety_officer")
    body = {**DOCUMENT, "version": f"2.{next(_NUMBERS)}", "effective_on": "2199-12-31"}
    return Example(caller, body=body, ungranted="investigator")


def _record_submission(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{caller.consented()['id']}/adverse-events"
    made = created(caller.post(path, adverse_event(api.today())))
    body = {**submission(api.state.clock.now(), "sponsor"), "event_version": 1}
    optional = frozenset({"event_version", "receipt"})
    return Example(
        api.as_("safety_officer"),
        {"event_id": made["id"]},
        body,
        ungranted="investigator",
        optional=optional,
    )


def _correct_submission(api: Api) -> Example:
    reported = _record_submission(api)
    path = f"/v1/adverse-events/{reported.ids['event_id']}/submissions"
    sent = created(reported.caller.post(path, reported.body))
    body = {"submitted_at": sent["submitted_at"], "receipt": "ACK-2", "reason": "Misread"}
    ids = {**reported.ids, "submission_id": sent["id"]}
    return Example(reported.caller, ids, body, '"1"', "investigator")


def _sign_grading(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{_visited(caller)['id']}/visits/BL/gradings"
    made = created(caller.post(path, grading(api.today())))
    body = _signature(made, "I confirm the grading")
    return Example(caller, {"grading_id": made["id"]}, body, '"0"', "coordinator", CODE)


def _sign_adverse_event(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{caller.consented()['id']}/adverse-events"
    made = created(caller.post(path, adverse_event(api.today())))
    body = _signature(made, "I have reviewed the adverse event")
    return Example(caller, {"event_id": made["id"]}, body, '"0"', "assessor", CODE)


def _raise_query(api: Api) -> Example:
    body = query(api.as_("investigator").screened())
    optional = frozenset({"record_id", "field"})
    return Example(api.as_("monitor"), body=body, ungranted="investigator", optional=optional)


def _change_query(api: Api) -> Example:
    caller = api.as_("investigator")
    asked = created(api.as_("monitor").post("/v1/queries", query(caller.screened())))
    body = {"action": "answer", "text": "Corrected"}
    return Example(caller, {"query_id": asked["id"]}, body, '"1"', "statistician")


def _create_webhook(api: Api) -> Example:
    optional = frozenset({"types", "description"})
    caller = api.as_("hospital_system")
    return Example(caller, body=WEBHOOK, optional=optional)


def _webhook(api: Api) -> Json:
    return {"webhook_id": created(api.as_("hospital_system").post("/v1/webhooks", WEBHOOK))["id"]}


def _change_webhook(api: Api) -> Example:
    body = {"active": False, "sites": ["NN"], "reason": "Maintenance"}
    caller, optional = api.as_("hospital_system"), frozenset({"types", "description"})
    return Example(
        caller, _webhook(api), body, '"1"', optional=optional, stranger="hospital_system"
    )


def _of_webhook(api: Api) -> Example:
    return Example(api.as_("hospital_system"), _webhook(api), stranger="hospital_system")


def _replay_delivery(api: Api) -> Example:
    ids = _webhook(api)
    api.as_("investigator").screened()
    ok(api.as_("monitor").get("/v1/events"))
    api.rows("UPDATE webhook_delivery SET state = 'dead'")
    path = f"/v1/webhooks/{ids['webhook_id']}/deliveries"
    [dead, *_] = ok(api.as_("hospital_system").get(path))["items"]
    ids["event_id"] = dead["event_id"]
    return Example(api.as_("hospital_system"), ids, stranger="hospital_system")


def _verify_grading(api: Api) -> Example:
    caller = api.as_("investigator")
    path = f"/v1/subjects/{_visited(caller)['id']}/visits/BL/gradings"
    made = created(caller.post(path, grading(api.today())))
    body = {"version": 1, "note": "Agrees with the sheet"}
    return Example(
        api.as_("monitor"),
        {"grading_id": made["id"]},
        body,
        ungranted="investigator",
        stranger="monitor",
        optional=frozenset({"note"}),
    )


def _set_subject_lock(api: Api) -> Example:
    subject = api.as_("investigator").screened()
    return Example(api.as_("data_manager"), _of(subject), lock("frozen"))


def _set_study_lock(api: Api) -> Example:
    caller = api.as_("data_manager")
    version = ok(caller.get("/v1/study/lock"))["version"]
    return Example(caller, body=lock("frozen"), version=f'"{version}"')


def _signature(made: Json, meaning: str) -> Json:
    return {"content_hash": made["content_hash"], "meaning": meaning, "password": PASSWORD}


# --- accounts ----------------------------------------------------------------------------

FIRST_PASSWORD, OWN_PASSWORD = "wisteria ladder 7 mercury", "saffron anvil 3 glacier"


def _user() -> Json:
    return {
        "username": f"person-{next(_NUMBERS)}",
        "name": "Lan Weiming",
        "role": "coordinator",
        "sites": ["NN"],
        "password": FIRST_PASSWORD,
    }


def _client() -> Json:
    number = next(_NUMBERS)
    return {
        "client_id": f"system-{number}",
        "name": "Hospital information system",
        "sites": ["NN"],
        "secret": f"Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA{number}",
        "jwks": {"keys": [Signer.new(kid="2026").jwk()]},
    }


def _create_user(api: Api) -> Example:
    return Example(api.as_("admin"), body=_user(), ungranted="investigator")


def _change_user(api: Api) -> Example:
    caller = api.as_("admin")
    made = created(caller.post("/v1/users", _user()))
    body = {"name": "Lan Wei", "sites": ["LZ", "NN"], "active": True, "reason": "Moves"}
    return Example(caller, {"user_id": made["id"]}, body, '"1"', "investigator")


def _create_client(api: Api) -> Example:
    optional = frozenset({"secret", "jwks"})  # either is enough
    return Example(api.as_("admin"), body=_client(), ungranted="hospital_system", optional=optional)


def _change_client(api: Api) -> Example:
    caller = api.as_("admin")
    made = created(caller.post("/v1/clients", _client()))
    body = {"name": "Another system", "sites": ["LZ", "NN"], "active": True, "reason": "Replaced"}
    optional = frozenset({"secret", "jwks"})
    return Example(caller, {"account_id": made["id"]}, body, '"1"', "hospital_system", optional)


def _change_password(api: Api) -> Example:
    person = _user()
    created(api.as_("admin").post("/v1/users", person))
    body = {**_own(person), "new_password": OWN_PASSWORD}
    return Example(api, body=body, optional=CODE)


def _own(person: Json) -> Json:
    return {"username": person["username"], "password": person["password"]}


def _established(api: Api) -> Json:
    """The user name and password of someone who has chosen it."""
    change = _change_password(api).body or {}
    ok(api.client.post("/v1/oauth/password", json=change))
    return {"username": change["username"], "password": OWN_PASSWORD}


def _offer_totp(api: Api) -> Example:
    return Example(api, body=_established(api), optional=CODE)


def _confirm_totp(api: Api) -> Example:
    person = _established(api)
    offer = ok(api.client.post("/v1/oauth/totp", json=person))
    code = pyotp.TOTP(offer["secret"]).now()
    return Example(api, body={**person, "ticket": offer["ticket"], "totp": code})


def _move_clock(api: Api) -> Example:
    return Example(api, body={"now": at_noon(api.today() + timedelta(days=3))})


def _reset_sandbox(api: Api) -> Example:
    return Example(api, body={"scenario": "empty", "seed": 2})


def _form(api: Api) -> Example:
    return Example(api)


EXAMPLES: dict[str, Callable[[Api], Example]] = {
    "activate_site": _activate_site,
    "create_subject": _create_subject,
    "change_subject": _change_subject,
    "record_consent": _record_consent,
    "withdraw_consent": _withdraw_consent,
    "record_radiotherapy": _record_radiotherapy,
    "report_deviation": _report_deviation,
    "record_eligibility": _record_eligibility,
    "sign_eligibility": _sign_eligibility,
    "randomize": _randomize,
    "record_correction": _record_correction,
    "record_visit": _record_visit,
    "record_exposure": _record_exposure,
    "correct_exposure": _correct_exposure,
    "record_discontinuation": _record_discontinuation,
    "create_grading": _create_grading,
    "correct_grading": _correct_grading,
    "decide_adjudication": _decide_adjudication,
    "record_certificate": _record_certificate,
    "change_certificate": _change_certificate,
    "report_adverse_event": _report_adverse_event,
    "correct_adverse_event": _correct_adverse_event,
    "publish_reference_document": _publish_reference_document,
    "move_clock": _move_clock,
    "reset_sandbox": _reset_sandbox,
    "sign_grading": _sign_grading,
    "record_submission": _record_submission,
    "correct_submission": _correct_submission,
    "sign_adverse_event": _sign_adverse_event,
    "raise_query": _raise_query,
    "change_query": _change_query,
    "verify_grading": _verify_grading,
    "create_webhook": _create_webhook,
    "change_webhook": _change_webhook,
    "end_webhook": _of_webhook,
    "rotate_secret": _of_webhook,
    "replay_delivery": _replay_delivery,
    "set_subject_lock": _set_subject_lock,
    "set_study_lock": _set_study_lock,
    "create_user": _create_user,
    "change_user": _change_user,
    "create_client": _create_client,
    "change_client": _change_client,
    "change_password": _change_password,
    "offer_totp": _offer_totp,
    "confirm_totp": _confirm_totp,
    "issue_token": _form,
    "revoke_token": _form,
}
"""By operation id. Forms have tests of their own in test_token.py."""

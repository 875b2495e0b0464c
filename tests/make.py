"""Builders: subjects at any point of the trial, made over HTTP as a hospital would."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
from sqlalchemy import create_engine, text
from starlette.datastructures import State

from services.api.core.permissions import Role
from services.api.sandbox.service import NAMESPACE, PASSWORD, username
from tests.facts import eligible_facts

Json = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"

SUBJECT: Json = {"site": "NN", "year_of_birth": 1971, "sex": "female"}
WEBHOOK: Json = {"url": "http://127.0.0.1:9/events", "sites": ["NN"]}
"""Where nobody listens, which is told at once."""
WITHOUT_CHEMOTHERAPY: Json = {"site": "NN", "concurrent_chemotherapy": False}
"""The correct stratum of a subject who was randomized as if they had it."""


DOCUMENT: Json = {
    "version": "1.0",
    "title": "Investigator's brochure, section 7",
    "effective_on": "2026-01-12",
    "expected": [{"term": "Nausea", "max_grade": 2}],
}
"""A version of the reference safety information."""
FATAL: Json = {"grade": 5, "outcome": "fatal", "seriousness": ["death"]}
"""What an adverse event says of which the subject died."""


SUSPECTED: Json = {"causality": {"study_drug": "possibly", "radiotherapy": "probably"}}
"""What an adverse event says of which the study drug is suspected."""


def adverse_event(today: date) -> Json:
    """A serious adverse event that began yesterday."""
    return {
        "term": "Dysphagia",
        "grade": 3,
        "onset_on": str(today),
        "aware_at": at_noon(today),
        "serious": True,
        "seriousness": ["hospitalisation"],
        "causality": {"study_drug": "unlikely", "radiotherapy": "probably"},
        "action_taken": "none",
        "outcome": "recovering",
        "narrative": "Admitted for tube feeding.",
    }


def submission(sent_at: datetime, recipient: str, **changed: object) -> Json:
    """The first report of a case to a recipient, with its receipt."""
    return {
        "recipient": recipient,
        "kind": "initial",
        "submitted_at": sent_at.isoformat(),
        "receipt": "ACK-1",
        **changed,
    }


def exposure(day: date, **changed: object) -> Json:
    """The study drug of a day, taken as planned."""
    return {"day": str(day), "applications": 3, **changed}


def ended(day: date, cause: str = "other") -> Json:
    """The end of treatment or of taking part, on that day."""
    return {"on": str(day), "cause": cause, "detail": "Told at the visit"}


def correction(today: date, kind: str, **given: object) -> Json:
    """An error in randomization, found today; `given` holds the field of its kind."""
    return {
        "kind": kind,
        "discovered_on": str(today),
        "reason": "Found on source data review",
        **given,
    }


def grading(day: date, **changed: object) -> Json:
    """A grading of patchy mucositis on a local day."""
    return {
        "assessed_at": at_noon(day),
        "grade": 2,
        "mucosal_appearance": "patchy",
        "ulceration": False,
        "pain_score": 5,
        "analgesic": "none",
        "diet": "soft",
        **changed,
    }


def query(subject: Json, **changed: object) -> Json:
    """A question about the subject's year of birth."""
    return {
        "subject_id": subject["id"],
        "record": "subject",
        "field": "year_of_birth",
        "text": "The source says otherwise",
        **changed,
    }


def lock(state: str) -> Json:
    """A new state of a record, and why."""
    return {"state": state, "reason": "As the data review plan says"}


SEVERE: Json = {
    "grade": 3,
    "mucosal_appearance": "confluent",
    "pain_score": 8,
    "analgesic": "opioid",
}
"""What makes a grading one of confluent mucositis."""


def at_noon(day: date) -> str:
    """A moment on that local date in the trial's time zone, early enough to be past."""
    return datetime.combine(day - timedelta(days=1), time(16), UTC).isoformat()


def plan(start: date, **changed: object) -> Json:
    """A radiotherapy plan of 33 fractions."""
    return {
        "planned_dose_gy": 66,
        "planned_fractions": 33,
        "planned_start": str(start),
        "concurrent_chemotherapy": True,
        **changed,
    }


@dataclass(frozen=True)
class Api:
    """The API as one caller sees it; `as_` gives it to another."""

    client: httpx.Client
    state: State
    admin_url: str
    token: str | None = None

    def as_(self, role: str, site: str = "NN", place: int = 1) -> "Api":
        """The same API for the demo account of that role, at that site if bound to one.

        A site has two assessors; `place` says which.
        """
        return self.signed_in(Role(role), (site,), place)

    def signed_in(self, role: Role, sites: Sequence[str], place: int = 1) -> "Api":
        """The same API with a token for those sites."""
        name = username(role, sites[0] if sites else "NN", place)
        trial_wide = name == role.value.replace("_", "-")
        everywhere = () if role in {Role.ADMIN, Role.DMC} else ("LZ", "NN", "YL")
        token = self.state.issuer.issue(
            subject=uuid5(NAMESPACE, name),
            role=role,
            sites=everywhere if trial_wide else tuple(sites),
            name=f"Demo {role.value}",
            machine=role is Role.HOSPITAL_SYSTEM,
        )
        return replace(self, token=token)

    def sign_in(self, username: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """A person's request for tokens."""
        form = {"grant_type": "password", "username": username, "password": password, **more}
        return self.client.post("/v1/oauth/token", data=form)

    def refresh(self, token: str) -> httpx.Response:
        """A request for tokens with a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.client.post("/v1/oauth/token", data=form)

    def with_token(self, token: str) -> "Api":
        """The same API with a token of the caller's own."""
        return replace(self, token=token)

    # --- requests ---------------------------------------------------------------------

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request, with the caller's token."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(
        self, path: str, body: object = None, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """A POST with a fresh Idempotency-Key, unless one is given."""
        headers = {"Idempotency-Key": key or str(uuid4()), **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self.request("POST", path, headers=headers, **options)

    def put(self, path: str, body: object, *, version: int | str | None = None) -> httpx.Response:
        """A PUT on the version given, or else on the current one."""
        tag = self._tag(path, version)
        return self.request("PUT", path, json=body, headers={"If-Match": tag})

    def patch(self, path: str, body: object, *, version: int | str | None = None) -> httpx.Response:
        """A merge patch on the version given, or else on the current one."""
        headers = {"If-Match": self._tag(path, version), "Content-Type": MERGE_PATCH}
        return self.request("PATCH", path, json=body, headers=headers)

    def _tag(self, path: str, version: int | str | None) -> str:
        if version is not None:
            return f'"{version}"'
        return self.get(path).headers["ETag"]

    # --- time and the database behind it ---------------------------------------------

    def today(self) -> date:
        """The clinical date."""
        today: date = self.state.clock.today()
        return today

    def move_to(self, day: date) -> None:
        """Move clinical time to the late evening of a local day."""
        moment = datetime.combine(day, time(15, 30), UTC).isoformat()
        answer = self.client.post("/sandbox/clock", json={"now": moment})
        assert answer.status_code == 200, answer.text

    def rows(self, statement: str, **values: object) -> list[Any]:
        """Rows as the superuser sees them, past row-level security."""
        engine = create_engine(self.admin_url)
        try:
            with engine.begin() as connection:
                result = connection.execute(text(statement), values)
                return list(result.all()) if result.returns_rows else []
        finally:
            engine.dispose()

    def count(self, table: str) -> int:
        """How many rows a table holds, whoever they belong to."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def changes(self) -> int:
        """How many changes the trail tells of; it tells of reads and refusals too."""
        return self.count("audit_event WHERE operation IN ('INSERT', 'UPDATE', 'DELETE')")

    # --- the life of a subject ---------------------------------------------------------

    def screened(self, **changed: object) -> Json:
        """A subject in screening."""
        return created(self.post("/v1/subjects", {**SUBJECT, **changed}))

    def consented(self, **changed: object) -> Json:
        """A subject with a consent signed today."""
        subject = self.screened(**changed)
        path = f"/v1/subjects/{subject['id']}/consents"
        created(self.post(path, {"version": "1.0", "signed_on": str(self.today())}))
        return subject

    def evaluated(self, **changed: object) -> Json:
        """A consented subject with facts that make them eligible."""
        subject = self.consented(**changed)
        path = f"/v1/subjects/{subject['id']}/eligibility"
        facts = {**eligible_facts(self.today()), "age_at_consent": self.age(subject)}
        ok(self.put(path, {"facts": facts}))
        return subject

    def age(self, subject: Json) -> int:
        """The age at consent of a subject screened that day who had had that year's birthday."""
        screened = self.state.clock.local_date(datetime.fromisoformat(subject["created_at"]))
        years: int = screened.year - subject["year_of_birth"]
        return years

    def eligible(self, **changed: object) -> Json:
        """A subject whose eligibility an investigator signed, with a radiotherapy plan."""
        chemotherapy = changed.pop("concurrent_chemotherapy", True)
        subject = self.evaluated(**changed)
        here = f"/v1/subjects/{subject['id']}"
        start = self.today() + timedelta(days=10)
        ok(self.put(f"{here}/radiotherapy", plan(start, concurrent_chemotherapy=chemotherapy)))
        created(self.sign(subject))
        return ok(self.get(here))

    def sign(self, subject: Json, **changed: object) -> httpx.Response:
        """An investigator's signature on the current evaluation."""
        path = f"/v1/subjects/{subject['id']}/eligibility"
        signature = {
            "evaluation_hash": ok(self.get(path))["evaluation_hash"],
            "meaning": "I confirm eligibility",
            "password": PASSWORD,
            **changed,
        }
        return self.post(f"{path}/signature", signature)

    def sign_record(self, path: str, **changed: object) -> httpx.Response:
        """The caller's signature on the current version of a grading or adverse event."""
        signature = {
            "content_hash": ok(self.get(path))["content_hash"],
            "password": PASSWORD,
            **changed,
        }
        return self.post(f"{path}/signature", signature)

    def sign_grading(self, made: Json, **changed: object) -> httpx.Response:
        """The caller's signature on the current version of a grading."""
        return self.sign_record(
            f"/v1/gradings/{made['id']}", **{"meaning": "I confirm the grading", **changed}
        )

    def sign_adverse_event(self, event: Json, **changed: object) -> httpx.Response:
        """The caller's signature on the current version of an adverse event."""
        stated = {"meaning": "I have reviewed the adverse event", **changed}
        return self.sign_record(f"/v1/adverse-events/{event['id']}", **stated)

    def randomized(self, **changed: object) -> Json:
        """A subject with an allocation."""
        subject = self.eligible(**changed)
        here = f"/v1/subjects/{subject['id']}"
        created(self.post(f"{here}/randomization"))
        return ok(self.get(here))

    def treated(self, **changed: object) -> Json:
        """A randomized subject of the arm that receives the study drug."""
        while True:
            subject = self.randomized(**changed)
            if self.receives_study_drug(subject):
                return subject

    def receives_study_drug(self, subject: Json) -> bool:
        """Whether the randomized subject takes anything."""
        return bool(ok(self.get(path(subject, "randomization")))["arm"] == "experimental")

    def took_study_drug(self, subject: Json) -> Json:
        """The record of a subject who took the study drug today."""
        return created(self.post(path(subject, "exposures"), exposure(self.today())))

    def paired(self, one: str, other: str) -> Json:
        """The data manager's record that two randomized subjects are the same person."""
        body = correction(self.today(), "duplicate", other_subject=other)
        manager = self.as_("data_manager")
        return created(manager.post(f"/v1/subjects/{one}/randomization/corrections", body))

    def on_treatment(self, **changed: object) -> Json:
        """A randomized subject who had the first fraction today."""
        subject = self.randomized(**changed)
        here = f"/v1/subjects/{subject['id']}"
        first = self.today() + timedelta(days=10)
        self.move_to(first)
        body = plan(first, first_fraction_on=str(first), reason="First fraction delivered")
        ok(self.put(f"{here}/radiotherapy", body))
        return ok(self.get(here))

    def in_radiotherapy(self, site: str = "NN", **changed: object) -> Json:
        """A consented subject, not randomized, whose first fraction was today."""
        subject = self.consented(site=site)
        today = self.today()
        body = plan(today, first_fraction_on=str(today), **changed)
        ok(self.put(f"/v1/subjects/{subject['id']}/radiotherapy", body))
        return subject

    def graded(self, subject: Json, code: str, day: date, **changed: object) -> Json:
        """A grading by an assessor at a visit that took place on that day."""
        assessor = self.as_("assessor", str(subject["site"]))
        visit = f"/v1/subjects/{subject['id']}/visits/{code}"
        ok(assessor.put(visit, {"date": str(day)}))
        return created(assessor.post(f"{visit}/gradings", grading(day, **changed)))

    def disputed(self, code: str = "RT1A", site: str = "NN") -> Json:
        """The adjudication of a visit of today that two assessors graded 2 and 3."""
        coordinator, today = self.as_("coordinator", site), self.today()
        subject = coordinator.in_radiotherapy(site=site)
        ok(coordinator.put(path(subject, "visits", code), {"date": str(today)}))
        self.graded_differently(path(subject, "visits", code, "gradings"), site)
        where = f"/v1/adjudications?subject_id={subject['id']}"
        [opened] = ok(self.as_("monitor", site).get(where))["items"]
        return dict(opened)

    def died(self, subject: Json) -> Json:
        """The subject, who died today."""
        return ok(self.patch(path(subject), {"status": "died", "reason": "Told by the ward"}))

    def reported(self, subject: Json, **changed: object) -> Json:
        """An adverse event of the subject, reported today."""
        body = {**adverse_event(self.today()), **changed}
        return created(self.post(path(subject, "adverse-events"), body))

    def graded_differently(self, where: str, site: str = "NN") -> None:
        """Gradings of today, 2 and 3, by the two assessors of a site."""
        for place, seen in ((1, {}), (2, SEVERE)):
            assessor = self.as_("assessor", site, place)
            created(assessor.post(where, grading(self.today(), **seen)))

    def lived(self, site: str = "NN") -> Json:
        """A subject about whom there is a record of every kind; consent is withdrawn at last."""
        subject = self.on_treatment(site=site)
        here, today = f"/v1/subjects/{subject['id']}", self.today()
        ok(self.put(f"{here}/visits/RT1A", {"date": str(today)}))
        graded = created(self.post(f"{here}/visits/RT1A/gradings", grading(today)))
        created(self.sign_grading(graded))
        ok(self.patch(f"/v1/gradings/{graded['id']}", {"grade": 3, "reason": "Misread"}))
        ok(self.put(f"{here}/visits/RT1B", {"date": str(today)}))
        self.graded_differently(f"{here}/visits/RT1B/gradings", site)
        event = created(self.post(f"{here}/adverse-events", adverse_event(today)))
        created(self.sign_adverse_event(event))
        recovered = {"outcome": "recovered", "reason": "Follow-up"}
        ok(self.patch(f"/v1/adverse-events/{event['id']}", recovered))
        self.reported(subject, grade=2, continues=event["id"])
        reports = f"/v1/adverse-events/{event['id']}/submissions"
        sent = submission(self.state.clock.now(), "regulator")
        created(self.as_("safety_officer").post(reports, sent))
        deviation = {"code": "visit", "description": "Late", "occurred_on": str(today)}
        created(self.post(f"{here}/deviations", deviation))
        if self.receives_study_drug(subject):  # by every list that the tests let them live with
            self.took_study_drug(subject)
            ok(self.put(f"{here}/discontinuation", {"treatment": ended(today)}))
        self.reviewed(subject, graded)
        consent = ok(self.get(f"{here}/consents"))["items"][0]
        withdrawal = {"withdrawn_on": str(today), "reason": "Moves away"}
        created(self.post(f"{here}/consents/{consent['id']}/withdrawal", withdrawal))
        return ok(self.get(here))

    def reviewed(self, subject: Json, graded: Json) -> None:
        """A query about the subject, answered; a verified grading; a record frozen and opened."""
        site = str(subject["site"])
        monitor, manager = self.as_("monitor", site), self.as_("data_manager")
        asked = created(monitor.post("/v1/queries", query(subject)))
        answer = {"action": "answer", "text": "Corrected"}
        ok(self.as_("coordinator", site).patch(f"/v1/queries/{asked['id']}", answer))
        here = f"/v1/gradings/{graded['id']}"
        version = ok(monitor.get(here))["version"]
        created(monitor.post(f"{here}/verifications", {"version": version}))
        for state in ("frozen", "open"):
            ok(manager.put(path(subject, "lock"), lock(state)))

    def close_site(self, site: str) -> None:
        """Take a site's approvals away, which no caller of the service can do."""
        self.rows("ALTER TABLE site_activation DISABLE TRIGGER USER")
        self.rows("DELETE FROM site_activation WHERE site = :site", site=site)
        self.rows("ALTER TABLE site_activation ENABLE TRIGGER USER")

    def audit(self, subject: Json) -> list[Any]:
        """The changes of the subject's records in the trail, oldest first."""
        return self.rows(
            "SELECT * FROM audit_event WHERE subject_id = :id"
            " AND operation IN ('INSERT', 'UPDATE', 'DELETE') ORDER BY id",
            id=UUID(subject["id"]),
        )


def path(subject: Json, *parts: str) -> str:
    """The address of a subject, or of something that belongs to them."""
    return "/".join(("/v1/subjects", subject["id"], *parts))


def ok(answer: httpx.Response) -> Json:
    """The body of a 200."""
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def created(answer: httpx.Response) -> Json:
    """The body of a 201."""
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem of a refusal."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    body: Json = answer.json()
    assert body["type"] == f"/problems/{code}", body
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == answer.headers["X-Request-Id"]
    return body


def mistakes(answer: httpx.Response) -> list[tuple[str, str]]:
    """Pointer and code of everything that a 422 names."""
    return [(one["pointer"], one["code"]) for one in problem(answer, 422, "invalid")["errors"]]

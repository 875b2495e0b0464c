"""A trial in which each operation has something that it may act on, and copies of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid5

import psycopg

from services.api.core.db import Database
from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.identity.watch import SessionWatch
from services.api.sandbox.service import NAMESPACE, username
from tests.access.matrix import ANONYMOUS
from tests.conftest import APP_PASSWORD, admin_url, cloned
from tests.lived import plain
from tests.make import (
    DOCUMENT,
    SUBJECT,
    SUSPECTED,
    WEBHOOK,
    Api,
    adverse_event,
    correction,
    created,
    exposure,
    grading,
    ok,
    path,
    query,
    submission,
)

PREPARED = "test_prepared"


@dataclass(frozen=True)
class Prepared:
    """A trial at NN in which each operation has something that it may act on."""

    api: Api
    database: Database
    watch: SessionWatch
    superuser: psycopg.Connection[Any]
    offset: timedelta
    screened: str
    consented: str
    consent: str
    evaluated: str
    evaluation_hash: str
    ready: str
    live: str
    event: str
    deadline: str
    submission: str
    query: str
    exposure: str
    gradings: dict[str, str]
    adjudication: str
    hashes: dict[str, str]
    webhook: str
    dead: str

    def as_(self, caller: str, sites: tuple[str, ...]) -> Api:
        """The API for a demo account, with a token for other sites than its own."""
        if caller == ANONYMOUS:
            return replace(self.api, token=None)
        role = Role(caller)
        token = self.api.state.issuer.issue(
            subject=uuid5(NAMESPACE, username(role, "NN")),
            role=role,
            sites=sites,
            name="Demo",
            machine=role is Role.HOSPITAL_SYSTEM,
        )
        return replace(self.api, token=token)

    def count(self) -> int:
        """How many changes were stored; a refusal or read leaves a trace, but changes nothing."""
        (counted,) = self.superuser.execute(
            "SELECT (SELECT count(*) FROM idempotent_answer) + (SELECT count(*) FROM audit_event"
            " WHERE operation IN ('INSERT', 'UPDATE', 'DELETE'))"
        ).fetchall()
        return int(counted[0])


def prepare(api: Api) -> dict[str, Any]:
    """The records that the requests below act on."""
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.on_treatment()
    live = subject["id"]
    yesterday = exposure(api.today() - timedelta(days=1))
    taken = created(investigator.post(path(subject, "exposures"), yesterday))
    visits = f"/v1/subjects/{live}/visits"
    gradings = {}
    for code in ("RT1A", "RT1B"):
        ok(assessor.put(f"{visits}/{code}", {"date": str(api.today())}))
        if code == "RT1A":
            for one in (investigator, assessor):
                graded = created(one.post(f"{visits}/{code}/gradings", grading(api.today())))
                gradings[ok(one.get("/v1/me"))["role"]] = graded["id"]
    disputed = f"{visits}/RT2B"
    ok(assessor.put(disputed, {"date": str(api.today())}))
    api.graded_differently(f"{disputed}/gradings")
    [adjudication] = ok(investigator.get("/v1/adjudications"))["items"]
    consented = investigator.consented()["id"]
    consents = ok(investigator.get(f"/v1/subjects/{consented}/consents"))["items"]
    corrections = f"/v1/subjects/{live}/randomization/corrections"
    ineligible = correction(api.today(), "ineligible", criteria=["I02"])
    created(api.as_("data_manager").post(corrections, ineligible))
    evaluated = investigator.evaluated()["id"]
    evaluation = ok(investigator.get(f"/v1/subjects/{evaluated}/eligibility"))
    susar = {**adverse_event(api.today()), **SUSPECTED}
    reported = investigator.post(f"/v1/subjects/{live}/adverse-events", susar)
    event = created(reported)["id"]
    created(api.as_("safety_officer").post("/v1/safety/reference-documents", DOCUMENT))
    reports = f"/v1/adverse-events/{event}/submissions"
    body = submission(api.state.clock.now(), "sponsor")
    sent = created(api.as_("safety_officer").post(reports, body))["id"]
    owed, *_ = ok(investigator.get("/v1/safety/deadlines"))["items"]
    about = query(subject, record="grading", record_id=gradings["assessor"], field="grade")
    asked = created(api.as_("monitor").post("/v1/queries", about))
    webhook, dead = undelivered(api)
    signable = [f"/v1/gradings/{one}" for one in gradings.values()] + [
        f"/v1/adverse-events/{event}"
    ]
    return {
        "screened": investigator.screened()["id"],
        "consented": consented,
        "consent": consents[0]["id"],
        "evaluated": evaluated,
        "evaluation_hash": evaluation["evaluation_hash"],
        "ready": investigator.eligible()["id"],
        "live": live,
        "event": event,
        "deadline": owed["id"],
        "submission": sent,
        "query": asked["id"],
        "exposure": taken["id"],
        "gradings": gradings,
        "adjudication": adjudication["id"],
        "webhook": webhook,
        "dead": dead,
        "hashes": {path: ok(investigator.get(path))["content_hash"] for path in signable},
    }


def undelivered(api: Api) -> tuple[str, str]:
    """A webhook of the hospital's system, and an event whose delivery was given up."""
    system = api.as_("hospital_system")
    made = created(system.post("/v1/webhooks", WEBHOOK))["id"]
    created(system.post("/v1/subjects", SUBJECT))
    ok(system.get("/v1/events"))  # publishes
    api.rows("UPDATE webhook_delivery SET state = 'dead', fault = 'timeout'")
    [dead, *_] = ok(system.get(f"/v1/webhooks/{made}/deliveries"))["items"]
    return made, dead["event_id"]


@contextmanager
def copy(
    cluster: Cluster, name: str, template: str = PREPARED
) -> Iterator[tuple[str, Database, psycopg.Connection[Any]]]:
    """A copy of the prepared database, as the superuser and as the role that serves."""
    with cloned(cluster, name, template):
        url = admin_url(cluster, name)
        database = Database(cluster.url("trial_app", APP_PASSWORD, name), pool_size=1)
        try:
            with psycopg.connect(plain(url), autocommit=True) as superuser:
                yield url, database, superuser
        finally:
            database.close()

"""The delegation log, tried over HTTP: every operation, by every role, at every kind of site.

`permissions.csv` is written by hand. `where` says whose the record is: `own` is at a site of the
caller, `other` is not, with `none` the caller has no site, and with `any` the site plays no part.
A dash stands where the case does not exist: trial-wide roles have all sites or none.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid5

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from services.api.core.auth import Open, Require
from services.api.core.db import Database
from services.api.core.permissions import GRANTS, PUBLIC, SITE_BOUND, Action, Role
from services.api.embedded import Cluster
from services.api.identity import service as identity
from services.api.sandbox.service import NAMESPACE, PASSWORD, username
from services.api.system import service as readiness
from tests.conftest import APP_PASSWORD, Served, admin_url, cloned, execute, serving
from tests.facts import eligible_facts
from tests.lived import plain
from tests.make import SUBJECT, Api, Json, adverse_event, created, grading, ok, plan

ANONYMOUS = "anonymous"
WITH_EVERY_SITE = {Role.DATA_MANAGER, Role.SAFETY_OFFICER, Role.STATISTICIAN, Role.AUDITOR}
SITES = {"own": ("NN",), "any": ("NN",), "other": ("LZ", "YL"), "none": ()}
PREPARED = "test_prepared"

with (Path(__file__).parent / "permissions.csv").open() as file:
    MATRIX = list(csv.DictReader(file))
CELLS = [
    (row["operation"], row["where"], caller, int(row[caller]))
    for row in MATRIX
    for caller in (ANONYMOUS, *Role)
    if row[caller] != "-"
]


@dataclass(frozen=True)
class Prepared:
    """A trial at NN in which each operation has something that it may act on."""

    api: Api
    database: Database
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
    gradings: dict[str, str]

    def as_(self, caller: str, sites: tuple[str, ...]) -> Api:
        """The API for a demo account, with a token for other sites than its own."""
        if caller == ANONYMOUS:
            return replace(self.api, token=None)
        role = Role(caller)
        everywhere = ("LZ", "NN", "YL") if role in WITH_EVERY_SITE else sites
        token = self.api.state.issuer.issue(
            subject=uuid5(NAMESPACE, username(role, "NN")),
            role=role,
            sites=everywhere,
            name="Demo",
            machine=role is Role.HOSPITAL_SYSTEM,
        )
        return replace(self.api, token=token)

    def count(self) -> int:
        """How many changes were ever stored."""
        (counted,) = self.superuser.execute(
            "SELECT (SELECT count(*) FROM audit_event) + (SELECT count(*) FROM idempotent_answer)"
        ).fetchall()
        return int(counted[0])


def prepare(api: Api) -> dict[str, Any]:
    """The records that the requests below act on."""
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    live = investigator.on_treatment()["id"]
    visits = f"/v1/subjects/{live}/visits"
    gradings = {}
    for code in ("RT1A", "RT1B"):
        ok(assessor.put(f"{visits}/{code}", {"date": str(api.today())}))
        if code == "RT1A":
            for one in (investigator, assessor):
                graded = created(one.post(f"{visits}/{code}/gradings", grading(api.today())))
                gradings[ok(one.get("/v1/me"))["role"]] = graded["id"]
    consented = investigator.consented()["id"]
    consents = ok(investigator.get(f"/v1/subjects/{consented}/consents"))["items"]
    evaluated = investigator.evaluated()["id"]
    evaluation = ok(investigator.get(f"/v1/subjects/{evaluated}/eligibility"))
    event = investigator.post(f"/v1/subjects/{live}/adverse-events", adverse_event(api.today()))
    return {
        "screened": investigator.screened()["id"],
        "consented": consented,
        "consent": consents[0]["id"],
        "evaluated": evaluated,
        "evaluation_hash": evaluation["evaluation_hash"],
        "ready": investigator.eligible()["id"],
        "live": live,
        "event": created(event)["id"],
        "gradings": gradings,
    }


@contextmanager
def copy(cluster: Cluster, name: str) -> Iterator[tuple[str, Database, psycopg.Connection[Any]]]:
    """A copy of the prepared database, as the superuser and as the role that serves."""
    execute(cluster, f"CREATE DATABASE {name} TEMPLATE {PREPARED} STRATEGY file_copy")
    url = admin_url(cluster, name)
    database = Database(cluster.url("trial_app", APP_PASSWORD, name), pool_size=1)
    try:
        with psycopg.connect(plain(url), autocommit=True) as superuser:
            yield url, database, superuser
    finally:
        database.close()
        execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def prepared(cluster: Cluster, served: Served) -> Iterator[Prepared]:
    with cloned(cluster, PREPARED) as name, serving(cluster, served, name) as api:
        records, offset = prepare(api), api.state.clock.offset
        api.state.database.close()  # what has connections cannot be copied
        with copy(cluster, f"{PREPARED}_kept") as (url, database, superuser):
            kept = replace(api, admin_url=url)
            yield Prepared(kept, database, superuser, offset, **records)


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
    given = {**eligible_facts(today), "age_at_consent": at.api.age(SUBJECT)}
    return {"facts": given, "reason": "Values of today"}


def move_clock(api: Api, at: Prepared, _: str) -> httpx.Response:
    moment = datetime.now(UTC) + at.offset + timedelta(days=1)
    return api.request("POST", "/sandbox/clock", json={"now": moment.isoformat()})


def issue_token(api: Api, _: Prepared, __: str) -> httpx.Response:
    form = {"grant_type": "password", "username": "monitor-nn", "password": PASSWORD}
    return api.request("POST", "/v1/oauth/token", data=form)


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


LIVE = "/v1/subjects/{at.live}"
REQUESTS: dict[str, Send] = {
    "issue_token": issue_token,
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
    "list_visits": read(f"{LIVE}/visits"),
    "read_visit": read(f"{LIVE}/visits/RT1A"),
    "record_visit": put(f"{LIVE}/visits/RT2A", lambda _: {"missed_reason": "Holiday"}, 0),
    "list_gradings": read(f"{LIVE}/visits/RT1A/gradings"),
    "create_grading": post(f"{LIVE}/visits/RT1B/gradings", lambda at: grading(at.api.today())),
    "read_grading": read("/v1/gradings/{grading}"),
    "correct_grading": correct_grading,
    "list_grading_versions": read("/v1/gradings/{grading}/versions"),
    "read_endpoint": read(f"{LIVE}/endpoint"),
    "list_subject_adverse_events": read(f"{LIVE}/adverse-events"),
    "report_adverse_event": post(
        f"{LIVE}/adverse-events", lambda at: adverse_event(at.api.today())
    ),
    "list_adverse_events": read("/v1/adverse-events"),
    "read_adverse_event": read("/v1/adverse-events/{at.event}"),
    "correct_adverse_event": correct_adverse_event,
    "list_adverse_event_versions": read("/v1/adverse-events/{at.event}/versions"),
    "read_health": read("/healthz"),
    "read_readiness": read("/readyz"),
    "read_problem": read("/problems/not_ready"),
    "read_clock": read("/sandbox/clock"),
    "move_clock": move_clock,
}
LISTS = {"list_subjects", "list_randomizations", "list_adverse_events"}
WRITES = (
    set(REQUESTS)
    - {"issue_token", "move_clock"}
    - {name for name in REQUESTS if name.startswith(("read_", "list_"))}
)
"""Operations whose success leaves a row in the trail."""


@pytest.fixture
def at(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The prepared trial, at its own time; its server spares the disk, and no secret is hashed."""
    state = prepared.api.state
    state.database, state.clock.offset = prepared.database, prepared.offset
    monkeypatch.setattr(readiness, "_DURABLE", ())
    monkeypatch.setattr(identity, "_matches", lambda secret, _: secret == PASSWORD)
    return prepared


@pytest.mark.parametrize(
    ("operation", "where", "caller", "status"),
    CELLS,
    ids=["-".join(map(str, cell[:3])) for cell in CELLS],
)
def test_the_matrix(
    at: Prepared, cluster: Cluster, operation: str, where: str, caller: str, status: int
) -> None:
    if status < 300 and operation in WRITES:
        with copy(cluster, f"{PREPARED}_changed") as (_, database, superuser):
            changed = replace(at, superuser=superuser)
            at.api.state.database = database
            before = changed.count()
            answer = REQUESTS[operation](at.as_(caller, SITES[where]), at, caller)
            assert answer.status_code == status, answer.text
            assert changed.count() > before
        return
    before = at.count()
    answer = REQUESTS[operation](at.as_(caller, SITES[where]), at, caller)
    assert answer.status_code == status, answer.text
    assert at.count() == before
    if status == 200 and operation in LISTS:
        assert bool(answer.json()["items"]) == (where == "own")


def test_every_operation_and_every_role_has_its_cells(served: Served) -> None:
    operations = {
        operation["operationId"]
        for path in served.app.openapi()["paths"].values()
        for operation in path.values()
    }
    assert {row["operation"] for row in MATRIX} == operations == set(REQUESTS)
    assert set(MATRIX[0]) == {"operation", "where", ANONYMOUS, *Role}
    wheres: dict[str, list[str]] = {}
    for row in MATRIX:
        wheres.setdefault(row["operation"], []).append(row["where"])
    assert all(found in (["any"], ["own", "other", "none"]) for found in wheres.values())


def exists(where: str, caller: str) -> bool:
    """Whether there is such a caller."""
    if where == "any":
        return True
    if caller == ANONYMOUS:
        return where == "own"
    if Role(caller) in SITE_BOUND:
        return True
    return where == ("own" if Role(caller) in WITH_EVERY_SITE else "none")


def test_a_dash_stands_only_where_the_case_does_not_exist() -> None:
    for row in MATRIX:
        for caller in (ANONYMOUS, *Role):
            assert (row[caller] != "-") == exists(row["where"], caller), (row, caller)


def routes_of(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    """Every operation of the app, however deep its router is included."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner.routes)


def actions_of(route: APIRoute) -> list[Action]:
    """The actions that a route's dependencies require or open."""
    found: list[Action] = []
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        if isinstance(dependant.call, Require | Open):
            found.append(dependant.call.action)
    return found


def test_every_route_requires_exactly_one_action(served: Served) -> None:
    described = served.app.openapi()["paths"]
    routes = [route for route in routes_of(served.app.routes) if route.include_in_schema]
    assert len(routes) == sum(len(path) for path in described.values())
    for route in routes:
        assert len(actions_of(route)) == 1, route.path


def test_every_action_is_used_and_every_grant_has_a_holder(served: Served) -> None:
    used = {action for route in routes_of(served.app.routes) for action in actions_of(route)}
    assert used == set(Action)
    assert set(GRANTS) == set(Role)
    assert set().union(*GRANTS.values()) == set(Action) - PUBLIC


def test_what_is_not_described_is_documentation_only(served: Served) -> None:
    hidden = {route.path for route in routes_of(served.app.routes) if not route.include_in_schema}
    assert hidden == {"/docs", "/docs/oauth2-redirect", "/redoc"}

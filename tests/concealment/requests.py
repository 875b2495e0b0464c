"""All that anybody can ask of the service, short of an allocation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any
from uuid import uuid5

import httpx

from services.api.core.errors import ApiError
from services.api.core.permissions import SITE_BOUND, Role
from services.api.exports.formats import FORMATS
from services.api.sandbox.service import NAMESPACE
from tests.concealment.worlds import World, key_of
from tests.make import Api, Json

EVERYWHERE = ("LZ", "NN", "YL")
NOBODY = "019c8a52-8f31-7d02-8b6e-2c9d4e7f1a35"
PUBLIC = "nobody"
THOROUGH = {PUBLIC, Role.INVESTIGATOR, Role.ASSESSOR, Role.AUDITOR, Role.ADMIN}
"""Who asks with every filter: they see each kind of record, each in its own way."""
FIRST = (Role.AUDITOR, Role.STATISTICIAN)
UNDESCRIBED = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json", "/metrics", "/nothing")
NAMES = {PUBLIC, *Role}
PLACE = re.compile(r"/([\w-]+)/\{(\w+)\}")


@dataclass(frozen=True)
class Asked:
    """One request: by whom, for which operation, and how."""

    caller: str
    operation: str
    said: str


Answer = tuple[Asked, httpx.Response]


def everything(world: World) -> Iterator[Answer]:
    """Every GET by every caller, then every request for an allocation that is refused."""
    for caller, api in callers(world.api):
        yield from reads(world, caller, api)
    yield from refusals(world)


def the_most_telling(world: World) -> Iterator[Answer]:
    """What `everything` begins with: the public, and who is told of the list and the trail."""
    for caller, api in islice(callers(world.api), len(FIRST) + 1):
        yield from reads(world, caller, api)


def callers(api: Api) -> Iterator[tuple[str, Api]]:
    """Nobody, every role at its own site, and those bound to sites at all and at others."""
    yield PUBLIC, api.with_token("")
    for role in (*FIRST, *(role for role in Role if role not in FIRST)):
        yield role.value, api.signed_in(role, ("NN",))
    for role in sorted(SITE_BOUND):
        yield f"{role.value} everywhere", api.signed_in(role, EVERYWHERE)
    yield "investigator elsewhere", api.signed_in(Role.INVESTIGATOR, ("YL",))


# --- reading -----------------------------------------------------------------------------


def reads(world: World, caller: str, api: Api) -> Iterator[Answer]:
    """Every GET that is described; where it is granted, at several addresses and with filters."""
    for path, item in world.described["paths"].items():
        # What is said of one subject does not depend on how many sites the caller has.
        if "get" in item and (caller in NAMES or "randomization" in path or "{" not in path):
            yield from operation(world, caller, api, path, item["get"])
    if caller == PUBLIC:
        for path in UNDESCRIBED:
            yield Asked(caller, "undescribed", path), api.get(path)


def operation(
    world: World, caller: str, api: Api, path: str, described: Mapping[str, Any]
) -> Iterator[Answer]:
    """One GET, in as many ways as may be answered differently."""
    name = described["operationId"]
    parameters = [one for one in described.get("parameters", []) if one["in"] == "query"]
    for address in islice(addresses(world, path), how_many(caller, path, described)):
        answer = api.get(address)
        yield Asked(caller, name, address), answer
        if answer.status_code in {401, 403}:
            return  # whatever the address
        if caller in THOROUGH and answer.status_code == 200 and "{" not in path:
            for given in filters(world, caller, parameters):
                yield from pages(caller, name, api, address, given)
    if caller in THOROUGH and "randomization" in path and "ETag" in answer.headers:
        held = {"If-None-Match": answer.headers["ETag"]}
        yield Asked(caller, name, f"{address} again"), api.get(address, headers=held)


def how_many(caller: str, path: str, described: Mapping[str, Any]) -> int | None:
    """At how many addresses of a path a caller asks: everywhere, if that may tell something."""
    if not described.get("security"):
        return None if caller == PUBLIC else 1
    if "randomization" in path:
        return None if caller in THOROUGH else 2
    return 2 if caller in THOROUGH else 1


def addresses(world: World, path: str) -> Iterator[str]:
    """The path with every value that its parts can have here."""
    parts = PLACE.findall(path)
    for values in product(*(values_of(world, *part) for part in parts)):
        yield path.format_map(dict(zip((name for _, name in parts), values, strict=True)))


def values_of(world: World, kind: str, parameter: str) -> Sequence[str]:
    """What stands for a part of an address; a new part needs its values here."""
    trial, records = world.trial, world.trial.records
    known: dict[tuple[str, str], Sequence[str]] = {
        ("subjects", "subject_id"): [
            records["live"],
            records["ready"],
            trial.randomized["LZ", True][0],
            NOBODY,
        ],
        ("visits", "code"): ["RT1A"],
        ("exposures", "exposure_id"): [records["exposure"]],
        ("queries", "query_id"): [records["query"]],
        ("gradings", "grading_id"): [records["gradings"]["assessor"]],
        ("adjudications", "adjudication_id"): [records["adjudication"]],
        ("certificates", "certificate_id"): [
            str(uuid5(NAMESPACE, "certificate of assessor-nn")),
        ],
        ("adverse-events", "event_id"): [records["event"]],
        ("deadlines", "deadline_id"): [records["deadline"]],
        ("submissions", "submission_id"): [records["submission"]],
        ("reference-documents", "version"): ["1.0"],
        ("stopping-rules", "rule_id"): ["severe_reactions"],
        ("webhooks", "webhook_id"): [records["webhook"], NOBODY],
        ("sites", "code"): ["NN", "LZ"],
        ("protocol-versions", "version"): ["1.0"],
        ("users", "user_id"): [str(uuid5(NAMESPACE, "investigator-nn"))],
        ("clients", "account_id"): [str(uuid5(NAMESPACE, "his-nn"))],
        ("exports", "format"): list(FORMATS),
        ("problems", "code"): ["list_absent", *ApiError.by_code, "no_such"],
    }
    return known[kind, parameter]


def filters(world: World, caller: str, parameters: Sequence[Mapping[str, Any]]) -> Iterator[Json]:
    """Small pages; for the thorough a cursor that is none, and each value of each filter."""
    if not parameters:
        return
    yield {"limit": 2}
    # A report is drawn from its JSON alone, by a process that is given nothing else.
    left_out = {"limit", "cursor", *(["format"] if "ReportFormat" in str(parameters) else [])}
    own = [one for one in parameters if one["name"] not in left_out]
    if caller in THOROUGH and own:
        yield {"cursor": "bad"}
        for one in own:
            for value in values_for(world, one["name"], one["schema"]):
                yield {one["name"]: value}


def values_for(world: World, name: str, schema: Mapping[str, Any]) -> Sequence[str]:
    """What a filter is tried with; a new one that lists no values needs its own here."""
    records, schemas = world.trial.records, world.described["components"]["schemas"]
    for kind in [schema, *schema.get("anyOf", []), *filter(None, [schema.get("items")])]:
        kind = schemas[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind
        if "enum" in kind:
            return list(kind["enum"])
        if kind.get("type") == "boolean":
            return ["true", "false"]
        if kind.get("format") == "date":
            return [str(world.api.today())]
    known: dict[str, Sequence[str]] = {
        "site": EVERYWHERE,
        "number": ["NN-0001"],
        "username": ["investigator-nn"],
        "client_id": ["his-nn"],
        "grade": ["3"],
        "term": ["Dysphagia"],
        "q": ["dys"],
        "case_id": [records["event"]],
        "event_id": [records["event"]],
        "clock": ["serious_to_sponsor"],
        "after": [NOBODY],
        "subject": [records["ready"], records["live"]],
        "subject_id": [records["live"]],
        "assessor": [str(uuid5(NAMESPACE, "assessor-nn"))],
        "actor": [str(uuid5(NAMESPACE, "investigator-nn"))],
        "record": ["allocation", "randomization_commitment", "randomize"],
        "from": [world.trial.moment.isoformat()],
        "to": [world.trial.moment.isoformat()],
    }
    return known[name]


def pages(
    caller: str, name: str, api: Api, address: str, given: Mapping[str, Any]
) -> Iterator[Answer]:
    """A list as it is filtered, and its next page."""
    asked = dict(given)
    for _ in range(2):
        answer = api.get(address, params=asked)
        yield Asked(caller, name, f"{address} {asked}"), answer
        if answer.status_code != 200 or "Link" not in answer.headers:
            return
        asked["cursor"] = answer.json()["next_cursor"]


# --- refusals ----------------------------------------------------------------------------


def refusals(world: World) -> Iterator[Answer]:
    """Every way of asking for an allocation that gives none."""
    trial, ready = world.trial, world.trial.records["ready"]
    for caller, api in callers(world.api):
        if caller not in {"investigator", "investigator everywhere"} and "system" not in caller:
            # Who may randomize there would be given an arm.
            yield asked(caller, api, ready)
    for role in (Role.INVESTIGATOR, Role.HOSPITAL_SYSTEM):
        api = world.api.as_(role)
        for subject in (
            *(trial.records[one] for one in ("live", "screened", "consented", "evaluated")),
            trial.waiting["YL", True][0],
            NOBODY,
            "no-id",
        ):
            yield asked(role, api, subject)
        yield asked(role, api, ready, json={"arm": "experimental"})
        yield asked(role, api, ready, json=[])
        yield asked(role, api, ready, content=b"{")
        yield asked(role, api, ready, key="a b")
    investigator = world.api.as_("investigator")
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
        path = f"/v1/subjects/{ready}/randomization"
        yield Asked(Role.INVESTIGATOR, "randomize", method), investigator.request(method, path)
    done, other = trial.randomized["NN", True][:2]
    yield asked(Role.INVESTIGATOR, investigator, done, key=key_of(done))
    yield asked(Role.INVESTIGATOR, investigator, other, key=key_of(done))


def asked(caller: str, api: Api, subject: str, **options: Any) -> Answer:
    """A request for an allocation."""
    path = f"/v1/subjects/{subject}/randomization"
    given = {"key": f"asked-{caller}".replace(" ", "-"), **options}
    return Asked(caller, "randomize", f"{subject} {options}"), api.post(path, **given)

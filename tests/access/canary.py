"""A trial whose arms have names that are found wherever they go, and all that an assessor asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from services.api.core.permissions import Role
from services.api.protocol.load import Loaded, load
from services.api.randomization.rules import Design
from services.api.randomization.secret import SecretFile, sandbox_secret
from services.api.settings import DOCUMENTS
from tests.access.matrix import CELLS
from tests.access.prepared import Prepared
from tests.access.requests import READS, REQUESTS
from tests.allocation_list import secret_file
from tests.make import Api, Json, adverse_event, created, grading, ok, plan

CANARIES = {"experimental": "quetzalcanary", "control": "axolotlcanary"}
NAMES_THE_ARMS = {"read_study", "read_protocol_version", "read_commitment", "read_labels"}
"""What is published to everybody names both arms, and nobody's."""
NEW_EACH_TIME = {"read_clock", "read_health", "read_readiness", "issue_token", "offer_totp"}
"""What tells the time or a fresh secret, and knows of no subject."""
STAGES = ("randomized", "on treatment", "graded", "in follow-up", "withdrawn")
RECORDS = (
    "",
    "/consents",
    "/deviations",
    "/radiotherapy",
    "/eligibility",
    "/randomization",
    "/visits",
    "/visits/RT1A",
    "/visits/RT1B",
    "/visits/RT1A/gradings",
    "/endpoint",
    "/adverse-events",
)


def document(directory: Path) -> Loaded:
    """The trial's protocol, with other names of its arms."""
    text = (DOCUMENTS / "nct07312656-1.0.yaml").read_text()
    for code, canary in CANARIES.items():
        for usual in (
            f"code: {code}\n",
            f"label: {code} group",
            f"    {code}: 1\n",
            f"arms[{code}]",
            f"arm: {code}\n",
        ):
            text = text.replace(usual, usual.replace(code, canary))
    path = directory / "canary.yaml"
    path.write_text(text)
    return load(path)


def secret(loaded: Loaded, directory: Path) -> SecretFile:
    """The secret of its list."""
    design = Design.of(loaded.protocol.randomization)
    return secret_file(directory, sandbox_secret(design), design)


@dataclass(frozen=True)
class Person:
    """A subject of one arm who has come that far."""

    id: str
    arm: str
    stage: str
    grading: str | None


def randomize(api: Api) -> list[tuple[str, str]]:
    """Subjects and their arms: in each arm one for every stage."""
    found: list[tuple[str, str]] = []
    while any([arm for _, arm in found].count(name) < len(STAGES) for name in CANARIES.values()):
        subject = api.eligible()["id"]
        answer = created(api.post(f"/v1/subjects/{subject}/randomization"))
        found.append((subject, answer["arm"]))
    return found


def live(api: Api, randomized: Sequence[tuple[str, str]]) -> list[Person]:
    """What happens to them, on the day of the first fraction; alike in both arms."""
    reached = dict.fromkeys(CANARIES.values(), 0)
    people = []
    for subject, arm in randomized:
        stage = STAGES[min(reached[arm], len(STAGES) - 1)]
        reached[arm] += 1
        people.append(Person(subject, arm, stage, reach(api, f"/v1/subjects/{subject}", stage)))
    return people


def reach(api: Api, here: str, stage: str) -> str | None:
    """Bring a randomized subject to a stage; the id of the grading, if there is one."""
    today = api.today()
    if stage == "randomized":
        return None
    given: Json = {"first_fraction_on": str(today), "reason": "First fraction"}
    if stage == "in follow-up":
        given.update(last_fraction_on=str(today), delivered_dose_gy=2, delivered_fractions=1)
    ok(api.put(f"{here}/radiotherapy", plan(today, **given)))
    if stage == "graded":
        ok(api.put(f"{here}/visits/RT1A", {"date": str(today)}))
        made = created(api.post(f"{here}/visits/RT1A/gradings", grading(today)))
        created(api.post(f"{here}/adverse-events", adverse_event(today)))
        return str(made["id"])
    if stage == "withdrawn":
        consent = ok(api.get(f"{here}/consents"))["items"][0]["id"]
        withdrawal = {"withdrawn_on": str(today), "reason": "Moves away"}
        created(api.post(f"{here}/consents/{consent}/withdrawal", withdrawal))
    return None


# --- what an assessor asks -------------------------------------------------------------

Answers = Iterator[tuple[str, httpx.Response]]


def reads(at: Prepared, people: Sequence[Person]) -> Answers:
    """Every read of the matrix at every kind of site, and every address about each subject."""
    for cell in CELLS:
        if cell.caller == Role.ASSESSOR and cell.operation in READS:
            api = traced(at.as_(cell.caller, cell.sites))
            yield str(cell), REQUESTS[cell.operation](api, at, cell.caller)
    api = traced(at.as_("assessor", ("NN",)))
    for person in people:
        for record in RECORDS:
            path = f"/v1/subjects/{person.id}{record}"
            yield path, api.get(path)
        if person.grading:
            yield person.grading, api.get(f"/v1/gradings/{person.grading}")
            yield person.grading, api.get(f"/v1/gradings/{person.grading}/versions")
    for path in ("/v1/subjects", "/v1/randomizations"):
        yield from pages(api, path)
    for path in ("/v1/subjects?status=on_treatment", "/v1/randomizations?site=NN", "/v1/no-such"):
        yield path, api.get(path)


def pages(api: Api, path: str) -> Answers:
    """A list, two by two."""
    cursor: Json = {}
    while True:
        answer = api.get(path, params={"limit": 2, **cursor})
        yield path, answer
        if ok(answer)["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json()["next_cursor"]}


def writes(at: Prepared, people: Sequence[Person]) -> Answers:
    """Every write of the matrix, granted or refused, and what an assessor writes of each subject.

    Nearly all is asked twice, so that each refusal of a repetition is heard too.
    """
    for cell in CELLS:
        if cell.caller == Role.ASSESSOR and cell.operation not in READS:
            api = traced(at.as_(cell.caller, cell.sites))
            yield str(cell), REQUESTS[cell.operation](api, at, cell.caller)
    api = traced(at.as_("assessor", ("NN",)))
    day = api.today()
    for person in people:
        here = f"/v1/subjects/{person.id}"
        for key in (f"{person.id}-once", f"{person.id}-once", f"{person.id}-again"):
            yield (
                f"visit {person.stage}",
                api.put(f"{here}/visits/RT1A", {"date": str(day)}, version=0),
            )
            yield (
                f"grading {person.stage}",
                api.post(f"{here}/visits/RT1A/gradings", grading(day), key=key),
            )
            yield f"randomization {person.stage}", api.post(f"{here}/randomization", key=key)
        late = {"date": str(day + timedelta(days=400))}
        yield f"late visit {person.stage}", api.put(f"{here}/visits/RT1B", late, version=0)


def traced(api: Api) -> Api:
    """The same API, whose requests all have one id, so that answers differ in what they say."""
    api.client.headers["X-Request-Id"] = "canary"
    return api


def heard(answer: httpx.Response) -> str:
    """All that an answer says."""
    head = [f"{answer.status_code} {answer.reason_phrase}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items() if name != "date"]
    return "\n".join([*head, "", answer.text])

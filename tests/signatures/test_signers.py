"""Who may sign, and how it is made sure that it is they (21 CFR 11.200)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyotp
import pytest

from services.api.core.permissions import GRANTS, Action, Role
from services.api.sandbox.service import PASSWORD
from tests.make import Api, Json, created, grading, mistakes, ok, problem
from tests.signatures.kinds import EVENT, GRADING, NOTHING, Kind, a_grading, an_event, each_kind

# --- who signs -------------------------------------------------------------------------------


def test_only_the_author_signs_a_grading(api: Api) -> None:
    made = a_grading(api)
    refused = problem(GRADING.sign(api.as_("investigator"), made), 403, "not_the_author")
    assert "signs" in refused["title"]
    assert api.count("grading_signature") == 0
    created(GRADING.sign(api.as_("assessor"), made))


@each_kind
def test_a_signature_at_another_site_finds_no_record(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    body = {
        "content_hash": record["content_hash"],
        "meaning": kind.meaning,
        "password": PASSWORD,
    }
    stranger = api.as_(kind.signer, "LZ")
    theirs = stranger.post(f"{kind.path(record)}/signature", body)
    nobodys = stranger.post(f"/v1/{kind.place}/{UUID(int=1)}/signature", body)
    problem(theirs, 404, "not_found")
    assert {**theirs.json(), "instance": ""} == {**nobodys.json(), "instance": ""}


@each_kind
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HOSPITAL_SYSTEM])
def test_a_role_signs_only_what_is_granted(api: Api, kind: Kind, role: Role) -> None:
    record = kind.make(api)
    body = {"content_hash": NOTHING, "meaning": kind.meaning, "password": PASSWORD}
    answer = api.as_(role.value).post(f"{kind.path(record)}/signature", body)
    if kind.action not in GRANTS[role]:
        problem(answer, 403, "forbidden")
    elif kind is GRADING and role is not Role.ASSESSOR:
        problem(answer, 403, "not_the_author")
    else:
        problem(answer, 409, "content_changed")


@each_kind
def test_a_system_never_signs(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    answer = kind.sign(api.as_("hospital_system"), record)
    problem(answer, 403, "forbidden")
    assert api.count(kind.table) == 0


def test_a_system_does_not_even_sign_what_its_role_was_granted_by_mistake(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing = {Action.SIGN_ELIGIBILITY, Action.SIGN_GRADING, Action.SIGN_ADVERSE_EVENT}
    granted = GRANTS[Role.HOSPITAL_SYSTEM] | signing | {Action.GRADE}
    monkeypatch.setitem(dict_of(GRANTS), Role.HOSPITAL_SYSTEM, granted)
    system = api.as_("hospital_system")
    subject = api.as_("coordinator").in_radiotherapy()
    visit = f"/v1/subjects/{subject['id']}/visits/RT1A"
    ok(system.put(visit, {"date": str(api.today())}))
    made = created(system.post(f"{visit}/gradings", grading(api.today())))
    problem(GRADING.sign(system, made), 403, "people_only")
    problem(EVENT.sign(system, an_event(api)), 403, "people_only")
    problem(system.sign(api.as_("coordinator").evaluated()), 403, "people_only")
    for table in ("grading_signature", "adverse_event_signature", "eligibility_signature"):
        assert api.count(table) == 0


def dict_of(grants: Any) -> dict[Role, frozenset[Action]]:
    """The grants, which nothing but a test changes."""
    assert isinstance(grants, dict)
    return grants


# --- who it is ------------------------------------------------------------------------------


@each_kind
def test_a_signature_needs_a_component_and_the_right_one(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    refused = kind.sign(signer, record, password="not my password")
    problem(refused, 403, "reauthentication_failed")
    assert "not my password" not in refused.text
    without = {"content_hash": record["content_hash"], "meaning": kind.meaning}
    refused = signer.post(f"{kind.path(record)}/signature", without)
    assert mistakes(refused) == [("", "value_error")]
    for code in ("12345", "1234567", "12345a", "\u0661\u0662\u0663\u0664\u0665\u0666"):
        assert [pointer for pointer, _ in mistakes(kind.sign(signer, record, totp=code))] == [
            "/totp"
        ]
    assert api.count(kind.table) == 0


@dataclass
class Person:
    """An assessor with an authenticator, signed in."""

    api: Api
    secret: str

    def code(self) -> str:
        """A code that was not used yet, as if half a minute had passed since the last one."""
        self.api.rows("UPDATE account SET totp_last_step = NULL")
        return pyotp.TOTP(self.secret).now()


@pytest.fixture
def assessor(api: Api) -> Person:
    whoever = {"username": "assessor-nn", "password": PASSWORD}
    offer = ok(api.client.post("/v1/oauth/totp", json=whoever))
    person = Person(api, offer["secret"])
    confirmation = {**whoever, "ticket": offer["ticket"], "totp": person.code()}
    ok(api.client.post("/v1/oauth/totp/confirmation", json=confirmation))
    tokens = ok(api.sign_in("assessor-nn", totp=person.code()))
    person.api = api.with_token(tokens["access_token"])
    return person


def test_the_first_signature_of_a_session_takes_every_component_the_next_ones_one(
    api: Api, assessor: Person
) -> None:
    """21 CFR 11.200(a)(1)(i)."""
    gradings = [a_grading(api) for _ in range(4)]
    sign = assessor.api.sign_grading
    problem(sign(gradings[0]), 403, "reauthentication_failed")
    only_code: Json = {"password": None, "totp": assessor.code()}
    problem(sign(gradings[0], **only_code), 403, "reauthentication_failed")
    created(sign(gradings[0], totp=assessor.code()))
    created(sign(gradings[1]))
    created(sign(gradings[2], password=None, totp=assessor.code()))
    problem(sign(gradings[3], totp="000000"), 403, "reauthentication_failed")
    assert api.count("grading_signature") == 3


def test_a_signature_that_was_refused_does_not_open_the_series(api: Api, assessor: Person) -> None:
    made = a_grading(api)
    wrong = assessor.api.sign_grading(made, content_hash=NOTHING, totp=assessor.code())
    problem(wrong, 409, "content_changed")
    problem(assessor.api.sign_grading(made), 403, "reauthentication_failed")

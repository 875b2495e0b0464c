"""The token endpoint takes one clean form and tells nothing of an account."""

import base64

import pytest

from services.api.sandbox.service import PASSWORD
from tests.hostile.bodies import PLANT
from tests.hostile.ledger import Ledger
from tests.hostile.refusals import Refusals
from tests.make import Api

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GOOD = f"grant_type=password&username=investigator-nn&password={PASSWORD}"


def _basic(credentials: bytes) -> str:
    return base64.b64encode(credentials).decode()


def test_the_good_form_gets_a_token(api: Api) -> None:
    answer = api.request("POST", "/v1/oauth/token", content=GOOD, headers=FORM)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "Bearer"


BAD_FORMS = {
    "": 422,
    "grant_type=": 422,
    "&&&===": 422,
    f"={PLANT}": 422,
    "{}": 422,
    f"{GOOD}&unknown={PLANT}": 422,
    f"{GOOD}&password={PLANT}": 422,
    f"{GOOD}&grant_type=password": 422,
    f"username=investigator-nn&password={PASSWORD}": 422,
    "grant_type=password&username=%00&password=x": 422,
    f"grant_type=password&username={PLANT}%0A&password=x": 422,
    f"grant_type=password&username={PLANT * 20}&password=x": 422,
    f"grant_type=password&username=a&password={PLANT * 20}": 422,
    f"grant_type={PLANT}&username=a&password=b": 422,
    "grant_type=password&username=%FF&password=x": 400,
    "grant_type=password&username=%ED%A0%80&password=x": 400,
    "grant_type=password": 400,
    "grant_type=password&username=investigator-nn": 400,
    "grant_type=password&username=investigator-nn&password=": 400,
    "grant_type=client_credentials": 400,
    "grant_type=refresh_token": 400,
    f"grant_type=password&username=investigator-nn&password={PLANT}": 400,
    f"grant_type=password&username={PLANT}&password={PLANT}": 400,
    f"grant_type=password&username=his-nn&password={PASSWORD}": 400,
    f"grant_type=client_credentials&client_id={PLANT}&client_secret={PLANT}": 401,
    f"grant_type=client_credentials&client_id=investigator-nn&client_secret={PASSWORD}": 401,
}


@pytest.mark.parametrize("form", BAD_FORMS)
def test_a_bad_form_gets_no_token(api: Api, ledger: Ledger, form: str) -> None:
    refusals = Refusals(ledger)
    answer = api.request("POST", "/v1/oauth/token", content=form, headers=FORM)
    refusals.expect(form, answer, BAD_FORMS[form])
    assert not refusals.faults, refusals.verdict()


BAD_REVOCATIONS = {
    "": 422,
    "token=": 422,
    f"={PLANT}": 422,
    "{}": 422,
    f"token=a&unknown={PLANT}": 422,
    f"token=a&token={PLANT}": 422,
    f"token_type_hint={PLANT}": 422,
    f"token={PLANT}%0A": 422,
    f"token={PLANT}%00": 422,
    f"token={PLANT * 900}": 422,
    f"token=a&token_type_hint={PLANT * 20}": 422,
    "token=%FF": 422,
    "token=%ED%A0%80": 422,
}


@pytest.mark.parametrize("form", BAD_REVOCATIONS)
def test_a_bad_form_ends_no_session(api: Api, ledger: Ledger, form: str) -> None:
    refusals = Refusals(ledger)
    answer = api.request("POST", "/v1/oauth/revoke", content=form, headers=FORM)
    refusals.expect(form, answer, BAD_REVOCATIONS[form])
    assert not refusals.faults, refusals.verdict()


@pytest.mark.parametrize("token", [PLANT, "a.b.c", "%F0%9F%94%91", f"{PLANT}.0.{PLANT}", "..", "-"])
def test_a_token_that_is_not_ours_ends_nothing_and_says_nothing(
    api: Api, ledger: Ledger, token: str
) -> None:
    before = ledger.read()
    answer = api.request("POST", "/v1/oauth/revoke", content=f"token={token}", headers=FORM)
    assert answer.status_code == 422 if "%" in token else answer.json() == {"revoked": True}
    assert PLANT not in answer.text
    assert ledger.read() == before


BAD_BASIC = {
    "%%%": 401,
    "his-nn:sandbox-only": 401,
    _basic(b"\xff\xfe"): 401,
    _basic(b"\0:\0"): 401,
    _basic(b"his-nn:wrong"): 401,
    _basic(f"{PLANT}:{PLANT}".encode()): 401,
    _basic(f"his-nn:{PASSWORD}".encode()) + "!": 401,
    _basic(f"investigator-nn:{PASSWORD}".encode()): 401,
    _basic(b"his-nn"): 400,
    _basic(b"his-nn:"): 400,
    _basic(b":"): 400,
}


@pytest.mark.parametrize("credentials", BAD_BASIC)
def test_bad_basic_credentials_get_no_token(api: Api, ledger: Ledger, credentials: str) -> None:
    refusals = Refusals(ledger)
    headers = {**FORM, "Authorization": f"Basic {credentials}"}
    form = "grant_type=client_credentials"
    answer = api.request("POST", "/v1/oauth/token", content=form, headers=headers)
    refusals.expect(credentials, answer, BAD_BASIC[credentials])
    assert not refusals.faults, refusals.verdict()


def test_a_known_and_an_unknown_account_get_the_same_answer(api: Api) -> None:
    answers = [
        api.request("POST", "/v1/oauth/token", content=form, headers=FORM)
        for form in (
            f"grant_type=password&username=investigator-nn&password={PLANT}",
            f"grant_type=password&username={PLANT}&password={PLANT}",
        )
    ]
    known, unknown = (answer.text.replace(answer.json()["instance"], "") for answer in answers)
    assert known == unknown

"""Codes of RFC 6238, tickets, and secrets that the database alone does not tell."""

import time
from uuid import uuid4

import pyotp
import pytest
from cryptography.exceptions import InvalidTag

from services.api.identity import totp
from services.api.identity.door import Door
from tests.make import Api

# RFC 6238 appendix B, SHA-1, cut to six digits; the secret is "12345678901234567890".
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


@pytest.fixture
def door(unchanged: Api) -> Door:
    return Door(unchanged.state.database, unchanged.state.settings)


@pytest.mark.parametrize("moment", VECTORS)
def test_the_vectors_of_the_standard_hold(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(moment))
    assert totp.step_of(SECRET, VECTORS[moment]) == moment // 30


@pytest.mark.parametrize(("late", "good"), [(-31, False), (-30, True), (30, True), (60, False)])
def test_one_step_of_delay_is_forgiven(
    late: int, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = 1_000_000_020  # a step's first second
    code = pyotp.TOTP(SECRET).at(shown)
    monkeypatch.setattr(time, "time", lambda: float(shown + late))
    assert (totp.step_of(SECRET, code) == shown // 30) is good


def test_a_ticket_gives_the_secret_to_its_account_alone_and_for_ten_minutes(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = uuid4()
    offer = totp.enrolment(door, account, 3, "monitor-nn")
    assert offer.secret in offer.uri
    assert offer.secret not in offer.ticket
    assert totp.offered(door, account, 3, offer.ticket) == offer.secret
    altered = offer.ticket[:-6] + ("AAAAA=" if offer.ticket[-6:] != "AAAAA=" else "BBBBB=")
    for someone, ticket in (
        (uuid4(), offer.ticket),
        (account, altered),
        (account, offer.ticket[:20]),
        (account, ""),
        (account, "no base64!"),
    ):
        with pytest.raises(totp.BadTicket):
            totp.offered(door, someone, 3, ticket)
    with pytest.raises(totp.BadTicket):
        totp.offered(door, account, 4, offer.ticket)
    later = time.time() + totp.TICKET_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(totp.BadTicket):
        totp.offered(door, account, 3, offer.ticket)


def test_a_stored_secret_is_sealed_for_its_account(door: Door) -> None:
    account = uuid4()
    stored = totp.seal(door, account, SECRET)
    assert SECRET.encode() not in stored
    assert stored != totp.seal(door, account, SECRET)
    assert totp.unseal(door, account, stored) == SECRET
    with pytest.raises(InvalidTag):
        totp.unseal(door, uuid4(), stored)

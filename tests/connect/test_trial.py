"""Reading the trial: its faults are told by what refused, and never name an arm."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from services.api.connect.patience import Stopped, Unavailable
from services.api.connect.trial import Allocation, Trial
from services.api.sandbox.service import PASSWORD
from tests.make import Api


def test_a_token_that_ended_is_replaced_and_a_wrong_secret_stops(api: Api) -> None:
    reader = Trial(api.client, "", "his-nn", PASSWORD)
    arms = reader.arms()
    reader._token = "ended"
    assert reader.arms() == arms == {"experimental", "control"}
    with pytest.raises(Stopped, match="invalid_client"):
        Trial(api.client, "", "his-nn", "wrong").arms()
    with pytest.raises(Stopped, match="bad_cursor"):
        reader.randomized(uuid4())
    with pytest.raises(Stopped, match="404"):
        reader.allocation(uuid4())


def test_an_answer_without_an_arm_stops_and_shows_no_values() -> None:
    body = {"access_token": "t", "randomization_number": "NN-C-001", "arm": 7, "number": "N"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    with (
        httpx.Client(transport=transport) as client,
        pytest.raises(Stopped, match="arm, randomized_at, stratum") as fault,
    ):
        Trial(client, "http://trial.test", "his", "s").allocation(uuid4())
    assert "NN-C-001" not in str(fault.value)


def test_a_service_that_is_overloaded_is_asked_again_when_it_says() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"Retry-After": "7"}))
    with httpx.Client(transport=transport) as client, pytest.raises(Unavailable) as fault:
        Trial(client, "http://trial.test", "his", "s").arms()
    assert fault.value.after == 7


def test_an_allocation_shows_no_arm_in_its_text() -> None:
    moment = datetime(2026, 4, 9, 2, 15, tzinfo=UTC)
    found = Allocation("NN-0001", "experimental", "NN-C-001", moment, {"site": "NN"})
    assert "experimental" not in f"{found!r} {found}"
    assert "NN-C-001" in repr(found)

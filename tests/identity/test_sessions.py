"""Refresh tokens: each good once, a second use ends the session, a lost answer does not."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.api.identity import sessions
from services.api.identity.door import Door
from tests.make import Api, Json, ok, problem


@pytest.fixture
def signed_in(api: Api) -> Json:
    return ok(api.sign_in("investigator-nn"))


def session_row(api: Api) -> Any:
    (row,) = api.rows("SELECT * FROM account_session")
    return row


def longer_ago(api: Api, interval: str) -> None:
    """Let time pass for the session."""
    api.rows(
        "UPDATE account_session SET refreshed_at = refreshed_at - CAST(:interval AS interval)",
        interval=interval,
    )


def refused(api: Api, token: str) -> None:
    body = problem(api.refresh(token), 400, "invalid_grant")
    assert body["error"] == "invalid_grant"


def test_a_session_goes_on_by_its_newest_refresh_token(api: Api, signed_in: Json) -> None:
    tokens = [signed_in["refresh_token"]]
    for _ in range(3):
        answer = ok(api.refresh(tokens[-1]))
        assert set(answer) == set(signed_in)
        ok(api.with_token(answer["access_token"]).get("/v1/me"))
        tokens.append(answer["refresh_token"])
    assert len(set(tokens)) == 4
    assert session_row(api).generation == 3


def test_the_retry_of_a_lost_answer_gets_the_same_next_token(api: Api, signed_in: Json) -> None:
    first = ok(api.refresh(signed_in["refresh_token"]))
    retried = ok(api.refresh(signed_in["refresh_token"]))
    assert retried["refresh_token"] == first["refresh_token"]
    ok(api.refresh(first["refresh_token"]))


def test_many_retries_at_once_get_one_next_token(api: Api, signed_in: Json) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(api.refresh, [signed_in["refresh_token"]] * 16))
    assert len({ok(answer)["refresh_token"] for answer in answers}) == 1
    assert session_row(api).generation == 1


def test_a_second_use_after_ten_seconds_ends_the_session(api: Api, signed_in: Json) -> None:
    thief = ok(api.refresh(signed_in["refresh_token"]))
    longer_ago(api, "11 seconds")
    refused(api, signed_in["refresh_token"])
    refused(api, thief["refresh_token"])
    row = session_row(api)
    assert (row.ended_because, row.generation) == ("token_reused", 1)


def test_a_token_two_generations_old_ends_the_session_at_once(api: Api, signed_in: Json) -> None:
    second = ok(api.refresh(signed_in["refresh_token"]))
    third = ok(api.refresh(second["refresh_token"]))
    refused(api, signed_in["refresh_token"])
    refused(api, third["refresh_token"])


def test_an_idle_session_is_over(api: Api, signed_in: Json) -> None:
    longer_ago(api, "59 minutes")
    newer = ok(api.refresh(signed_in["refresh_token"]))
    longer_ago(api, "61 minutes")
    refused(api, newer["refresh_token"])


def test_nobody_stays_signed_in_for_ever(api: Api, signed_in: Json) -> None:
    api.rows("UPDATE account_session SET expires_at = now()")
    refused(api, signed_in["refresh_token"])


def test_a_guessed_token_ends_no_session(api: Api, signed_in: Json) -> None:
    """The session's id stands in every access token: it must not be enough to end it."""
    session_id, generation, mac = signed_in["refresh_token"].split(".")
    for token in (
        f"{session_id}.{generation}.{'A' * len(mac)}",
        f"{session_id}.1.{mac}",
        f"{session_id}.00.{mac}",
        f"{session_id.upper()}.0.{mac}",
        f"{session_id}.{generation}.",
        f"{session_id}.-1.{mac}",
        f"{session_id}.{generation}",
        session_id,
        "..",
        "x" * 8192,
        f"{session_id}.{'9' * 1000}.{mac}",
        signed_in["access_token"],
    ):
        refused(api, token)
    ok(api.refresh(signed_in["refresh_token"]))


def test_the_database_alone_makes_no_refresh_token(api: Api, signed_in: Json) -> None:
    mac = signed_in["refresh_token"].rpartition(".")[2]
    assert api.rows("SELECT 1 FROM account_session s WHERE s::text LIKE :mac", mac=f"%{mac}%") == []
    other = api.state.settings.model_copy(update={"person_key": b"\2" * 32})
    with pytest.raises(sessions.BadRefreshToken):
        sessions.session_of(Door(api.state.database, other), signed_in["refresh_token"])


def test_machines_get_no_refresh_token(api: Api) -> None:
    form = {"grant_type": "client_credentials", "client_id": "his-nn"}
    answer = api.client.post("/v1/oauth/token", data={**form, "client_secret": "sandbox-only"})
    assert "refresh_token" not in ok(answer)

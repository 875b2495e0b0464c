"""The movable clock: forward only, clinical time only, and in a sandbox only."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from jose import jwt
from pydantic import SecretStr

from services.api.core.keys import new_signing_key
from services.api.main import create_app
from services.api.settings import Settings
from tests.make import Api, ok, problem


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_clinical_time_begins_as_real_time(unchanged: Api) -> None:
    clock = ok(unchanged.client.get("/sandbox/clock"))
    assert abs(datetime.fromisoformat(clock["now"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock["today"] == str(unchanged.today())


def test_the_clock_moves_forward_and_goes_on_from_there(api: Api) -> None:
    to = datetime.now(UTC) + timedelta(days=200)
    moved = ok(api.client.post("/sandbox/clock", json={"now": iso(to)}))
    assert abs(datetime.fromisoformat(moved["now"]) - to) < timedelta(seconds=30)
    read = ok(api.client.get("/sandbox/clock"))
    assert read["now"] >= moved["now"]
    assert read["today"] == str(api.today())


@pytest.mark.parametrize("days", [-1, 3700])
def test_the_clock_goes_neither_back_nor_too_far(api: Api, days: int) -> None:
    api.client.post("/sandbox/clock", json={"now": iso(datetime.now(UTC) + timedelta(days=10))})
    before = api.state.clock.offset
    to = iso(datetime.now(UTC) + timedelta(days=10 + days))
    answer = api.client.post("/sandbox/clock", json={"now": to})
    problem(answer, 409, "clock_runs_forward")
    assert api.state.clock.offset == before


@pytest.mark.parametrize(
    "now", ["2030-01-01", "2030-01-01T00:00:00", 1893456000, "1893456000", None, "tomorrow"]
)
def test_a_moment_without_its_zone_moves_nothing(unchanged: Api, now: object) -> None:
    problem(unchanged.client.post("/sandbox/clock", json={"now": now}), 422, "invalid")
    assert unchanged.state.clock.offset == timedelta(0)


def test_tokens_audit_stamps_and_limits_keep_real_time(api: Api) -> None:
    form = {"grant_type": "password", "username": "investigator-nn", "password": "sandbox-only"}
    early = ok(api.client.post("/v1/oauth/token", data=form))["access_token"]
    api.move_to(api.today() + timedelta(days=300))
    headers = {"Authorization": f"Bearer {early}"}
    assert ok(api.client.get("/v1/me", headers=headers))["role"] == "investigator"
    late = ok(api.client.post("/v1/oauth/token", data=form))["access_token"]
    assert abs(jwt.get_unverified_claims(late)["iat"] - time.time()) < 60
    subject = api.as_("investigator").screened()
    (row,) = api.audit(subject)
    assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=1)
    ((kept,),) = api.rows("SELECT expires_at FROM idempotent_answer")
    assert abs(kept - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert datetime.fromisoformat(subject["created_at"]) > datetime.now(UTC) + timedelta(days=299)


def test_in_production_there_is_no_clock_to_move(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(new_signing_key())
    (tmp_path / "person").write_text("33" * 32)
    app = create_app(
        Settings(
            sandbox=False,
            database_url=SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/none"),
            signing_key_file=tmp_path / "key",
            randomization_secret_file=tmp_path / "list.json",
            person_key_file=tmp_path / "person",
            issuer="https://trial.test",
        )
    )

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [
                await client.get("/sandbox/clock"),
                await client.post("/sandbox/clock", json={"now": "2030-01-01T00:00:00Z"}),
                await client.get("/healthz"),
            ]

    read, move, health = asyncio.run(ask())
    problem(read, 404, "not_found")
    problem(move, 404, "not_found")
    assert health.status_code == 200
    assert not any(path.startswith("/sandbox") for path in app.openapi()["paths"])

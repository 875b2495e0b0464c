"""What must be true of allocations, whatever was cut or killed."""

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import Row

from tests.make import Api, Json, problem

SECONDS = 30
AGAIN = {"unavailable": 503, "outcome_unknown": 503, "still_in_flight": 409}
"""The problems that ask for the same request again, each with its status."""

ALLOCATIONS = """
SELECT a.*, stratum.levels FROM allocation a JOIN stratum ON stratum.code = a.stratum
ORDER BY a.stratum, a.seq
"""
EVENTS = """
SELECT subject_id, operation, new FROM audit_event
WHERE record = 'allocation' AND operation IN ('INSERT', 'UPDATE', 'DELETE')
"""
MOVED = """
SELECT subject_id FROM audit_event WHERE record = 'subject'
AND old ->> 'status' <> 'randomized' AND new ->> 'status' = 'randomized'
"""


@dataclass
class Asked:
    """A subject whose randomization was asked for under one key, and what was answered."""

    subject: UUID
    site: str
    key: str = field(default_factory=lambda: str(uuid4()))
    body: bytes | None = None
    """What was acknowledged first; everything said later must be the same."""

    @property
    def path(self) -> str:
        return f"/v1/subjects/{self.subject}/randomization"

    @property
    def told(self) -> Json:
        """What was acknowledged, as JSON."""
        told: Json = json.loads(self.body or b"null")
        return told

    def hear(self, answer: httpx.Response) -> str | None:
        """Take an answer: None when it acknowledges, or else the problem that asks to retry."""
        if answer.status_code != 201:
            code = str(answer.json()["type"]).removeprefix("/problems/")
            assert code in AGAIN, answer.text
            problem(answer, AGAIN[code], code)
            assert int(answer.headers["Retry-After"]) >= 1
            return code
        if self.body is None:
            self.body = answer.content
        assert answer.content == self.body, "what was acknowledged has changed"
        return None


def wait_until(api: Api, condition: str) -> None:
    """Wait until PostgreSQL says that a condition is true."""
    deadline = time.monotonic() + SECONDS
    while not api.rows(f"SELECT {condition}")[0][0]:
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


def check(api: Api, asked: Collection[Asked]) -> None:
    """Each subject that was asked for has the one allocation that was acknowledged, no other has.

    All of them must have been acknowledged.
    """
    arms: Mapping[str, Sequence[str]] = api.state.randomization_secret.opened().list.arms
    rows = api.rows(ALLOCATIONS)
    stored = {row.subject_id: row for row in rows}
    assert stored.keys() == {one.subject for one in asked}
    assert len(rows) == len(stored) == api.rows("SELECT allocated FROM randomization_total")[0][0]
    for stratum, of_stratum in groupby(rows, lambda row: str(row.stratum)):
        slots = [(row.seq, row.arm) for row in of_stratum]
        assert slots == list(enumerate(arms[stratum][: len(slots)], start=1)), stratum
    _check_trail(api, stored)
    kept = {
        key: bytes(body)
        for key, body, expires in api.rows("SELECT key, body, expires_at FROM idempotent_answer")
        if expires is None
    }
    assert kept == {one.key: one.body for one in asked}
    for one in asked:
        _check_told(one.told, stored[one.subject])


def _check_told(told: Json, row: Row[Any]) -> None:
    """What the caller was told is what is stored."""
    assert datetime.fromisoformat(told["randomized_at"]) == row.randomized_at
    assert told == told | {
        "id": str(row.id),
        "subject_id": str(row.subject_id),
        "site": row.site,
        "arm": row.arm,
        "randomization_number": f"{row.stratum}-{row.seq:03d}",
        "stratum": row.levels,
        "protocol_version": row.protocol_version,
        "evaluation_version": row.evaluation_version,
    }


def _check_trail(api: Api, stored: Mapping[UUID, Row[Any]]) -> None:
    """The trail tells of each allocation once, as it is stored, and of nothing else."""
    events = api.rows(EVENTS)
    assert Counter(event.subject_id for event in events) == Counter(stored.keys())
    for event in events:
        row = stored[event.subject_id]
        assert event.operation == "INSERT"
        told = (event.new["id"], event.new["stratum"], event.new["seq"], event.new["arm"])
        assert told == (str(row.id), row.stratum, row.seq, row.arm)
    moved = Counter(subject for (subject,) in api.rows(MOVED))
    assert moved == Counter(stored.keys())

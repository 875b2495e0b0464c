"""Records what is asked of the running service and answered, as examples for the document."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from tests.make import Api

Json = dict[str, Any]

IDEMPOTENCY_KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
JWT = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJyb2xlIjoiaW52ZXN0aWdhdG9yIn0.c2lnbmF0dXJl"
BY_NAME = {
    "access_token": JWT,
    "refresh_token": "019c8a52.0.cmVmcmVzaA",
    "statement": "eyJhbGciOiJFUzI1NiJ9.eyJudW1iZXIiOjF9.c2lnbmF0dXJl",
    "token": "019c8a52.0.cmVmcmVzaA",
    "ticket": "c2VhbGVk",
    "totp": "492039",
    "uri": "otpauth://totp/Trial:lan.weiming?secret=JBSWY3DPEHPK3PXP&issuer=Trial",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "2026",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
}
"""What stands for values that are secret, or that chance makes."""
OWN = {"", "Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA", "Ab5Lh2Gf9Ds6Kp3Ry7Nc0Jm8Wx1Qv4tZ"}
"""Made up by the story itself."""
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwGz3r0vWQd1E="

_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[457][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_REQUEST = re.compile(r"\b[0-9a-f]{32}\b")
_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,6}(?:Z|\+00:00)")
_WHOLE = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_NEAR = timedelta(hours=1)
A_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    operation: str
    parameters: Json
    media_type: str | None
    body: Any
    status: int
    answer: Any
    tag: str | None = None


@dataclass(frozen=True)
class Move:
    """Since when, by real time, the story has been at which time, and how far that is from it."""

    since: datetime
    told: datetime
    offset: timedelta


@dataclass
class Recorder:
    """Asks as any caller, and keeps the first success of each operation."""

    document: Json
    moves: list[Move]
    kept: dict[str, Exchange] = field(default_factory=dict)

    def tell(
        self,
        caller: Api,
        method: str,
        path: str,
        body: object = None,
        *,
        version: int | None = None,
        form: Mapping[str, str] | None = None,
        **query: str,
    ) -> Any:
        """The body of a success, which becomes the operation's example if it is the first."""
        operation, described, places = self._operation(method, path)
        headers = {}
        named = {item["name"] for item in described.get("parameters", ()) if item.get("required")}
        if "Idempotency-Key" in named:
            headers["Idempotency-Key"] = str(uuid4())
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        media_type = next(iter(described.get("requestBody", {}).get("content", {})), None)
        content: Json = {}
        if form is not None:
            content["data"] = dict(form)
        elif body is not None:
            content["content"] = json.dumps(body)
            headers["Content-Type"] = media_type or "application/json"
        answer = caller.request(method, path, headers=headers, params=query, **content)
        assert answer.is_success, (operation, answer.text)
        shown = answer.json() if answer.content else None
        parameters = {**places, **query}
        if "Idempotency-Key" in headers:
            parameters["Idempotency-Key"] = IDEMPOTENCY_KEY
        if version is not None:
            parameters["If-Match"] = headers["If-Match"]
        sent = dict(form) if form is not None else body
        self.kept.setdefault(
            operation,
            Exchange(
                operation,
                parameters,
                media_type,
                sent,
                answer.status_code,
                shown,
                answer.headers.get("ETag"),
            ),
        )
        return shown

    def move(self, caller: Api, moment: datetime) -> None:
        """Move clinical time to that very moment."""
        since = datetime.now(UTC)
        self.tell(caller, "POST", "/sandbox/clock", {"now": moment.isoformat()})
        self.moves.append(Move(since, moment, caller.state.clock.offset))

    def _operation(self, method: str, path: str) -> tuple[str, Json, dict[str, str]]:
        """The operation at an address, its description, and the values in its path."""
        if method.lower() in self.document["paths"].get(path, {}):
            described: Json = self.document["paths"][path][method.lower()]
            return described["operationId"], described, {}
        for template, operations in self.document["paths"].items():
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
            if found and method.lower() in operations:
                described = operations[method.lower()]
                return described["operationId"], described, found.groupdict()
        raise AssertionError(f"the document has no {method} {path}")


# --- what a new recording must not change ---------------------------------------------------


class Normal:
    """Puts the same values in place of all that chance and the hour make.

    What the service stamped, by its own clock or by the trial's, becomes the
    story's time of that moment, and a second more for each stamp, in the order
    of stamping.
    """

    def __init__(self, recorder: Recorder, known: frozenset[str]) -> None:
        self._known = known
        self._moves = recorder.moves
        self._recorded = datetime.now(UTC)
        self._ids: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._times = self._told_times(recorder.kept.values())

    def exchange(self, one: Exchange) -> Json:
        """An exchange as it is kept."""
        shown: Json = {}
        if one.parameters:
            shown["parameters"] = self._told(one.parameters)
        if one.body is not None:
            shown["request"] = {one.media_type: self._told(one.body)}
        shown["status"] = one.status
        if one.answer is not None:
            shown["answer"] = self._told(_shortened(one))
        return shown

    def _told(self, value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False)
        text = _ID.sub(lambda found: self._id(found[0]), text)
        text = _HASH.sub(lambda found: self._hash(found[0]), text)
        text = _REQUEST.sub("019abf00c0de7000800000000000abcd", text)
        text = _WHOLE.sub(lambda found: self._begun(found[0]), text)
        text = _TIME.sub(lambda found: self._times.get(found[0], found[0]), text)
        return _without_secrets(json.loads(text))

    def _id(self, found: str) -> str:
        if found == IDEMPOTENCY_KEY:
            return found
        return self._ids.setdefault(found, f"019c8a52-7d10-7c3e-9a41-{len(self._ids) + 1:012x}")

    def _hash(self, found: str) -> str:
        if found in self._known:
            return found
        number = len(self._hashes) + 1
        return self._hashes.setdefault(found, sha256(f"example {number}".encode()).hexdigest())

    def _begun(self, found: str) -> str:
        """A stamp that has no fraction of a second, as in a case report: its move's beginning."""
        moment = datetime.fromisoformat(found)
        for move in reversed(self._moves):
            if move.told <= moment < self._recorded + move.offset:
                return move.told.isoformat().replace("+00:00", "Z")
        return found

    def _told_times(self, exchanges: Iterable[Exchange]) -> dict[str, str]:
        """By every stamp of the service, the time that stands for it."""
        found = {text for one in exchanges for text in _TIME.findall(json.dumps(one.answer))}
        stamped = {
            text: stamp
            for text in found
            if (stamp := self._stamp(datetime.fromisoformat(text))) is not None
        }
        shown: dict[str, str] = {}
        made: dict[datetime, int] = {}
        for text, stamp in sorted(stamped.items(), key=lambda item: (item[1].real, item[0])):
            count = made[stamp.told] = made.get(stamp.told, 0) + 1
            told = (stamp.told + timedelta(seconds=count)).isoformat()
            shown[text] = told if text.endswith("+00:00") else told.replace("+00:00", "Z")
        return shown

    def _stamp(self, moment: datetime) -> "_Stamp | None":
        """When it was stamped, by real time, and what the story's time was then.

        None of a time that follows from what was sent: it is the same each time.
        """
        for move in reversed(self._moves):
            if move.told <= moment < move.told + _NEAR:
                return _Stamp(moment - move.offset, move.told)
        first, last = self._moves[0].since, datetime.now(UTC)
        for later in (timedelta(0), A_DAY):  # a secret before another signs for a day
            if first - A_DAY <= moment - later <= last:  # the installation is a little older
                real = moment - later
                told = [move.told for move in self._moves if move.since <= max(real, first)][-1]
                return _Stamp(real, told + later)
        return None


@dataclass(frozen=True)
class _Stamp:
    real: datetime
    told: datetime


def _shortened(one: Exchange) -> Any:
    return begun_only(one.answer) if one.operation in SHORTENED else one.answer


def begun_only(answer: Json) -> Json:
    """A protocol version with the first of its facts, criteria and rulings, for its size."""
    section, document = answer["eligibility"], answer["document"]
    lists = {name: section[name][:3] for name in ("quantities", "facts", "criteria")}
    return {
        **answer,
        "document": {name: document[name] for name in ("version", "study", "endpoint")},
        "eligibility": {**section, **lists},
        "assumptions": answer["assumptions"][:2],
    }


SHORTENED = {"read_protocol_version"}
"""Answers too long to be read as an example."""


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_secrets(part, name) for part in value]
    if isinstance(value, str) and value.startswith("whsec_"):
        return WEBHOOK_SECRET
    if isinstance(value, str) and name in BY_NAME and value not in OWN:
        return BY_NAME[name]
    return value


def normal(recorder: Recorder, known: frozenset[str]) -> Json:
    """Every exchange as it is kept, by its operation, in the order of the story."""
    told = Normal(recorder, known)
    return {operation: told.exchange(one) for operation, one in recorder.kept.items()}

"""What an answer says, without what is a salted hash by design or the time of the test."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from services.api.core import etag
from tests.concealment.requests import Asked

HASH = re.compile(r"(\\x)?[0-9a-f]{64}")
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Reader:
    """Reads what was answered in a world that began at a moment: the test is what happens since."""

    began: datetime
    masks: Mapping[str, "Mask"] = field(default_factory=lambda: MASKS)

    def heard(self, asked: Asked, answer: httpx.Response) -> str:
        """Status, headers and body, byte for byte but for the places that its masks name."""
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        body = answer.text
        mask = self.masks.get(asked.operation)
        if mask is not None and answer.status_code == HTTPStatus.OK:
            body = self.masked(mask, body, headers["content-type"])
            if "content-length" in headers:
                assert headers["content-length"] == str(len(answer.content))
                headers["content-length"] = f"that of {len(body)}"
            if "etag" in headers:
                assert headers["etag"] == etag.tag(answer.content, None)
                headers["etag"] = "that of the body"
        if mask is not None and answer.status_code == HTTPStatus.NOT_MODIFIED:
            headers["etag"] = "the one that was sent"
        head = [f"{answer.status_code} {answer.reason_phrase}"]
        return "\n".join([*head, *(f"{name}: {value}" for name, value in headers.items()), body])

    def masked(self, mask: "Mask", body: str, kind: str) -> str:
        """The body with each of its items masked; nothing else of it can change."""
        if kind.startswith("text/csv"):
            rows = [*csv.DictReader(io.StringIO(body))]
            assert csv_of(rows) == body
            for row in rows:
                row["changes"] = json.loads(row["changes"] or "[]")
                mask(self, row)
            return json.dumps(rows)
        read = json.loads(body)
        assert json.dumps(read, separators=(",", ":"), ensure_ascii=False) == body
        for one in read.get("items", [read]):
            mask(self, one)
        return json.dumps(read)

    def time(self, at: str) -> str:
        """A time, if the test did not make it."""
        moment = datetime.fromisoformat(at)
        return "(during the test)" if self.began <= moment < self.began + AN_HOUR else at


Mask = Callable[[Reader, Any], None]


def without_hash(text: str) -> str:
    """Nothing of a hash of 32 bytes; anything else must not be left out."""
    assert HASH.fullmatch(text), f"{text!r} is not a hash of 32 bytes"
    return "(hash)"


def root(_: Reader, one: Any) -> None:
    """The commitment's root, into which every slot's salted leaf went."""
    one["root"] = without_hash(one["root"])


def proof(reader: Reader, one: Any) -> None:
    """The root, and the sibling hashes that lead to it."""
    root(reader, one)
    one["path"] = [without_hash(sibling) for sibling in one["path"]]


def event(reader: Reader, one: Any) -> None:
    """The root where it was committed to; and the time of what the test itself did."""
    one["at"] = reader.time(one["at"])
    if one["record"] == "randomization_commitment":
        for change in one["changes"]:
            if change["field"] == "root":
                change["new"] = without_hash(change["new"])


def checkpoint(reader: Reader, one: Any) -> None:
    """The root over the events' hashes, one of which covers the list's root; and the time."""
    head, payload, _ = one["statement"].split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    one["statement"] = [
        head,
        {**said, "root": without_hash(said["root"]), "at": reader.time(said["at"])},
    ]


def readiness(reader: Reader, one: Any) -> None:
    """How long ago something was told that no worker has acted on: no world has a worker."""
    if "feed_behind_seconds" in one:
        told = datetime.now(UTC) - timedelta(seconds=one["feed_behind_seconds"])
        assert reader.began - AN_HOUR <= told
        one["feed_behind_seconds"] = "(until now)"


def delivery(reader: Reader, one: Any) -> None:
    """When it is due: from the moment on at which the test published its event."""
    if one["due_at"] is not None:
        one["due_at"] = reader.time(one["due_at"])


MASKS: dict[str, Mask] = {
    "list_deliveries": delivery,
    "read_readiness": readiness,
    "read_commitment": root,
    "read_proof": proof,
    "list_proofs": proof,
    "list_audit_events": event,
    "list_checkpoints": checkpoint,
}
"""The operations whose answers hold a hash over the list, or the time, and what leaves it out."""


def csv_of(rows: list[dict[str, Any]]) -> str:
    """A table as the service writes it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()

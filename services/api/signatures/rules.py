"""What a signature states, and the hash of what it covers, the same wherever it is computed."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID


class SignatureMeaning(StrEnum):
    """Everything that a person may state by signing (21 CFR 11.50(a)(3))."""

    ELIGIBLE = "I confirm eligibility"
    INELIGIBLE = "I confirm ineligibility"
    GRADING = "I confirm the grading"
    ADVERSE_EVENT = "I have reviewed the adverse event"


def content_hash(record: str, content: Mapping[str, object]) -> str:
    """SHA-256, in hex, of canonical JSON of one version of a record.

    `content` is every column of the version, who recorded it and when and why
    included: the signer saw them. A column that is null is left out, so that
    one added to the table later changes no hash of before.
    """
    told = {name: value for name, value in content.items() if value is not None}
    return sha256_of({"record": record, "content": told})


def sha256_of(value: Mapping[str, object]) -> str:
    """SHA-256, in hex, of canonical JSON: compact, ASCII, keys sorted.

    Neither the order of keys matters nor the way a number or a moment is
    written: 4 and 4.0 are one number, also after a database kept it, and
    moments are in UTC.
    """
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> object:
    """The value as JSON knows it, whole numbers without a fraction, as RFC 8785 writes them."""
    match value:
        case Mapping():
            return {str(key): canonical(part) for key, part in value.items()}
        case list() | tuple():
            return [canonical(part) for part in value]
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case float() if value.is_integer():
            return int(value)
    return value

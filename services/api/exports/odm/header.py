"""What the file says of itself: the same data of the same day make the same file."""

from datetime import UTC, date, datetime, time
from hashlib import sha256
from importlib.metadata import version
from typing import NamedTuple

from services.api.exports.extract import Extract

SYSTEM = "trial-api"


class Header(NamedTuple):
    """`created` is when the newest record of the trial was made, not when somebody asked."""

    oid: str
    created: str
    system: str
    system_version: str
    originator: str
    description: str


def header(extract: Extract, odm: str) -> Header:
    """The file's header."""
    changed = extract.changed_at or _noon(extract.protocol.effective_on)
    created = changed.astimezone(UTC).isoformat().replace("+00:00", "Z")
    state = "\n".join(
        (
            odm,
            extract.loaded.sha256,
            created,
            str(extract.position),
            str(extract.count),
            str(extract.today),
            ",".join(sorted(extract.caller.sites)),
        )
    )
    study = extract.protocol.study
    return Header(
        oid=f"{study.nct_id}.{sha256(state.encode()).hexdigest()[:32]}",
        created=created,
        system=SYSTEM,
        system_version=version(SYSTEM),
        originator=study.sponsor,
        description=f"{study.nct_id}: every version of every record, with its author and reason;"
        f" outcomes as of {extract.today}",
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)

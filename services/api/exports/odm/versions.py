"""The versions of what is recorded: where each stands in ODM, who made it, and why."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.api.exports.extract import Extract, Part, SubjectRecord
from services.api.protocol.schema import VisitRule

COMMON = "COMMON"
"""The study event of what is recorded of a subject as a whole, whenever it happens."""


class Place(NamedTuple):
    """A study event: the visit's code as the protocol has it, and which of a repeated one."""

    event: str
    repeat: str | None = None


class Made(NamedTuple):
    """Who made a version, where, when, and why."""

    by: object
    site: str
    at: datetime
    reason: str | None
    record: str


class Version(NamedTuple):
    """One version of what a group holds: where, which of several, by whom, and what is read."""

    place: Place
    key: str | None
    made: Made
    rows: Sequence[tuple[str | None, Any]]
    signature: Any | None = None


def _made(part: str, row: Any, key: str) -> Made:
    version = getattr(row, "version", None)
    named = f"{part}/{key}" if version is None else f"{part}/{key}/{version}"
    return Made(row.recorded_by, row.site, row.recorded_at, getattr(row, "reason", None), named)


def of_part(
    part: Part,
    place: Callable[[Extract, Any], Place] | None = None,
    signatures: Part | None = None,
) -> Callable[[Extract, SubjectRecord], Iterator[Version]]:
    """Every version of every record of a part, those of one record after one another."""
    source = part.source
    own = tuple(name for name in source.key if name != "subject_id")
    repeats = repeated(part)

    def versions(extract: Extract, record: SubjectRecord) -> Iterator[Version]:
        signed = {_signed(one): one for one in record.all(signatures)} if signatures else {}
        for row in record.all(part):
            key = "/".join(str(getattr(row, name)) for name in own)
            # The trail knows a record by its id, and one that has none by its subject's.
            known = key if "id" in own else "/".join(filter(None, (str(row.subject_id), key)))
            yield Version(
                place=place(extract, row) if place else Place(COMMON),
                key=key if repeats else None,
                made=_made(source.name, row, known),
                rows=[(None, row)],
                signature=signed.get((known, getattr(row, "version", 0))) if signed else None,
            )

    return versions


def repeated(part: Part) -> bool:
    """Whether a subject may have several records of a part."""
    return part.source.key != ("subject_id",) and part is not Part.ALLOCATIONS


def _signed(signature: Any) -> tuple[str, int]:
    """What a signature is on: the record's key and its version."""
    for name in ("grading_id", "adverse_event_id", "subject_id"):
        if hasattr(signature, name):
            return str(getattr(signature, name)), int(signature.version)
    raise TypeError("a signature names what it is on")


def subject(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The subject's own row, which is the one record that is kept without its versions."""
    row = record.subject
    made = Made(row.recorded_by, row.site, row.recorded_at, None, f"subject/{row.id}")
    yield Version(Place(COMMON), None, made, [(None, row)])


def consents(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """A consent, and the same once it is withdrawn."""
    withdrawn = {one.consent_id: one for one in record.all(Part.WITHDRAWALS)}
    for row in record.all(Part.CONSENTS):
        key = str(row.id)
        made = Made(row.recorded_by, row.site, row.recorded_at, None, f"consent/{key}")
        yield Version(Place(COMMON), key, made, [(None, (row, None))])
        if (end := withdrawn.get(row.id)) is not None:
            made = Made(
                end.recorded_by, end.site, end.recorded_at, end.reason, f"consent_withdrawal/{key}"
            )
            yield Version(Place(COMMON), key, made, [(None, (row, end))])


def interruptions(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The interruptions as each version of radiotherapy tells them, by their first day."""
    for row in record.all(Part.RADIOTHERAPY):
        made = _made("radiotherapy", row, str(row.subject_id))
        told = row.interruptions or ()
        yield Version(Place(COMMON), "", made, [(str(one["from"]), one) for one in told])


def outcome(extract: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The outcome, which the service derives from what is recorded."""
    subject = record.subject
    at = extract.changed_at or subject.recorded_at
    made = Made(None, subject.site, at, None, f"endpoint/{subject.id}")
    yield Version(Place(COMMON), None, made, [(None, extract.outcome(record))])


def place_of(visits: Sequence[VisitRule], code: str) -> Place:
    """The study event of a visit; one in no schedule any more stands among what is common."""
    for rule in visits:
        if rule.repeat_every_days is None:
            if rule.code == code:
                return Place(rule.code)
            continue
        before, after = map(re.escape, rule.code.split("{n}"))
        if (found := re.fullmatch(f"{before}([1-9][0-9]*){after}", code)) is not None:
            return Place(rule.code, found[1])
    return Place(COMMON)


def at_visit(extract: Extract, row: Any) -> Place:
    code = row.code if hasattr(row, "code") else row.visit
    return place_of(extract.protocol.visits.schedule, code)


def verifications(extract: Extract, record: SubjectRecord) -> Iterator[Version]:
    """Verifications, each at the visit of the grading that it is of."""
    visits = {row.id: row for row in record.all(Part.GRADINGS)}
    for row in record.all(Part.VERIFICATIONS):
        made = Made(
            row.recorded_by, row.site, row.recorded_at, None, f"grading_verification/{row.id}"
        )
        yield Version(at_visit(extract, visits[row.grading_id]), str(row.id), made, [(None, row)])


def query_steps(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The steps of queries, in the order of each query's conversation."""
    for row in sorted(record.all(Part.QUERY_STEPS), key=lambda one: (str(one.id), one.version)):
        key = f"{row.id}/{row.version}"
        made = Made(row.recorded_by, row.site, row.recorded_at, None, f"data_query_step/{key}")
        yield Version(Place(COMMON), key, made, [(None, row)])

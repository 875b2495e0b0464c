"""The export as it is written: one Bundle, or one resource a line."""

import json
from collections.abc import Iterator

from services.api.exports.extract import Extract, Options
from services.api.exports.fhir import (
    adverse_events,
    gradings,
    provenance,
    study,
    subject,
    treatment,
)
from services.api.exports.fhir.elements import PSEUDONYMISED, Json, Names, instant, kept
from services.api.exports.fhir.people import People

PARTS = tuple(
    dict.fromkeys(
        part
        for kind in (subject, treatment, gradings, adverse_events, provenance)
        for part in kind.PARTS
    )
)


def resources(extract: Extract) -> Iterator[Json]:
    """Every resource: the study first, then subject by subject, each before what refers to it.

    Who recorded something follows the subject of whom they are first named.
    """
    protocol, clock = extract.protocol, extract.clock
    names = Names(protocol.study.nct_id)
    people = People(names, extract.users)
    yield from study.resources(extract, names)
    for record in extract.subjects(PARTS):
        yield from subject.resources(record, names, protocol, clock)
        yield from treatment.resources(record, names, protocol)
        yield from gradings.resources(record, names, protocol, people, extract.certificates)
        yield from gradings.outcomes(record, extract.outcome(record), extract.today, names)
        yield from adverse_events.resources(record, names, protocol, people)
        yield from provenance.resources(record, names, people)
        yield from people.waiting()


def ndjson(extract: Extract, _: Options) -> Iterator[bytes]:
    """One resource a line, as FHIR's bulk data has them."""
    for one in resources(extract):
        yield _text(one).encode() + b"\n"


def bundle(extract: Extract, _: Options) -> Iterator[bytes]:
    """One Bundle of type `collection`, made when the newest of its records was."""
    names = Names(extract.protocol.study.nct_id)
    head = kept(
        resourceType="Bundle",
        meta=PSEUDONYMISED,
        type="collection",
        timestamp=extract.changed_at and instant(extract.changed_at),
    )
    yield _text(head)[:-1].encode() + b',"entry":['
    separator = b"\n"
    for one in resources(extract):
        entry = {"fullUrl": names.url(one["resourceType"], one["id"]), "resource": one}
        yield separator + _text(entry).encode()
        separator = b",\n"
    yield b"\n]}\n"


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

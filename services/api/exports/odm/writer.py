"""The ODM export: the study's metadata, who took part, and every subject's data, as they are read.

Every version of every record is a transaction with its audit record, so a file
holds what is, what was before, and who changed it why.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from services.api.exports.extract import Extract, Options, Part, SubjectRecord
from services.api.exports.odm import classic, names, second
from services.api.exports.odm.events import Event, events
from services.api.exports.odm.groups import Group, groups
from services.api.exports.odm.header import Header, header
from services.api.exports.odm.people import Person, people
from services.api.exports.odm.transactions import Transaction, transactions
from services.api.exports.odm.versions import Made, Place
from services.api.exports.odm.xml import end, start

VERSIONS = (second.VERSION, classic.VERSION)
"""What can be asked for, the newest first: the one that is given to who does not say."""

BLOCK = 64 * 1024
"""Characters that are encoded together."""


class Dialect(Protocol):
    """What a version of ODM writes in its own way."""

    VERSION: str
    FORM_END: str
    EVENT_END: str

    def root(self, header: Header) -> str: ...
    def study(
        self, extract: Extract, groups: tuple[Group, ...], events: Iterable[Event]
    ) -> Iterator[str]: ...
    def admin(self, extract: Extract, people: Iterable[Person]) -> Iterator[str]: ...
    def subject_start(self, number: str, made: Made) -> str: ...
    def subject_end(self, made: Made) -> str: ...
    def event_start(self, place: Place) -> str: ...
    def form_start(self, name: str) -> str: ...
    def transaction(self, group: Group, one: Transaction) -> str: ...


DIALECTS: Mapping[str, Dialect] = {second.VERSION: second, classic.VERSION: classic}


def write(extract: Extract, options: Options) -> Iterator[bytes]:
    """The whole file in the version that was asked for."""
    return _encoded(_file(extract, DIALECTS[options.version or VERSIONS[0]]))


def _file(extract: Extract, dialect: Dialect) -> Iterator[str]:
    protocol = extract.protocol
    every = groups(protocol)
    planned = events(protocol, every)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield dialect.root(header(extract, dialect.VERSION))
    yield from dialect.study(extract, every, planned)
    yield from dialect.admin(extract, people(extract))
    yield start(
        "ClinicalData",
        StudyOID=names.study(protocol.study.nct_id),
        MetaDataVersionOID=names.metadata(protocol.version),
    )
    parts = tuple(part for part in Part if any(part in group.parts for group in every))
    order = {one.code: place for place, one in enumerate(planned)}
    for record in extract.subjects(parts):
        yield from _subject(extract, record, dialect, every, order)
    yield end("ClinicalData") + end("ODM") + "\n"


def _subject(
    extract: Extract,
    record: SubjectRecord,
    dialect: Dialect,
    every: tuple[Group, ...],
    order: Mapping[str, int],
) -> Iterator[str]:
    """A subject's transactions by study event, form and group, those of one record in time."""
    subject = record.subject
    made = Made(
        subject.recorded_by, subject.site, subject.recorded_at, None, f"subject/{subject.id}"
    )
    placed: dict[Place, dict[str, list[str]]] = {}
    for group in every:
        for one in transactions(group, extract, record):
            forms = placed.setdefault(one.place, {})
            forms.setdefault(group.form, []).append(dialect.transaction(group, one))
    yield dialect.subject_start(subject.number, made)
    for place in sorted(placed, key=lambda one: (order[one.event], int(one.repeat or 0))):
        yield dialect.event_start(place)
        for form, told in placed[place].items():
            yield dialect.form_start(form)
            yield from told
            yield dialect.FORM_END
        yield dialect.EVENT_END
    yield dialect.subject_end(made)


def _encoded(parts: Iterator[str]) -> Iterator[bytes]:
    """Blocks of UTF-8, so that a small element costs no step of its own."""
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= BLOCK:
            yield "".join(waiting).encode()
            waiting.clear()
            size = 0
    yield "".join(waiting).encode()

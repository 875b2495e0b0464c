"""The item groups of ODM: each kind of record once, for its metadata and for its data.

What a record's columns are called, mean and hold is told by the tables of the
CSV export; here stands what ODM adds: at which study event a record belongs,
what tells it from others of its kind, and who made each of its versions.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from services.api.exports.csv.column import Column, File, Kind, Line, stored
from services.api.exports.csv.files.eligibility import ELIGIBILITY
from services.api.exports.csv.files.endpoint import ENDPOINTS
from services.api.exports.csv.files.gradings import ADJUDICATIONS, GRADINGS
from services.api.exports.csv.files.randomization import CORRECTIONS, RANDOMIZATIONS
from services.api.exports.csv.files.review import LOCKS, QUERIES
from services.api.exports.csv.files.safety import ADVERSE_EVENTS, DEADLINES, SUBMISSIONS
from services.api.exports.csv.files.subjects import CONSENTS, SUBJECTS
from services.api.exports.csv.files.treatment import (
    DISCONTINUATIONS,
    EXPOSURES,
    INTERRUPTIONS,
    RADIOTHERAPY,
)
from services.api.exports.csv.files.visits import DEVIATIONS, VISITS
from services.api.exports.extract import OF_OUTCOME, Extract, Part, SubjectRecord
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.protocol.schema import Fact, FactType, Protocol, VisitRule

COMMON = "COMMON"
"""The study event of what is recorded of a subject as a whole, whenever it happens."""

AUDITED = frozenset({"subject", "site", "version", "reason"})
AUDITED_BY = frozenset({"recorded_at", "recorded_by", "recorded_by_role"})
"""Columns whose place in ODM is the subject's key or the audit record."""


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


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a group: a column, with the list of its values and their bounds."""

    column: Column
    codes: str | None
    bounds: tuple[float, float] | None = None
    unit_item: str | None = None

    @property
    def name(self) -> str:
        """What the item is called within its group."""
        return self.column.name


@dataclass(frozen=True, slots=True)
class Group:
    """An item group: its items, the form that it stands in, and where its versions come from.

    `repeats` is whether a subject has several at one study event. `visits` is
    whether it stands at visits, and at which: all, the graded ones, or none.
    Of a group that is only `part_of_record` a version that changes nothing in it
    is not told; another group tells it.
    """

    name: str
    form: str
    meaning: str
    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    versions: Callable[[Extract, SubjectRecord], Iterator[Version]]
    repeats: bool = True
    visits: str | None = None
    derived: bool = False
    part_of_record: bool = False


# --- values ---------------------------------------------------------------------------------


def told(kind: Kind, value: object) -> str | None:
    """A value as ODM writes it; None is no value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if isinstance(value, list | tuple | frozenset):
        return ";".join(sorted(map(str, value)))
    return str(value)


SEVERAL = {"seriousness": "Seriousness", "flags": "GradingFlag"}
"""Columns that may hold several values of a list: an item for each value, true or false."""

LISTLESS = frozenset({"Visit"})
"""Lists of the CSV export that name what has no end: a weekly visit repeats as long as needed."""


def _chosen(column: Column, value: str, label: str) -> Column:
    def read(line: Line) -> object:
        found = column.read(line)
        return value in found if isinstance(found, list | tuple | frozenset) else None

    called = f"{column.name}.{value}"
    return Column(called, Kind.BOOLEAN, f"{column.label}: {label}", column.source, read)


def _items(columns: Iterable[Column], bounds: dict[str, tuple[float, float]]) -> tuple[Item, ...]:
    found: list[Item] = []
    for column in columns:
        several = SEVERAL.get(column.name)
        if several is not None:
            labels = enumerations(Language.ENGLISH)[several]
            found += [
                Item(_chosen(column, value, label.label), None) for value, label in labels.items()
            ]
            continue
        codes = None if column.codes in LISTLESS else column.codes
        found.append(Item(column, codes, bounds.get(column.name)))
    return tuple(found)


def _columns(file: File, *, but: Iterable[str] = (), keeps: Iterable[str] = ()) -> list[Column]:
    """The columns of a file that are items."""
    left = ((AUDITED | AUDITED_BY) - {*keeps}) | {*but}
    return [column for column in file.columns if column.name not in left]


# --- versions -------------------------------------------------------------------------------


def _made(part: str, row: Any, key: str) -> Made:
    version = getattr(row, "version", None)
    named = f"{part}/{key}" if version is None else f"{part}/{key}/{version}"
    return Made(row.recorded_by, row.site, row.recorded_at, getattr(row, "reason", None), named)


def _of_part(
    part: Part,
    place: Callable[[Extract, Any], Place] | None = None,
    signatures: Part | None = None,
) -> Callable[[Extract, SubjectRecord], Iterator[Version]]:
    """Every version of every record of a part, those of one record after one another."""
    source = part.source
    own = tuple(name for name in source.key if name != "subject_id")
    repeats = _repeats(part)

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


def _repeats(part: Part) -> bool:
    """Whether a subject may have several records of a part."""
    return part.source.key != ("subject_id",) and part is not Part.ALLOCATIONS


def _signed(signature: Any) -> tuple[str, int]:
    """What a signature is on: the record's key and its version."""
    for name in ("grading_id", "adverse_event_id", "subject_id"):
        if hasattr(signature, name):
            return str(getattr(signature, name)), int(signature.version)
    raise TypeError("a signature names what it is on")


def _subject(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The subject's own row, which is the one record that is kept without its versions."""
    row = record.subject
    made = Made(row.recorded_by, row.site, row.recorded_at, None, f"subject/{row.id}")
    yield Version(Place(COMMON), None, made, [(None, row)])


def _consents(_: Extract, record: SubjectRecord) -> Iterator[Version]:
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


def _interruptions(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The interruptions as each version of radiotherapy tells them, by their first day."""
    for row in record.all(Part.RADIOTHERAPY):
        made = _made("radiotherapy", row, str(row.subject_id))
        told = row.interruptions or ()
        yield Version(Place(COMMON), "", made, [(str(one["from"]), one) for one in told])


def _outcome(extract: Extract, record: SubjectRecord) -> Iterator[Version]:
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


def _at_visit(extract: Extract, row: Any) -> Place:
    code = row.code if hasattr(row, "code") else row.visit
    return place_of(extract.protocol.visits.schedule, code)


def _at_graded_visit(extract: Extract, record: SubjectRecord) -> Iterator[Version]:
    """Verifications, each at the visit of the grading that it is of."""
    visits = {row.id: row for row in record.all(Part.GRADINGS)}
    for row in record.all(Part.VERIFICATIONS):
        made = Made(
            row.recorded_by, row.site, row.recorded_at, None, f"grading_verification/{row.id}"
        )
        yield Version(_at_visit(extract, visits[row.grading_id]), str(row.id), made, [(None, row)])


def _steps(_: Extract, record: SubjectRecord) -> Iterator[Version]:
    """The steps of queries, in the order of each query's conversation."""
    for row in sorted(record.all(Part.QUERY_STEPS), key=lambda one: (str(one.id), one.version)):
        key = f"{row.id}/{row.version}"
        made = Made(row.recorded_by, row.site, row.recorded_at, None, f"data_query_step/{key}")
        yield Version(Place(COMMON), key, made, [(None, row)])


# --- columns that the CSV export tells line by line ---------------------------------------------


def _consent_columns() -> list[Column]:
    def of(pair: int, name: str) -> Callable[[Line], object]:
        return lambda line: getattr(line.row[pair], name, None)

    return [
        Column("consent_id", Kind.ID, "Consent's id", "consent.id", of(0, "id")),
        Column(
            "version", Kind.TEXT, "Version of the consent form", "consent.version", of(0, "version")
        ),
        Column(
            "signed_on", Kind.DATE, "Day it was signed", "consent.signed_on", of(0, "signed_on")
        ),
        Column(
            "withdrawn_on",
            Kind.DATE,
            "Day consent was withdrawn",
            "consent_withdrawal.withdrawn_on",
            of(1, "withdrawn_on"),
        ),
    ]


_NUMBERS = {
    FactType.BOOLEAN: Kind.BOOLEAN,
    FactType.INTEGER: Kind.INTEGER,
    FactType.CHOICE: Kind.CODE,
    FactType.DATE_OR_NEVER: Kind.TEXT,
    FactType.MEASUREMENT: Kind.DECIMAL,
}


def _fact_items(protocol: Protocol) -> tuple[Item, ...]:
    """An item for each fact in its quantity's unit, and beside it what was given."""
    units = {one.id: one.unit for one in protocol.eligibility.quantities}
    found: list[Item] = []
    for fact in protocol.eligibility.facts:
        bounds = (
            (fact.minimum, fact.maximum)
            if fact.minimum is not None and fact.maximum is not None
            else None
        )
        unit = units[fact.quantity] if fact.quantity else fact.unit
        codes = f"fact.{fact.id}" if fact.choices else None
        column = Column(
            fact.id,
            _NUMBERS[fact.type],
            fact.question,
            f"eligibility_evaluation.normalised.{fact.id}",
            _normalised(fact.id),
            unit,
            codes,
        )
        found.append(Item(column, codes, bounds))
        found += [Item(one, None, unit_item=by) for one, by in _given(fact)]
    known = {fact.id for fact in protocol.eligibility.facts}

    def others(line: Line) -> object:
        return {name: value for name, value in line.row.facts.items() if name not in known} or None

    label = "Facts of an earlier protocol document, as given"
    source = "eligibility_evaluation.facts"
    found.append(Item(Column("earlier_facts", Kind.JSON, label, source, others), None))
    return tuple(found)


def _normalised(fact: str) -> Callable[[Line], object]:
    def read(line: Line) -> object:
        value = line.row.normalised.get(fact)
        return value.get("value") if isinstance(value, dict) else value

    return read


def _given(fact: Fact) -> Iterator[tuple[Column, str | None]]:
    """What stands beside a dated fact, and the item that holds its unit."""

    def column(name: str, kind: Kind, label: str) -> Column:
        def read(line: Line) -> object:
            value = line.row.facts.get(fact.id)
            return value.get(name) if isinstance(value, dict) else None

        source = f"eligibility_evaluation.facts.{fact.id}.{name}"
        return Column(f"{fact.id}.{name}", kind, f"{fact.question} {label}", source, read)

    if fact.dated:
        yield column("measured_on", Kind.DATE, "(day)"), None
    if fact.quantity:
        by = f"{fact.id}.unit"
        yield column("value", Kind.DECIMAL, "(as given)"), by
        yield column("unit", Kind.TEXT, "(unit as given)"), None
        if fact.uln:
            yield column("uln", Kind.DECIMAL, "(upper limit of normal, in the unit given)"), by


def _criterion_items(protocol: Protocol) -> tuple[Item, ...]:
    """The verdict on each criterion, and what it was flagged or stale for."""

    def read(criterion: str, name: str) -> Callable[[Line], object]:
        def value(line: Line) -> object:
            return next(
                (one.get(name) for one in line.row.criteria if one["id"] == criterion), None
            )

        return value

    found: list[Item] = []
    for one in protocol.eligibility.criteria:
        for suffix, name, kind, label, codes in (
            ("", "verdict", Kind.CODE, one.text, "CriterionVerdict"),
            (".flag", "flag", Kind.TEXT, "What the investigator is asked to look at", None),
            (".stale", "stale", Kind.BOOLEAN, "Whether a fact was too old to be used", None),
        ):
            if name == "flag" and one.flag is None:
                continue
            source = f"eligibility_evaluation.criteria.{one.id}.{name}"
            called = f"{one.id}{suffix}"
            found.append(
                Item(Column(called, kind, label, source, read(one.id, name), codes=codes), codes)
            )
    return tuple(found)


# --- the whole ------------------------------------------------------------------------------


def groups(protocol: Protocol) -> tuple[Group, ...]:
    """Every item group, in the order in which a subject's data are written."""
    grades = (float(protocol.grading.minimum), float(protocol.grading.maximum))
    bounds: dict[str, tuple[float, float]] = {
        one.id: (one.minimum, one.maximum)
        for one in protocol.grading.components
        if one.minimum is not None and one.maximum is not None
    }
    bounds["grade"] = grades

    def plain(
        file: File,
        part: Part,
        *,
        but: Iterable[str] = (),
        keeps: Iterable[str] = (),
        visits: str | None = None,
        signatures: Part | None = None,
        limits: dict[str, tuple[float, float]] | None = None,
    ) -> Group:
        return Group(
            file.name,
            file.name,
            file.meaning,
            _items(_columns(file, but=but, keeps=keeps), limits or {}),
            tuple(dict.fromkeys((part, *file.parts, *((signatures,) if signatures else ())))),
            _of_part(part, _at_visit if visits else None, signatures),
            repeats=_repeats(part),
            visits=visits,
        )

    evaluations = _of_part(Part.EVALUATIONS, None, Part.EVALUATION_SIGNATURES)
    unsigned = _of_part(Part.EVALUATIONS)
    of_eligibility = (Part.EVALUATIONS, Part.EVALUATION_SIGNATURES)
    return (
        Group(
            "subjects",
            "subjects",
            SUBJECTS.meaning,
            _items(_columns(SUBJECTS, but=("arm", "randomized_at")), {}),
            (),
            _subject,
            repeats=False,
        ),
        Group(
            "consents",
            "consents",
            CONSENTS.meaning,
            _items(_consent_columns(), {}),
            (Part.CONSENTS, Part.WITHDRAWALS),
            _consents,
        ),
        Group(
            "eligibility",
            "eligibility",
            ELIGIBILITY.meaning,
            _items(_columns(ELIGIBILITY), {}),
            of_eligibility,
            evaluations,
            repeats=False,
        ),
        Group(
            "eligibility_facts",
            "eligibility",
            "The facts of the evaluation, in their quantities' units and as given",
            _fact_items(protocol),
            of_eligibility,
            unsigned,
            repeats=False,
            part_of_record=True,
        ),
        Group(
            "eligibility_criteria",
            "eligibility",
            "The verdict on each criterion",
            _criterion_items(protocol),
            of_eligibility,
            unsigned,
            repeats=False,
            part_of_record=True,
        ),
        plain(RADIOTHERAPY, Part.RADIOTHERAPY),
        Group(
            "interruptions",
            "radiotherapy",
            INTERRUPTIONS.meaning,
            _items(_columns(INTERRUPTIONS, keeps=("reason",)), {}),
            (Part.RADIOTHERAPY,),
            _interruptions,
            part_of_record=True,
        ),
        plain(RANDOMIZATIONS, Part.ALLOCATIONS),
        plain(CORRECTIONS, Part.CORRECTIONS, but=("reason",)),
        plain(VISITS, Part.VISITS, but=("visit",), visits="all"),
        plain(
            GRADINGS,
            Part.GRADINGS,
            but=("visit", "signed_at", "verified_at"),
            visits="graded",
            signatures=Part.GRADING_SIGNATURES,
            limits=bounds,
        ),
        Group(
            "verifications",
            "gradings",
            "Versions of gradings that a monitor compared with their source",
            _items(
                (
                    stored("grading_verification", "grading_id", Kind.ID, "Grading's id"),
                    stored(
                        "grading_verification", "version", Kind.INTEGER, "Version that was compared"
                    ),
                ),
                {},
            ),
            (Part.GRADINGS, Part.VERIFICATIONS),
            _at_graded_visit,
            visits="graded",
        ),
        plain(
            ADJUDICATIONS,
            Part.ADJUDICATIONS,
            but=("visit",),
            visits="graded",
            limits={"grade": grades},
        ),
        plain(EXPOSURES, Part.EXPOSURES),
        plain(DISCONTINUATIONS, Part.DISCONTINUATIONS),
        plain(DEVIATIONS, Part.DEVIATIONS),
        plain(
            ADVERSE_EVENTS,
            Part.ADVERSE_EVENTS,
            but=("signed_at",),
            signatures=Part.ADVERSE_EVENT_SIGNATURES,
            limits={"grade": (1, 5)},
        ),
        plain(SUBMISSIONS, Part.SUBMISSIONS),
        plain(DEADLINES, Part.DEADLINES),
        plain(QUERIES, Part.QUERIES, but=("last_step", "steps")),
        Group(
            "query_steps",
            "queries",
            "The steps of each query; what was written is not exported",
            _items(
                (
                    stored("data_query_step", "id", Kind.ID, "Query's id", called="query_id"),
                    stored("data_query_step", "version", Kind.INTEGER, "Which step, from 1"),
                    stored("data_query_step", "step", Kind.CODE, "Step"),
                    stored(
                        "data_query_step", "role", Kind.CODE, "Role of who took it", codes="Role"
                    ),
                ),
                {},
            ),
            (Part.QUERIES, Part.QUERY_STEPS),
            _steps,
        ),
        plain(LOCKS, Part.LOCKS, but=("reason",)),
        Group(
            ENDPOINTS.name,
            ENDPOINTS.name,
            ENDPOINTS.meaning,
            _items(_columns(ENDPOINTS), {}),
            OF_OUTCOME,
            _outcome,
            repeats=False,
            derived=True,
        ),
    )

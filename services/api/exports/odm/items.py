"""The items of ODM: the columns of the CSV export, and what it tells line by line."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.api.exports.csv.column import Column, File, Kind, Line
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.protocol.schema import Fact, FactType, Protocol

AUDITED = frozenset({"subject", "site", "version", "reason"})
AUDITED_BY = frozenset({"recorded_at", "recorded_by", "recorded_by_role"})
"""Columns whose place in ODM is the subject's key or the audit record."""


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


def items_of(columns: Iterable[Column], bounds: dict[str, tuple[float, float]]) -> tuple[Item, ...]:
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


def columns_of(file: File, *, but: Iterable[str] = (), keeps: Iterable[str] = ()) -> list[Column]:
    """The columns of a file that are items."""
    left = ((AUDITED | AUDITED_BY) - {*keeps}) | {*but}
    return [column for column in file.columns if column.name not in left]


def consent_columns() -> list[Column]:
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


def fact_items(protocol: Protocol) -> tuple[Item, ...]:
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


def criterion_items(protocol: Protocol) -> tuple[Item, ...]:
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

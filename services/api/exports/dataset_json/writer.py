"""Dataset-JSON 1.1: each domain as a JSON document, or as NDJSON; all of them as an archive.

The number of a dataset's records and the lengths of its texts stand before its
rows, so the rows are read twice: once to count, once to write, of one moment.
Source: CDISC Dataset-JSON v1.1, and its NDJSON representation.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.metadata import version
from typing import Any

from services.api.exports.archive import archived
from services.api.exports.dataset_json.adverse_events import AE
from services.api.exports.dataset_json.demographics import DM
from services.api.exports.dataset_json.disposition import DS
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Value, Variable
from services.api.exports.dataset_json.gradings import RS
from services.api.exports.dataset_json.terminology import CODELISTS
from services.api.exports.dataset_json.treatment import EX, PR
from services.api.exports.dataset_json.visits import SV
from services.api.exports.extract import Extract, Options

STANDARD = "1.1.0"
DOMAINS = {one.name: one for one in (DM, DS, AE, EX, PR, RS, SV)}
SUPPLEMENTS = {f"SUPP{one.name}": one for one in DOMAINS.values() if one.qualifiers}
TERMINOLOGY = "CT"
DATASETS = (*DOMAINS, *SUPPLEMENTS, TERMINOLOGY)
ROWS = 256
"""Rows that are encoded together."""

_STUDY = Variable("STUDYID", "Study Identifier", key=1)
_DOMAIN = Variable("DOMAIN", "Domain Abbreviation")
_SUBJECT = Variable("USUBJID", "Unique Subject Identifier", key=2)
_SUPPLEMENT = (
    _STUDY,
    Variable("RDOMAIN", "Related Domain Abbreviation"),
    _SUBJECT,
    Variable("IDVAR", "Identifying Variable", key=3),
    Variable("IDVARVAL", "Identifying Variable Value", key=4),
    Variable("QNAM", "Qualifier Variable Name", key=5),
    Variable("QLABEL", "Qualifier Variable Label"),
    Variable("QVAL", "Data Value"),
    Variable("QORIG", "Origin"),
    Variable("QEVAL", "Evaluator"),
)
_TERMINOLOGY = (
    Variable("CODELIST", "Codelist", key=1),
    Variable("NCICODE", "NCI Code of the Codelist"),
    Variable("EXTENS", "Whether Other Values May Be Used"),
    Variable("RECORDED", "What the Trial Records", key=2),
    Variable("VALUE", "Submission Value"),
)

Cells = Sequence[Value]


@dataclass(frozen=True)
class Dataset:
    """A dataset of this trial: its head, and its rows as often as they are asked for."""

    name: str
    label: str
    variables: tuple[Variable, ...]
    rows: "_Rows"


class _Rows:
    """Rows that are read anew with each iteration."""

    def __init__(self, extract: Extract, name: str) -> None:
        self._extract, self._name = extract, name

    def __iter__(self) -> Iterator[Cells]:
        if self._name == TERMINOLOGY:
            return _terms()
        if self._name in SUPPLEMENTS:
            return _supplement(self._extract, SUPPLEMENTS[self._name])
        return _records(self._extract, DOMAINS[self._name])


def whole(extract: Extract, _: Options) -> Iterator[bytes]:
    """Every dataset as one archive."""
    return archived((f"{name.lower()}.json", _json(extract, name)) for name in DATASETS)


def single(extract: Extract, options: Options) -> Iterator[bytes]:
    """The dataset that was asked for, as one document."""
    return _json(extract, options.dataset or "")


def lines(extract: Extract, options: Options) -> Iterator[bytes]:
    """The dataset that was asked for, as NDJSON: its head, then a row a line."""
    found = dataset(extract, options.dataset or "")
    yield _encoded(head(extract, found)) + b"\n"
    for rows in _batches(found.rows):
        yield b"\n".join(rows) + b"\n"


def _json(extract: Extract, name: str) -> Iterator[bytes]:
    found = dataset(extract, name)
    yield _encoded(head(extract, found))[:-1] + b',"rows":['
    before = b"\n"
    for rows in _batches(found.rows):
        yield before + b",\n".join(rows)
        before = b",\n"
    yield b"\n]}\n"


def dataset(extract: Extract, name: str) -> Dataset:
    """A dataset by its name."""
    rows = _Rows(extract, name)
    if name == TERMINOLOGY:
        return Dataset(name, "Controlled Terminology Used", _TERMINOLOGY, rows)
    if name in SUPPLEMENTS:
        label = f"Supplemental Qualifiers for {SUPPLEMENTS[name].name}"
        return Dataset(name, label, _SUPPLEMENT, rows)
    domain = DOMAINS[name]
    return Dataset(name, domain.label, variables(domain), rows)


def variables(domain: Domain) -> tuple[Variable, ...]:
    """The variables of a domain, those that every domain has among them."""
    last = max((one.key for one in domain.variables if one.key is not None), default=2)
    numbered = (Variable(f"{domain.name}SEQ", "Sequence Number", "integer", key=last + 1),)
    return (_STUDY, _DOMAIN, _SUBJECT, *(numbered if domain.numbered else ()), *domain.variables)


def head(extract: Extract, found: Dataset) -> Mapping[str, Any]:
    """What a dataset says of itself, in the standard's order.

    It was created when its newest record was made: the same data give the same bytes.
    """
    study = extract.protocol.study
    made = _made(extract)
    records, lengths = _measured(found)
    return {
        "datasetJSONCreationDateTime": made,
        "datasetJSONVersion": STANDARD,
        "fileOID": f"{study.nct_id}/{made}/{found.name}",
        "dbLastModifiedDateTime": made,
        "originator": study.sponsor,
        "sourceSystem": {"name": "Trial API", "version": version("trial-api")},
        "studyOID": study.nct_id,
        "metaDataVersionOID": f"MDV.{study.nct_id}.{extract.protocol.version}",
        "itemGroupOID": f"IG.{found.name}",
        "records": records,
        "name": found.name,
        "label": found.label,
        "columns": [
            _column(found.name, one, length)
            for one, length in zip(found.variables, lengths, strict=True)
        ],
    }


def _made(extract: Extract) -> str:
    """When the newest record was made; of a trial without any, when its protocol took effect."""
    at = extract.changed_at or datetime.combine(extract.protocol.effective_on, time(), UTC)
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _column(name: str, one: Variable, length: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "itemOID": f"IT.{name}.{one.name}",
        "name": one.name,
        "label": one.label,
        "dataType": one.type,
    }
    if one.type == "string":
        described["length"] = max(1, length)
    if one.key is not None:
        described["keySequence"] = one.key
    return described


def _measured(found: Dataset) -> tuple[int, list[int]]:
    """How many records there are, and the longest text of each variable."""
    texts = [at for at, one in enumerate(found.variables) if one.type == "string"]
    records, lengths = 0, [0] * len(found.variables)
    for row in found.rows:
        records += 1
        for at in texts:
            value = row[at]
            if isinstance(value, str) and len(value) > lengths[at]:
                lengths[at] = len(value)
    return records, lengths


def _batches(rows: Iterable[Cells]) -> Iterator[list[bytes]]:
    held = list[bytes]()
    for row in rows:
        held.append(_encoded(row))
        if len(held) == ROWS:
            yield held
            held = []
    if held:
        yield held


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _encoded(value: object) -> bytes:
    return _encode(value).encode()


# --- rows -------------------------------------------------------------------------------------


def _numbered(extract: Extract, domain: Domain) -> Iterator[tuple[Participant, int, Row]]:
    """The records of a domain, counted from 1 within their subject."""
    for record in extract.subjects(domain.parts):
        one = Participant(extract, record)
        for number, row in enumerate(domain.rows(one), start=1):
            yield one, number, row


def _records(extract: Extract, domain: Domain) -> Iterator[Cells]:
    names = [one.name for one in domain.variables]
    for one, number, row in _numbered(extract, domain):
        counted = [number] if domain.numbered else []
        yield [one.study, domain.name, one.id, *counted, *map(row.values.get, names)]


def _supplement(extract: Extract, domain: Domain) -> Iterator[Cells]:
    """A record for each non-standard variable that has a value."""
    for one, number, row in _numbered(extract, domain):
        found = (f"{domain.name}SEQ", str(number)) if domain.numbered else ("", "")
        for name, value in row.supplement.items():
            if value is not None:
                told = (domain.qualifiers[name], str(value), "Collected", "")
                yield [one.study, domain.name, one.id, *found, name, *told]


def _terms() -> Iterator[Cells]:
    for one in CODELISTS:
        for recorded, value in one.values.items():
            yield [one.name, one.code, "Y" if one.extensible else "N", str(recorded), value]

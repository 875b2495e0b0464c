"""Reads a report in JSON, as the values of its elements, written as the message writes them."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.api.case_reports.schemas import CaseReport

Found = Iterator[tuple[str, str]]
"""Elements, one after the other: number and value."""


def written(value: Any) -> str:
    """A JSON value as the message writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return value["code"] if "code" in value else f"null {value['null_flavor']}"
    return re.sub(r"^(\d{4})-(\d{2})-(\d{2})$", r"\1\2\3", value)


def from_json(report: dict[str, Any], model: type[BaseModel] = CaseReport) -> Found:
    """The elements of a report in JSON, by the numbers that its schema gives them."""
    for name, field in model.model_fields.items():
        value = report[name]
        number = field.title
        if number is not None:
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    is_time = isinstance(one, str) and one.endswith("Z") and "T" in one[8:12]
                    yield number, _time(one) if is_time else written(one)
        elif isinstance(value, list):
            for one in value:
                yield from from_json(one, _model(field.annotation))
        elif isinstance(value, dict):
            yield from from_json(value, _model(field.annotation))


def _model(annotation: Any) -> type[BaseModel]:
    """The model inside `list[Model]`, `Model | None` or `Model`."""
    inner = [one for one in getattr(annotation, "__args__", [annotation]) if one is not type(None)]
    model: type[BaseModel] = inner[0]
    return model


def _time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y%m%d%H%M%S%z")

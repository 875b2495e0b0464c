"""Puts the recorded examples into the document: one subject's story, asked and answered.

`examples.json` is what the running service was asked and answered, as
`make openapi` records it: ids, times and secrets are the same in each recording.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

RECORDED = Path(__file__).with_name("examples.json")
NAME = "story"


@cache
def recorded() -> Json:
    """By operation id: the parameters, the request and the answer of its example."""
    examples: Json = json.loads(RECORDED.read_text(encoding="utf-8"))
    return examples


def add_examples(document: Json) -> None:
    """Show each operation's example beside what it describes."""
    for path in document["paths"].values():
        for operation in path.values():
            example = recorded().get(operation["operationId"])
            if example is not None:
                _add(operation, example)


def _add(operation: Json, example: Json) -> None:
    """Show what has its place still; a test finds what has none, and a new recording mends it."""
    for parameter in operation.get("parameters", ()):
        given = example.get("parameters", {}).get(parameter["name"])
        if given is not None:
            parameter["schema"].pop("examples", None)
            parameter["example"] = as_written(given, parameter["schema"])
    for media_type, body in example.get("request", {}).items():
        _show(operation.get("requestBody", {}), media_type, body)
    if "answer" in example:
        answer = operation["responses"].get(str(example["status"]), {})
        _show(answer, "application/json", example["answer"])


def _show(message: Json, media_type: str, value: Any) -> None:
    if media_type in message.get("content", {}):
        message["content"][media_type]["examples"] = {NAME: {"value": value}}


def as_written(given: str, schema: Json) -> Any:
    """A parameter's text as a value of its type."""
    match schema.get("type"):
        case "array":
            return [as_written(given, schema["items"])]
        case "boolean":
            return given == "true"
        case "integer":
            return int(given)
        case _:
            return given

"""Says what many operations answer alike once: a third of the document is problems otherwise."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_CODE = re.compile(r"^`([a-z_]+)`: ", re.MULTILINE)
OFTEN = 3
"""From so many operations on an answer stands among the components."""


def share_answers(document: Json) -> None:
    """Refer to problems that several operations answer in the same words."""
    found = Counter(_key(answer) for _, _, answer in _problems(document))
    shared: Json = {}
    for answers, status, answer in _problems(document):
        if found[_key(answer)] >= OFTEN:
            name = _name(answer)
            shared.setdefault(name, answer)
            if shared[name] == answer:
                answers[status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = dict(sorted(shared.items()))


def answer_of(document: Json, answer: Json) -> Json:
    """The answer itself, where it stands among the components."""
    name = answer.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["responses"][name] if name else answer
    return found


def _problems(document: Json) -> Iterator[tuple[Json, str, Json]]:
    for path in document["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            for status, answer in list(answers.items()):
                if "application/problem+json" in answer.get("content", {}):
                    yield answers, status, answer


def _key(answer: Json) -> str:
    return json.dumps(answer, sort_keys=True)


def _name(answer: Json) -> str:
    """The codes of its problems, as a class would be called."""
    codes = _CODE.findall(answer["description"])
    return "Or".join("".join(word.capitalize() for word in code.split("_")) for code in codes)

"""Writes the Python client's generated files from the OpenAPI document.

`models.py` is made by datamodel-code-generator: a TypedDict for each schema and
a Literal for each enumeration, so what is sent and what comes is plain JSON
with types, and a field or value of a newer service breaks no older client.
`operations.py` is made here, for no generator makes methods for such types: one
method per operation, and one more for each list, that goes through its pages.
"""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "openapi" / "openapi.json"
PACKAGE = ROOT / "openapi" / "clients" / "python" / "src" / "trial_client"

MODELS = (
    "--input-file-type=openapi",
    "--output-model-type=typing.TypedDict",
    "--enum-field-as-literal=all",
    "--target-python-version=3.11",
    "--use-schema-description",
    "--use-field-description",
    "--no-use-closed-typed-dict",  # mypy does not know them
    "--disable-timestamp",
    "--formatters=builtin",
)

JSON = "application/json"
PROBLEM = "application/problem+json"
MERGE_PATCH = "application/merge-patch+json"
STREAM = "text/event-stream"
NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
WIDTH = 88
UNTOLD = frozenset(json.loads((ROOT / "tools" / "untold_problems.json").read_text()))
"""Problems that any operation may have, or that the client does not let happen."""


def name_of(schema: Json) -> str:
    """The class of a schema that has a name, as datamodel-code-generator spells it."""
    name: str = schema["$ref"].rpartition("/")[2]
    return f"models.{re.sub(r'[^0-9A-Za-z_]', '', name)}"


def annotation(schema: Json) -> str:
    """The Python type of a parameter."""
    if "$ref" in schema:
        return name_of(schema)
    if one_of := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        kinds = [annotation(one) for one in one_of if one.get("type") != "null"]
        return " | ".join(dict.fromkeys(kinds))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(json.dumps(value) for value in values)}]"
    if schema["type"] == "array":
        return f"Sequence[{annotation(schema['items'])}]"
    return NAMES[schema["type"]]


def python_name(name: str) -> str:
    """A parameter's name in Python, which keeps `from` and the like for itself."""
    spelled = name.lower().replace("-", "_")
    return f"{spelled}_" if iskeyword(spelled) else spelled


def sentences(text: str, indent: int) -> Iterator[str]:
    """A text's paragraphs, wrapped as a docstring's."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        listed = paragraph.lstrip().startswith(("- ", "|"))
        lines = paragraph.splitlines() if listed else [" ".join(paragraph.split())]
        yield ""
        for line in lines:
            following = indent + 2 * listed
            yield from textwrap.wrap(
                line.strip(),
                WIDTH,
                initial_indent=" " * indent,
                subsequent_indent=" " * following,
                break_long_words=False,
                break_on_hyphens=False,
            )


@dataclass(frozen=True)
class Operation:
    """One operation of the document, as a method."""

    method: str
    path: str
    described: Json
    schemas: Json
    answers: Json

    @cached_property
    def name(self) -> str:
        """The method's name."""
        name: str = self.described["operationId"]
        return name

    def parameters(self, place: str) -> list[Json]:
        """Its parameters in the path, query or headers."""
        return [one for one in self.described.get("parameters", []) if one["in"] == place]

    @cached_property
    def body(self) -> tuple[str, str] | None:
        """Media type and class of what it takes."""
        content: Json = self.described.get("requestBody", {}).get("content", {})
        for media_type, described in content.items():
            return media_type, name_of(described["schema"])
        return None

    @cached_property
    def success(self) -> Json:
        """What it answers, by media type."""
        [answer] = [one for status, one in self.described["responses"].items() if status[0] == "2"]
        content: Json = answer.get("content", {})
        return {media: one for media, one in content.items() if media != STREAM}

    @cached_property
    def record(self) -> str | None:
        """The class of what it answers in JSON, unless that is a file too."""
        schema: Json = self.success.get(JSON, {}).get("schema", {})
        return annotation(schema) if "$ref" in schema else None

    @cached_property
    def files(self) -> list[str]:
        """The media types of what it answers as a file."""
        return [media for media in self.success if media != JSON or self.record is None]

    @cached_property
    def item(self) -> str | None:
        """The class of the items, if it is a list in pages."""
        if "cursor" not in {one["name"] for one in self.parameters("query")}:
            return None
        shape: Json = self.schemas[self.success[JSON]["schema"]["$ref"].rpartition("/")[2]]
        return annotation(shape["properties"]["items"]["items"])

    @cached_property
    def problems(self) -> dict[str, str]:
        """Status by code of everything that it may refuse with."""
        return {
            code: status
            for status, told in self.described["responses"].items()
            for answer in [self.answers.get(told.get("$ref", "").rpartition("/")[2], told)]
            for code in re.findall(r"^`([a-z_]+)`", answer.get("description", ""), re.MULTILINE)
            if PROBLEM in answer.get("content", {})
        }

    # --- its methods ---------------------------------------------------------------------

    def signature(self, *, pages: bool = False) -> Iterator[str]:
        """The arguments: path and body in their order, the rest by name."""
        for one in self.parameters("path"):
            yield f"{python_name(one['name'])}: {annotation(one['schema'])}"
        if self.body:
            yield f"body: {self.body[1]}"
        named = [
            f"{python_name(one['name'])}: {annotation(one['schema'])}"
            + ("" if one.get("required") else " | None = None")
            for one in self.parameters("query")
            if not (pages and one["name"] == "cursor")
        ]
        headers = {one["name"] for one in self.parameters("header")}
        if "If-Match" in headers:
            named.append("if_match: str")
        if "Idempotency-Key" in headers:
            named.append("idempotency_key: str | None = None")
        if named:
            yield "*"
            yield from named

    def sending(self, *, pages: bool = False) -> Iterator[str]:
        """The arguments of the call that sends it."""
        path = re.sub(r"{(\w+)}", lambda found: f"{{segment({python_name(found[1])})}}", self.path)
        yield f'"{self.method.upper()}"'
        yield f'f"{path}"' if path != self.path else f'"{path}"'
        pairs = [
            f'"{one["name"]}": {python_name(one["name"])}'
            for one in self.parameters("query")
            if not (pages and one["name"] == "cursor")
        ]
        if pairs:
            yield f"query={{{', '.join(pairs)}}}"
        if self.body:
            media_type = self.body[0]
            yield "form=body" if "form" in media_type else "body=body"
        headers = {one["name"] for one in self.parameters("header")}
        if "If-Match" in headers:
            yield "if_match=if_match"
        if "Idempotency-Key" in headers:
            yield "idempotency_key=idempotency_key or fresh_key()"

    def documentation(self) -> str:
        """The docstring: what it does, and what it may refuse."""
        own = {code: status for code, status in self.problems.items() if code not in UNTOLD}
        told = [f'        """{self.described["summary"].rstrip(".")}.']
        if self.described["description"].rstrip(".") != self.described["summary"].rstrip("."):
            told += sentences(self.described["description"], 8)
        given = [*self.parameters("path"), *self.parameters("query")]
        if given:
            told += ["", "        Args:"]
            for one in given:
                text = " ".join(one.get("description", "").split())
                told += textwrap.wrap(
                    f"{python_name(one['name'])}: {text}",
                    WIDTH,
                    initial_indent=" " * 12,
                    subsequent_indent=" " * 16,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        if own:
            listed = ", ".join(f"`{code}` ({status})" for code, status in own.items())
            told += ["", "        Raises:"]
            told += textwrap.wrap(
                f"TrialProblem: {listed}.",
                WIDTH,
                initial_indent=" " * 12,
                subsequent_indent=" " * 16,
                break_on_hyphens=False,
            )
        told.append('        """')
        return "\n".join(told).replace("\\", "\\\\")

    def methods(self) -> Iterator[str]:
        """The method; one through all pages of a list; one for its answer as a file."""
        documentation = self.documentation()
        if self.record or not self.success:
            answer = f"Answer[{self.record}]"
            yield self._method(self.name, self.signature(), answer, documentation, "send")
        if self.item is not None:
            yield self._method(
                self.name.replace("list_", "iterate_", 1),
                self.signature(pages=True),
                f"Iterator[{self.item}]",
                f'        """`{self.name}`, page after page: every item."""',
                "pages",
            )
        if self.files:
            yield self._file(documentation)

    def _method(
        self, name: str, signature: Iterator[str], answer: str, documentation: str, call: str
    ) -> str:
        return (
            f"    def {name}({', '.join(('self', *signature))}) -> {answer}:\n{documentation}\n"
            f"        return self.{call}({', '.join(self.sending(pages=call == 'pages'))})\n"
        )

    def _file(self, documentation: str) -> str:
        """A method that gives the bytes as they come, in the form that is asked for."""
        signature, sent = list(self.signature()), list(self.sending())
        formats = [one for one in self.parameters("query") if one["name"] == "format"]
        if formats:
            signature = [one for one in signature if not one.startswith("format:")]
            place = len(self.parameters("path"))
            signature.insert(place, f"format: {annotation(formats[0]['schema'])}")
        elif len(self.files) > 1:
            choice = ", ".join(json.dumps(media) for media in self.files)
            signature += [] if "*" in signature else ["*"]
            signature.append(f'accept: Literal["*/*", {choice}] = "*/*"')
            sent.append("accept=accept")
        else:
            sent.append(f"accept={json.dumps(self.files[0])}")
        if signature[-1:] == ["*"]:
            del signature[-1]
        name = f"{self.name}_as_file" if self.record else self.name
        told = f'        """`{self.name}` as a file."""' if self.record else documentation
        return (
            f"    def {name}({', '.join(('self', *signature))}) -> Download:\n{told}\n"
            f"        return self.download({', '.join(sent)})\n"
        )


HEADER = '''"""The operations of the API, one method each.

Written by `make clients` from openapi/openapi.json: do not edit.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from trial_client import models
from trial_client.answers import Answer, Download
from trial_client.sending import Sender, fresh_key, segment


class Operations(Sender):
    """Every operation; what any of them may refuse with is told in README.md."""

'''


def operations(document: Json) -> str:
    """The text of `operations.py`."""
    components = document["components"]
    found = [
        Operation(method, path, described, components["schemas"], components.get("responses", {}))
        for path, verbs in document["paths"].items()
        for method, described in verbs.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    return HEADER + "\n".join(text for one in found for text in one.methods())


def models(document: Path) -> str:
    """The text of `models.py`, of datamodel-code-generator."""
    with TemporaryDirectory() as place:
        written = Path(place) / "models.py"
        command = [sys.executable, "-m", "datamodel_code_generator", *MODELS]
        subprocess.run([*command, f"--input={document}", f"--output={written}"], check=True)
        return '"""What is sent and what comes, as JSON."""\n\n' + written.read_text()


def formatted(text: str, name: str) -> str:
    """The text as ruff formats it."""
    command = [sys.executable, "-m", "ruff", "format", f"--stdin-filename={PACKAGE / name}", "-"]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT)
    return run.stdout


def files(document: Path = DOCUMENT) -> dict[str, str]:
    """The generated files' texts by name."""
    return {
        "models.py": formatted(models(document), "models.py"),
        "operations.py": formatted(operations(json.loads(document.read_text())), "operations.py"),
    }


if __name__ == "__main__":
    for name, text in files().items():
        (PACKAGE / name).write_text(text)

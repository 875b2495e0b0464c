"""Reading protocol documents: YAML to frozen types, or a list of what is wrong.

YAML is read in its safe form; a key given twice is a mistake, and dates become
ISO text, so that a document is the same as its JSON.
"""

import hashlib
import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.api.language.tags import Language
from services.api.protocol.consistency import mistakes
from services.api.protocol.paths import dotted
from services.api.protocol.schema import Json, Protocol
from services.api.protocol.texts import Texts, differences, texts


class ProtocolMistake(ValueError):
    """A document cannot be followed; one line for each mistake: file, path, what is wrong."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True)
class Loaded:
    """A protocol, the document it was read from, the document's SHA-256, and its texts.

    `texts` are in English and in the languages of the files beside the document.
    """

    protocol: Protocol
    document: Json
    sha256: str
    texts: Mapping[Language, Texts]


def load(path: Path) -> Loaded:
    """Read and check one document.

    Raises:
        ProtocolMistake: the document is not one YAML mapping, or contradicts
            the schema or itself; or a translation beside it does not fit it.
        OSError: the file cannot be read.
    """
    document = _read(path)
    try:
        protocol = Protocol.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise ProtocolMistake(_lines(path, _described(error, document))) from error
    if found := mistakes(protocol, document):
        raise ProtocolMistake(_lines(path, found))
    return Loaded(protocol, document, sha256(document), _texts(path, protocol))


def load_all(directory: Path) -> dict[str, Loaded]:
    """Every document of a directory by its version, oldest version first.

    Raises:
        ProtocolMistake: a document is wrong, two have the same version, or there is none.
    """
    by_version: dict[str, Loaded] = {}
    wrong: list[str] = []
    translations = tuple(_ending(language) for language in Language)
    for path in sorted(directory.glob("*.yaml")):
        if path.name.endswith(translations):
            continue
        try:
            loaded = load(path)
        except ProtocolMistake as error:
            wrong.extend(error.lines)
            continue
        version = loaded.protocol.version
        if version in by_version:
            wrong.append(f"{path.name}: version: {version} is already used")
        by_version[version] = loaded
    if not (wrong or by_version):
        wrong.append(f"{directory.name}: holds no protocol document")
    if wrong:
        raise ProtocolMistake(wrong)
    return dict(sorted(by_version.items(), key=lambda item: _ordinal(item[0])))


def _texts(path: Path, protocol: Protocol) -> dict[Language, Texts]:
    """The protocol's texts in each language that they are kept in."""
    english = texts(protocol)
    found: dict[Language, Texts] = {Language.ENGLISH: english}
    for language in Language:
        beside = path.with_suffix(_ending(language))
        if language is Language.ENGLISH or not beside.exists():
            continue
        translated = _read(beside)
        if wrong := tuple(differences(translated, english)):
            raise ProtocolMistake(_lines(beside, wrong))
        found[language] = {name: translated[name] for name in english}
    return found


def _ending(language: Language) -> str:
    return f".{language}.yaml"


def sha256(document: Json) -> str:
    """The hex SHA-256 of a document's canonical JSON.

    Canonical is UTF-8 without escapes that JSON does not need, keys sorted by
    code point, no space between tokens, numbers in their shortest form.
    """
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _ordinal(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


# --- YAML -------------------------------------------------------------------------------


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which every key is text and given once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.MarkedYAMLError(None, None, f"key {name} is not text", key.start_mark)
            if name in seen:
                raise yaml.MarkedYAMLError(None, None, f"key {name} is given twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def _read(path: Path) -> Json:
    try:
        raw = _Loader(path.read_bytes()).get_single_data()
        # Through JSON and back: what JSON cannot say is a mistake, dates are text from here on.
        document = json.loads(json.dumps(raw, default=_iso, allow_nan=False, ensure_ascii=False))
        json.dumps(document, ensure_ascii=False).encode()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "YAML"
        raise ProtocolMistake([f"{path.name}: {at}: {error.problem}"]) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ProtocolMistake([f"{path.name}: {' '.join(str(error).split())}"]) from error
    if not isinstance(document, dict):
        raise ProtocolMistake([f"{path.name}: is not a mapping"])
    return document


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


# --- mistakes ---------------------------------------------------------------------------


def _lines(path: Path, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    for at, what in found:
        yield f"{path.name}: {at}: {what}" if at else f"{path.name}: {what}"


def _described(error: ValidationError, document: Json) -> Iterator[tuple[str, str]]:
    """One path and sentence a mistake, the alternatives of a union joined by or."""
    said: dict[str, list[str]] = {}
    details = error.errors(include_url=False)
    for detail in details:
        if not _follows(detail, details):
            what = detail["msg"].removeprefix("Value error, ")
            said.setdefault(_path(detail, document), []).append(what)
    for path, sentences in said.items():
        yield path, ", or ".join(dict.fromkeys(sentences))


def _follows(detail: ErrorDetails, details: Iterable[ErrorDetails]) -> bool:
    """Whether a list counts as too short only because its members are wrong."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(loc)] == loc and len(other["loc"]) > len(loc) for other in details
    )


def _path(detail: ErrorDetails, document: Json) -> str:
    """The path in the document, without the tags that a union adds to a location."""
    parts: list[str | int] = []
    node: Any = document
    for part in detail["loc"]:
        in_mapping = isinstance(node, dict) and part in node
        if in_mapping or (isinstance(node, list) and isinstance(part, int)):
            parts.append(part)
            node = node[part]
    if detail["type"] == "missing":
        parts.append(detail["loc"][-1])
    return dotted(parts)

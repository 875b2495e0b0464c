"""What of a newer document would break those who call by an older one.

Operations are found by method and path as it is written, for clients use that as
a name; so are operation ids and the names of schemas. Texts, examples, links and
tags are for readers and may change. So may the problems of an operation, for a
client is ready for any; a problem's code keeps its name and its status.

Who may call what is no part of this: a right that would spoil the trial is
taken away at once.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.contract.answers import answer_of
from services.api.contract.promises import Promises, Way

Json = dict[str, Any]

BESIDE = "keep it as it was, and add what is new beside it"
DEPRECATE = "deprecate it first, and let its sunset pass"
LATER = frozenset({"Deprecation", "Sunset"})
"""Headers that come and go with a deprecation (services/api/contract/publication.py)."""

_CODE = re.compile(r"^`([a-z_]+)`: ", re.MULTILINE)
_STYLE = ("style", "explode", "allowReserved")


@dataclass(frozen=True)
class Break:
    """One thing that callers count on and would no longer find."""

    name: str
    """The operation, schema or problem, as the CHANGELOG has to name it."""
    where: str
    what: str
    remedy: str = BESIDE
    operations: frozenset[str] = frozenset()
    """The published operations whose callers it concerns."""

    def __str__(self) -> str:
        """The break in a line."""
        return f"{self.name}: {self.where} {self.what}: {self.remedy}"


@dataclass(frozen=True)
class Operation:
    """An operation of a document, or a webhook, with its answers in whole."""

    path: str
    method: str
    described: Json

    @property
    def name(self) -> str:
        """Its operation id."""
        return str(self.described["operationId"])


def operations(document: Json) -> dict[str, Operation]:
    """Every operation, by method and path; webhooks by their type."""
    found = {}
    for path, methods in {**document["paths"], **document.get("webhooks", {})}.items():
        for method, described in methods.items():
            answers = {
                status: answer_of(document, answer)
                for status, answer in described["responses"].items()
            }
            whole = {**described, "responses": answers}
            found[f"{method.upper()} {path}"] = Operation(path, method, whole)
    return found


def breaks(old: Json, new: Json) -> list[Break]:
    """Everything in which the newer document does not keep what the older one promised."""
    before, after = operations(old), operations(new)
    found = [
        Break(one.name, key, "is gone", DEPRECATE, frozenset({one.name}))
        for key, one in before.items()
        if key not in after
    ]
    for key, one in before.items():
        if key in after:
            found += _Pair(one, after[key], old, new).breaks()
    return [*found, *_of_schemas(old, new), *_of_problems(before, after), *_of_security(old, new)]


class _Pair:
    """One operation as it was published and as it is now."""

    def __init__(self, old: Operation, new: Operation, before: Json, after: Json) -> None:
        self._name, self._old, self._new = old.name, old.described, new.described
        self._schemas = (_schemas(before), _schemas(after))
        self._webhook = old.path in before.get("webhooks", {})

    def breaks(self) -> Iterator[Break]:
        if self._new["operationId"] != self._name:
            yield self._break("", f"is called `{self._new['operationId']}`")
        yield from self._parameters()
        yield from self._body()
        if not self._webhook:  # what callers answer to a message is theirs to choose
            yield from self._answers()
            yield from self._security()

    def _break(self, where: str, what: str) -> Break:
        return Break(self._name, where, what, operations=frozenset({self._name}))

    def _compared(self, way: Way, where: str, old: Json, new: Json) -> Iterator[Break]:
        for fault in Promises(*self._schemas, way).broken(old, new):
            yield self._break(f"{where}{fault.place}", fault.what)

    def _parameters(self) -> Iterator[Break]:
        """A caller sends parameters; of a webhook, the service does."""
        way = Way.READ if self._webhook else Way.SENT
        before, after = _parameters(self._old), _parameters(self._new)
        for key, one in before.items():
            if key not in after:
                yield self._break(key, "is gone")
                continue
            now = after[key]
            yield from self._compared(way, key, one["schema"], now["schema"])
            if any(one.get(style) != now.get(style) for style in _STYLE):
                yield self._break(key, "is written in another style")
            if _weaker(way, one, now):
                yield self._break(key, "is required" if way is Way.SENT else "may be missing")
        for key, one in after.items():
            if key not in before and one.get("required") and way is Way.SENT:
                yield self._break(key, "is new and required")

    def _body(self) -> Iterator[Break]:
        way = Way.READ if self._webhook else Way.SENT
        before, after = self._old.get("requestBody", {}), self._new.get("requestBody", {})
        if before and not after:
            yield self._break("body", "is gone")
        elif _weaker(way, before, after):
            yield self._break("body", "is required" if way is Way.SENT else "may be missing")
        yield from self._contents(way, "body", before, after)

    def _contents(self, way: Way, where: str, old: Json, new: Json) -> Iterator[Break]:
        before, after = old.get("content", {}), new.get("content", {})
        for media_type, one in before.items():
            if media_type in after:
                now = after[media_type].get("schema", {})
                yield from self._compared(way, where, one.get("schema", {}), now)
            elif new:
                yield self._break(where, f"is no `{media_type}` any more")

    def _answers(self) -> Iterator[Break]:
        before, after = self._old["responses"], self._new["responses"]
        for status in after.keys() - before.keys():
            if status < "4":
                yield self._break(f"answer {status}", "is a new kind of success")
        for status, one in before.items():
            if status not in after:
                if status < "4":
                    yield self._break(f"answer {status}", "is gone")
                continue
            yield from self._contents(Way.READ, f"answer {status}", one, after[status])
            yield from self._headers(f"answer {status}", one, after[status])
        yield from self._problems(before, after)

    def _headers(self, where: str, old: Json, new: Json) -> Iterator[Break]:
        before, after = old.get("headers", {}), new.get("headers", {})
        for name, one in before.items():
            if name in LATER:
                continue
            if name not in after:
                yield self._break(where, f"has no header `{name}` any more")
                continue
            there = f"{where} header {name}"
            yield from self._compared(Way.READ, there, one["schema"], after[name]["schema"])

    def _problems(self, before: Json, after: Json) -> Iterator[Break]:
        moved = {code: status for status, one in after.items() for code in _codes(one)}
        for status, one in before.items():
            for code in _codes(one):
                if moved.get(code, status) != status:
                    yield self._break(f"problem `{code}`", f"was {status} and is {moved[code]}")

    def _security(self) -> Iterator[Break]:
        """A caller who met one of the requirements must still do with it."""
        before, after = self._old.get("security") or [{}], self._new.get("security") or [{}]
        for known in before:
            if not any(_asks_no_more(one, known) for one in after):
                yield self._break("security", "asks for more")


def _weaker(way: Way, old: Json, new: Json) -> bool:
    """Whether something must now be sent that could be left out, or may now be left out."""
    was, now = bool(old.get("required")), bool(new.get("required"))
    return now and not was if way is Way.SENT else was and not now


def _asks_no_more(new: Mapping[str, Collection[str]], old: Mapping[str, Collection[str]]) -> bool:
    return all(name in old and set(scopes) <= set(old[name]) for name, scopes in new.items())


def _parameters(operation: Json) -> dict[str, Json]:
    return {f"{one['in']} {one['name']}": one for one in operation.get("parameters", ())}


def _codes(answer: Json) -> list[str]:
    if "application/problem+json" not in answer.get("content", {}):
        return []
    return _CODE.findall(answer.get("description", ""))


def _schemas(document: Json) -> dict[str, Json]:
    found: dict[str, Json] = document["components"]["schemas"]
    return found


# --- what many operations share -------------------------------------------------------------


def _of_schemas(old: Json, new: Json) -> Iterator[Break]:
    before, after = _schemas(old), _schemas(new)
    users = {way: users_of_schemas(old, way) for way in Way}
    for name, schema in before.items():
        if name not in after:
            every = frozenset.union(*(known.get(name, frozenset()) for known in users.values()))
            yield Break(name, "schema", "is gone: clients use its name", BESIDE, every)
            continue
        for way, known in users.items():
            if name in known:
                for fault in Promises(before, after, way).broken(schema, after[name]):
                    where = f"schema {name}{fault.place}, {way.value},"
                    yield Break(name, where, fault.what, BESIDE, known[name])


def users_of_schemas(document: Json, way: Way) -> dict[str, frozenset[str]]:
    """By a schema's name, the operations whose callers send by it, or read by it."""
    inner = {name: _referred(schema) for name, schema in _schemas(document).items()}
    found: dict[str, set[str]] = {}
    for one in operations(document).values():
        webhook = one.path in document.get("webhooks", {})
        asked = way is (Way.READ if webhook else Way.SENT)
        waiting = _referred(list(_asked(one.described) if asked else _answered(one.described)))
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            found.setdefault(name, set()).add(one.name)
            waiting |= inner[name] - seen
    return {name: frozenset(names) for name, names in found.items()}


def _asked(operation: Json) -> Iterator[Json]:
    """The schemas of a request."""
    for part in (*operation.get("parameters", ()), *_contents(operation.get("requestBody", {}))):
        yield part.get("schema", {})


def _answered(operation: Json) -> Iterator[Json]:
    """The schemas of the answers."""
    for answer in operation["responses"].values():
        for part in (*answer.get("headers", {}).values(), *_contents(answer)):
            yield part.get("schema", {})


def _contents(message: Json) -> Iterator[Json]:
    yield from message.get("content", {}).values()


def _referred(node: Any) -> set[str]:
    """The names of the schemas that something refers to."""
    if isinstance(node, list):
        return set().union(*(_referred(part) for part in node))
    if not isinstance(node, dict):
        return set()
    found = set()
    for key, part in node.items():
        if key == "$ref" and isinstance(part, str):
            found.add(part.rpartition("/")[2])
        elif isinstance(part, dict | list):
            found |= _referred(part)
    return found


def _of_problems(
    before: Mapping[str, Operation], after: Mapping[str, Operation]
) -> Iterator[Break]:
    """A problem that nothing answers any more was given another name, or lost with its rule."""
    known, now = _users_of_problems(before), _users_of_problems(after)
    for code, users in known.items():
        if code not in now:
            yield Break(code, "problem", "is answered by no operation any more", BESIDE, users)


def _users_of_problems(found: Mapping[str, Operation]) -> dict[str, frozenset[str]]:
    users: dict[str, set[str]] = {}
    for one in found.values():
        for answer in one.described["responses"].values():
            for code in _codes(answer):
                users.setdefault(code, set()).add(one.name)
    return {code: frozenset(names) for code, names in users.items()}


def _of_security(old: Json, new: Json) -> Iterator[Break]:
    """How a token is asked for and sent."""
    after = new["components"].get("securitySchemes", {})
    for name, scheme in old["components"].get("securitySchemes", {}).items():
        if _without_words(scheme) != _without_words(after.get(name, {})):
            yield Break(name, "security scheme", "has changed")


def _without_words(scheme: Json) -> Json:
    return {key: part for key, part in scheme.items() if key != "description"}

"""The pgbench script, derived from recorded allocations by telling what differs between them.

Each statement keeps its text. A parameter becomes

- a variable with the recorded value, when all allocations had the same;
- a column of the subject that is to be randomized, when it was known before (the subject, the
  Idempotency-Key, the request's id, the allocation's id) or is the same within a stratum;
- a column that an earlier statement of the transaction read, or one more than that;
- an expression, when pgbench cannot compute it: the arm, the randomization number, the time;
- a value made beforehand for each subject: random numbers and digests;
- the value of one recorded allocation, for want of better: `Script.sampled` tells which.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.randomize.recording import BEGIN, Moment, Recorded, Statement, Value

TAKE_TURN = "SELECT * FROM bench.subject WHERE n = (SELECT nextval('bench.turn'))"
"""Sent before each allocation: the one statement that the service does not send."""

KNOWN = ("subject_id", "key", "request_id", "allocation_id", "stratum")
"""Columns of `bench.subject` that every script may use."""
NUMBER = "({stratum} || '-' || lpad({seq}, greatest(3, length({seq})), '0'))"
ARM = "(SELECT arm FROM bench.list WHERE stratum = {stratum} AND seq = {seq})"
NOW = "clock_timestamp()"
DIGEST = re.compile(r"\\x[0-9a-f]{64}")
INTEGER = re.compile(r"-?[0-9]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unexplained(Exception):
    """Recorded allocations differ in a way that no script can follow."""


Values = tuple[Value, ...]
"""Of one parameter, in each recorded allocation."""


@dataclass
class Script:
    """What pgbench runs, and what `bench.subject` has to hold for it."""

    text: str = ""
    constants: dict[str, str] = field(default_factory=dict)
    """Variables for the command line."""
    of_stratum: dict[str, dict[str, str]] = field(default_factory=dict)
    """Columns that hold the same for each subject of a stratum: column, stratum, value."""
    numbers: dict[Values, str] = field(default_factory=dict)
    """Columns of random numbers of 64 bits."""
    digests: dict[Values, str] = field(default_factory=dict)
    """Columns of random digests of 32 bytes."""
    sampled: list[str] = field(default_factory=list)
    """Names of parameters whose value is one recorded allocation's for all."""
    statements: int = 0
    """How many the service sends for an allocation, BEGIN with its context counted as one."""


def derive(recorded: Sequence[Recorded]) -> Script:
    """The script that allocates as the recorded requests did.

    Raises:
        Unexplained: they differ in more than values, or no rule tells where a value is from.
    """
    return _Derivation(recorded).script()


class _Derivation:
    def __init__(self, recorded: Sequence[Recorded]) -> None:
        self._known = [one.known for one in recorded]
        self._steps = list(zip(*(one.statements for one in recorded), strict=True))
        self._made = Script(statements=len(self._steps))
        self._read: dict[int, dict[str, int]] = {}
        """Columns to keep of a statement's row, and what is to be added to each."""
        self._seq = ""

    def script(self) -> Script:
        texts = [self._sql(place, step) for place, step in enumerate(self._steps)]
        lines = [f"{TAKE_TURN} \\gset"]
        for place, text in enumerate(texts):
            lines += self._lines(place, text)
        self._made.text = "\n".join(lines) + "\n"
        return self._made

    def _lines(self, place: int, text: str) -> Iterator[str]:
        if text.startswith(BEGIN):
            begin, _, context = text.partition(";")
            yield from ("\\startpipeline", f"{begin};", f"{context.strip()};", "\\endpipeline")
        elif place in self._read:
            yield f"{text} \\gset {_prefix(place)}"
            for column, more in self._read[place].items():
                if more:
                    name = _prefix(place) + column
                    yield f"\\set {name} :{name} + {more}"
        else:
            yield f"{text};"

    def _sql(self, place: int, step: tuple[Statement, ...]) -> str:
        first, *others = step
        if any(one.pieces != first.pieces for one in others):
            raise Unexplained(f"statement {place} is not always the same: {first.pieces[0]}")
        text, *pieces = first.pieces
        begins = text.startswith(BEGIN)
        recorded = zip(*(one.values for one in step), strict=True)
        for name, values, piece in zip(first.names, recorded, pieces, strict=True):
            same = self._constant(values, in_text=begins)
            text += (same or self._source(place, values) or self._sample(name, values)) + piece
        return text

    def _constant(self, values: Values, *, in_text: bool) -> str | None:
        if len(set(values)) > 1:
            return None
        if values[0] is None:
            return "NULL"
        return f"'{values[0]}'" if in_text else self._define(values[0])

    def _sample(self, name: str, values: Values) -> str:
        self._made.sampled.append(name)
        return self._define(values[0])

    def _source(self, place: int, values: Values) -> str | None:
        """Where a parameter that differs gets its value from."""
        return (
            self._from_subject(values)
            or self._from_answer(values)
            or self._from_row(place, values)
            or self._fresh(values)
        )

    def _define(self, value: Value) -> str:
        known = {text: name for name, text in self._made.constants.items()}
        name = known.get(str(value), f"value_{len(known)}")
        self._made.constants[name] = str(value)
        return f":{name}"

    def _from_subject(self, values: Values) -> str | None:
        for name in KNOWN:
            if values == self._all(name):
                return f":{name}"
        by_stratum: dict[str, set[Value]] = {}
        for known, value in zip(self._known, values, strict=True):
            by_stratum.setdefault(known["stratum"], set()).add(value)
        if any(len(found) > 1 or None in found for found in by_stratum.values()):
            return None
        column = {stratum: str(*found) for stratum, found in by_stratum.items()}
        for name, same in self._made.of_stratum.items():
            if same == column:
                return f":{name}"
        name = f"of_stratum_{len(self._made.of_stratum)}"
        self._made.of_stratum[name] = column
        return f":{name}"

    def _from_answer(self, values: Values) -> str | None:
        for name, expression in (("arm", ARM), ("randomization_number", NUMBER)):
            if values == self._all(name):
                if not self._seq:
                    raise Unexplained(f"the {name} is sent before the slot is known")
                return expression.format(stratum=":stratum", seq=self._seq)
        return None

    def _from_row(self, place: int, values: Values) -> str | None:
        """A column that was read before, of the latest statement that had it."""
        for more in (0, 1):
            for earlier in reversed(range(place)):
                step = self._steps[earlier]
                for column in step[0].row:
                    if values == tuple(_plus(one.row.get(column), more) for one in step):
                        return self._keep(earlier, column, more, values)
        return None

    def _keep(self, earlier: int, column: str, more: int, values: Values) -> str:
        columns = self._read.setdefault(earlier, {})
        if columns.setdefault(column, more) != more:
            raise Unexplained(f"{column} of statement {earlier} is used as it is, and one more")
        name = f":{_prefix(earlier)}{column}"
        if values == self._all("seq"):
            self._seq = name
        return name

    def _fresh(self, values: Values) -> str | None:
        if all(isinstance(value, Moment) for value in values):
            return NOW
        if all(value is not None and UUID.fullmatch(value) for value in values):
            return "gen_random_uuid()"
        for pattern, columns, name in (
            (INTEGER, self._made.numbers, "number"),
            (DIGEST, self._made.digests, "digest"),
        ):
            if all(value is not None and pattern.fullmatch(value) for value in values):
                return f":{columns.setdefault(values, f'{name}_{len(columns)}')}"
        return None

    def _all(self, name: str) -> Values:
        return tuple(known[name] for known in self._known)


def _prefix(place: int) -> str:
    return f"row_{place}_"


def _plus(value: Value, more: int) -> Value:
    if value is None or not more:
        return value
    return str(int(value) + more) if INTEGER.fullmatch(value) else None

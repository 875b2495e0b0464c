"""The eligibility facts a client sends: read strictly, units converted, every mistake named."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Literal, TypeVar

from services.api.language.wording import Wording
from services.api.protocol.conditions import NEVER, Measured
from services.api.protocol.schema import Eligibility, Fact, FactType, Quantity

T = TypeVar("T")
Plain = bool | int | str | date
EARLIEST = date(1900, 1, 1)
"""No date in a living subject's history lies before it; an earlier one is a slip."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Digits shown of a converted value: more than any laboratory reports.
_DISPLAY = ".6g"
_DATED = ("value", "measured_on")
_MEASUREMENT = ("value", "unit", "measured_on")

MistakeCode = Literal[
    "unknown_fact",
    "wrong_type",
    "unknown_unit",
    "out_of_range",
    "missing",
    "unknown_field",
    "bad_date",
]


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with the facts sent.

    `pointer` is a JSON pointer (RFC 6901) relative to the facts; `detail` says
    what would be right and never repeats the value.
    """

    pointer: str
    code: MistakeCode
    detail: str


class BadFacts(ValueError):
    """The facts are not what the protocol document asks for; carries every mistake."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        super().__init__(f"{len(mistakes)} mistakes in the eligibility facts")
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True)
class Facts:
    """The facts of one subject, in the order of the protocol document.

    `given` is what the client sent without its nulls: reading it again gives
    the same facts. `normalised` has measurements in their quantity's unit,
    rounded for display. `values` are what conditions compare, unrounded.
    `measured_on` holds the day of every dated fact. A fact that is in none of
    them is unknown.
    """

    given: Mapping[str, object]
    normalised: Mapping[str, object]
    values: Mapping[str, object]
    measured_on: Mapping[str, date]


def read_facts(given: Mapping[str, object], section: Eligibility, today: date) -> Facts:
    """Read facts exactly as a client sent them: one key per fact id.

    A fact that is absent or null is unknown. A day after `today`, the local
    date, cannot have been observed and is refused.

    Raises:
        BadFacts: a fact is not of its type, unit or range, or is not a fact of
            this protocol; names every mistake.
    """
    reader = _Reader(section, today)
    known = {fact.id for fact in section.facts}
    for key in given:
        if key not in known:
            reader.note(_pointer(key), "unknown_fact", "only facts of the protocol document")
    sent = {fact.id: given[fact.id] for fact in section.facts if given.get(fact.id) is not None}
    answers = {
        fact.id: answer
        for fact in section.facts
        if fact.id in sent and (answer := reader.answer(fact, sent[fact.id])) is not None
    }
    if reader.mistakes:
        raise BadFacts(reader.mistakes)
    return Facts(
        given=sent,
        normalised={key: answer.normalised for key, answer in answers.items()},
        values={key: answer.value for key, answer in answers.items()},
        measured_on={key: day for key, answer in answers.items() if (day := answer.measured_on)},
    )


@dataclass(frozen=True)
class _Answer:
    """One fact as displayed, as compared, and its day."""

    normalised: object
    value: object
    measured_on: date | None = None


class _FactError(ValueError):
    """One value cannot be read, and why."""

    def __init__(self, code: MistakeCode, detail: str) -> None:
        super().__init__(detail)
        self.code: MistakeCode = code
        self.detail = detail


class _Reader:
    """Reads one fact after the other, noting each mistake and going on."""

    def __init__(self, section: Eligibility, today: date) -> None:
        self.mistakes: list[Mistake] = []
        self._today = today
        self._quantities: dict[str | None, Quantity] = {q.id: q for q in section.quantities}

    def note(self, pointer: str, code: MistakeCode, detail: str) -> None:
        self.mistakes.append(Mistake(pointer, code, detail))

    def answer(self, fact: Fact, sent: object) -> _Answer | None:
        """The fact as read, or None after a mistake."""
        at = _pointer(fact.id)
        if fact.type is FactType.MEASUREMENT:
            return self._measurement(fact, sent, at)
        if fact.dated:
            return self._dated(fact, sent, at)
        value = self._attempt(partial(_plain, fact, self._today), sent, at)
        return None if value is None else _Answer(_shown(value), value)

    def _dated(self, fact: Fact, sent: object, at: str) -> _Answer | None:
        parts = self._object(sent, at, _DATED)
        value = self._member(parts, at, "value", partial(_plain, fact, self._today))
        day = self._member(parts, at, "measured_on", partial(_day, self._today))
        if value is None or day is None:
            return None
        return _Answer({"value": _shown(value), "measured_on": day.isoformat()}, value, day)

    def _measurement(self, fact: Fact, sent: object, at: str) -> _Answer | None:
        quantity = self._quantities[fact.quantity]
        parts = self._object(sent, at, (*_MEASUREMENT, "uln") if fact.uln else _MEASUREMENT)
        factor = self._member(parts, at, "unit", partial(_factor, quantity))
        number = partial(_amount, fact, quantity, factor)
        limit = partial(_limit, fact, quantity, factor)
        value = self._member(parts, at, "value", number)
        uln = self._member(parts, at, "uln", limit) if fact.uln else None
        day = self._member(parts, at, "measured_on", partial(_day, self._today))
        if factor is None or value is None or day is None or (fact.uln and uln is None):
            return None
        shown_uln = {} if uln is None else {"uln": _rounded(uln)}
        return _Answer(
            {
                "value": _rounded(value),
                "unit": quantity.unit,
                **shown_uln,
                "measured_on": day.isoformat(),
            },
            Measured(float(value), None if uln is None else float(uln)),
            day,
        )

    def _object(self, sent: object, at: str, names: Sequence[str]) -> Mapping[str, object] | None:
        if not isinstance(sent, Mapping):
            self.note(at, "wrong_type", Wording("an object with {names}", names=tuple(names)))
            return None
        for name in sent:
            if name not in names:
                self.note(
                    at + _pointer(name),
                    "unknown_field",
                    Wording("only {names}", names=tuple(names)),
                )
        return sent

    def _member(
        self,
        parts: Mapping[str, object] | None,
        at: str,
        name: str,
        read: Callable[[object], T],
    ) -> T | None:
        if parts is None:
            return None
        if name not in parts:
            self.note(f"{at}/{name}", "missing", Wording("{name} is required here", name=name))
            return None
        return self._attempt(read, parts[name], f"{at}/{name}")

    def _attempt(self, read: Callable[[object], T], sent: object, at: str) -> T | None:
        try:
            return read(sent)
        except _FactError as wrong:
            self.note(at, wrong.code, wrong.detail)
            return None


def _plain(fact: Fact, today: date, sent: object) -> Plain:
    match fact.type:
        case FactType.BOOLEAN:
            return _boolean(sent)
        case FactType.INTEGER:
            return _integer(fact, sent)
        case FactType.CHOICE:
            return _one_of(fact.choices, "out_of_range", sent)
        case _:
            return NEVER if sent == NEVER else _day(today, sent, or_never=f' or "{NEVER}"')


def _boolean(sent: object) -> bool:
    if not isinstance(sent, bool):
        raise _FactError("wrong_type", "true or false")
    return sent


def _integer(fact: Fact, sent: object) -> int:
    if isinstance(sent, bool) or not isinstance(sent, int):
        raise _FactError("wrong_type", "a whole number")
    _check_range(fact, Fraction(sent), "")
    return sent


def _one_of(choices: Collection[str], otherwise: MistakeCode, sent: object) -> str:
    if not isinstance(sent, str):
        raise _FactError("wrong_type", Wording("text: one of {choices}", choices=tuple(choices)))
    if sent not in choices:
        raise _FactError(otherwise, Wording("one of {choices}", choices=tuple(choices)))
    return sent


def _day(today: date, sent: object, or_never: str = "") -> date:
    if not isinstance(sent, str):
        raise _FactError("wrong_type", "text: a date YYYY-MM-DD" + or_never)
    day = _date(sent)
    if day is None:
        raise _FactError("bad_date", "a date YYYY-MM-DD" + or_never)
    if not EARLIEST <= day <= today:
        raise _FactError(
            "out_of_range", Wording("a date from {earliest} to today" + or_never, earliest=EARLIEST)
        )
    return day


def _date(text: str) -> date | None:
    """The date, only as YYYY-MM-DD: `fromisoformat` alone would take week dates too."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _factor(quantity: Quantity, sent: object) -> Fraction:
    return _exact(quantity.units[_one_of(quantity.units, "unknown_unit", sent)])


def _amount(fact: Fact, quantity: Quantity, factor: Fraction | None, sent: object) -> Fraction:
    """The number in the quantity's unit; without its unit only its type is checked."""
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        raise _FactError("wrong_type", "a number")
    if isinstance(sent, float) and not math.isfinite(sent):
        raise _FactError("out_of_range", "a finite number")
    if factor is None:
        return _exact(sent)
    amount = _exact(sent) * factor
    _check_range(fact, amount, f" {quantity.unit}")
    return amount


def _limit(fact: Fact, quantity: Quantity, factor: Fraction | None, sent: object) -> Fraction:
    """A laboratory's upper limit of normal: as plausible as a value, and never zero."""
    limit = _amount(fact, quantity, factor, sent)
    if limit <= 0:
        raise _FactError("out_of_range", "above zero")
    return limit


def _check_range(fact: Fact, number: Fraction, unit: str) -> None:
    lowest, highest = fact.minimum, fact.maximum
    if lowest is None or highest is None:  # the schema asks both of every number
        return
    if not _exact(lowest) <= number <= _exact(highest):
        raise _FactError(
            "out_of_range",
            Wording(
                "from {lowest} to {highest}{unit}",
                lowest=f"{lowest:g}",
                highest=f"{highest:g}",
                unit=unit,
            ),
        )


def _exact(number: float) -> Fraction:
    """The decimal as written: a value on a limit stays on it in every unit."""
    return Fraction(number) if isinstance(number, int) else Fraction(str(number))


def _rounded(number: Fraction) -> float:
    return float(format(float(number), _DISPLAY))


def _shown(value: Plain) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")

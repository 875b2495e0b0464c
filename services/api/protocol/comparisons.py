"""Whether a condition's comparisons fit the facts or components they read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.api.protocol.conditions import NEVER, Comparison, Limit, equal
from services.api.protocol.schema import (
    AllOf,
    AnyOf,
    AtMostUln,
    Component,
    Condition,
    Fact,
    FactType,
    HappenedWithin,
    Is,
    Not,
    OneOf,
    Scalar,
)


class Mistake(NamedTuple):
    """A field of a document, by its dotted path, and what is wrong with it."""

    path: str
    what: str


@dataclass(frozen=True)
class Kind:
    """What values a fact or a component has, and so which comparisons fit it."""

    constants: tuple[Scalar, ...] = ()
    numeric: bool = False
    whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    uln: bool = False
    dated_event: bool = False

    def has(self, value: Scalar) -> bool:
        if any(equal(value, constant) for constant in self.constants):
            return True
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return self.whole and is_integer and self.reaches(float(value))

    def reaches(self, number: float) -> bool:
        return (self.minimum is None or number >= self.minimum) and (
            self.maximum is None or number <= self.maximum
        )


def kind_of_fact(fact: Fact) -> Kind:
    """What the answers to a fact's question can be; numbers are in the quantity's unit."""
    match fact.type:
        case FactType.BOOLEAN:
            return Kind(constants=(True, False))
        case FactType.CHOICE:
            return Kind(constants=fact.choices)
        case FactType.DATE_OR_NEVER:
            return Kind(constants=(NEVER,), dated_event=True)
        case _:
            return Kind(
                numeric=True,
                whole=fact.type is FactType.INTEGER,
                minimum=fact.minimum,
                maximum=fact.maximum,
                uln=fact.uln,
            )


def kind_of_component(component: Component) -> Kind:
    """What can be observed of a component."""
    if component.choices:
        return Kind(constants=component.choices)
    return Kind(numeric=True, whole=True, minimum=component.minimum, maximum=component.maximum)


def misfits(path: str, condition: Condition, kinds: Mapping[str, Kind]) -> Iterator[Mistake]:
    """The comparisons of a condition that can never be made, or never change."""
    for at, comparison in _comparisons(path, condition):
        kind = kinds.get(comparison.fact)
        if kind is None:
            yield Mistake(f"{at}.fact", f"{comparison.fact} is not known")
        else:
            yield from _misfits(at, comparison, kind)


def _comparisons(path: str, condition: Condition) -> Iterator[tuple[str, Comparison]]:
    match condition:
        case AllOf():
            for index, part in enumerate(condition.all):
                yield from _comparisons(f"{path}.all[{index}]", part)
        case AnyOf():
            for index, part in enumerate(condition.any):
                yield from _comparisons(f"{path}.any[{index}]", part)
        case Not():
            yield from _comparisons(f"{path}.not", condition.not_)
        case _:
            yield path, condition


def _misfits(path: str, comparison: Comparison, kind: Kind) -> Iterator[Mistake]:
    fact = comparison.fact
    match comparison:
        case Is(is_=value):
            if not kind.has(value):
                yield Mistake(f"{path}.is", f"{fact} is never {written(value)}")
        case OneOf():
            for index, value in enumerate(comparison.one_of):
                if not kind.has(value):
                    yield Mistake(f"{path}.one_of[{index}]", f"{fact} is never {written(value)}")
        case AtMostUln():
            if not kind.uln:
                yield Mistake(f"{path}.at_most_uln", f"{fact} has no upper limit of normal")
        case HappenedWithin():
            if not kind.dated_event:
                yield Mistake(f"{path}.happened_within", f"{fact} is not a date or never")
        case _:
            yield from _limit_misfits(path, comparison, kind)


def _limit_misfits(path: str, limit: Limit, kind: Kind) -> Iterator[Mistake]:
    [(operator, number)] = limit.model_dump(exclude={"fact"}).items()
    if not kind.numeric:
        yield Mistake(f"{path}.{operator}", f"{limit.fact} is not a number")
    elif not kind.reaches(number):
        yield Mistake(
            f"{path}.{operator}",
            f"{number:g} lies outside {kind.minimum} to {kind.maximum}, the range of {limit.fact}",
        )


def written(value: Scalar) -> str:
    """The value as a document writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)

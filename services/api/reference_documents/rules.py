"""What a reference document says of an event, and what it may say. Pure decisions."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from services.api.language.wording import Wording
from services.api.protocol.terms import Terms


@dataclass(frozen=True)
class Expected:
    """A reaction that is expected, up to a grade."""

    term: str
    max_grade: int


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: a JSON pointer, a code, and what would be right."""

    pointer: str
    code: str
    detail: str


def lists(expected: Iterable[Expected], term: str, grade: int) -> bool:
    """Whether an event of that term and grade is expected.

    A reaction that is worse than the listed one is not (ICH E2A, II.C).
    """
    return any(one.term == term and grade <= one.max_grade for one in expected)


def backdated(
    version: str, effective_on: date, today: date, published: Collection[str]
) -> Iterator[Mistake]:
    """Whether a further version would take effect in the past, for which another one decides.

    Of the events that began there some were judged, and their clocks have run.
    """
    if effective_on < today and published and version not in published:
        yield Mistake(
            "/effective_on", "backdated", "Only the first document may take effect in the past"
        )


def mistakes(expected: Iterable[Expected], terms: Terms) -> Iterator[Mistake]:
    """Every entry that the dictionary does not have, or that the list has twice."""
    seen = set()
    for index, one in enumerate(expected):
        term = terms.named(one.term)
        if term is None:
            yield Mistake(f"/expected/{index}/term", "unknown", "Not a term of the dictionary")
        elif term.term in seen:
            yield Mistake(f"/expected/{index}/term", "repeated", "The list has the term already")
        elif one.max_grade not in term.grades:
            yield Mistake(
                f"/expected/{index}/max_grade",
                "no_such_grade",
                Wording("CTCAE defines grades {grades} for this term", grades=term.grades),
            )
        if term is not None:
            seen.add(term.term)

"""What interruptions of radiotherapy have to be. All days are local calendar dates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.api.core.errors import FieldError


@dataclass(frozen=True, slots=True)
class Interruption:
    """Days without fractions, both included; `to` is None while it goes on."""

    from_: date
    to: date | None

    def holds(self, day: date) -> bool:
        """Whether the day is interrupted."""
        return self.from_ <= day and (self.to is None or day <= self.to)


def wrong_interruptions(
    spans: Sequence[Interruption], first: date | None, last: date | None, today: date
) -> Iterator[FieldError]:
    """What is wrong with the interruptions between a first and a last fraction.

    One may begin on the day of the first fraction, which was delivered before
    it; it ends before the last fraction is delivered.
    """
    for index, span in enumerate(spans):
        start, end = f"/interruptions/{index}/from", f"/interruptions/{index}/to"
        if first is None or span.from_ < first:
            yield _fault(start, "before_first_fraction", "Not before the first fraction")
        if span.from_ > today:
            yield _fault(start, "future", "This cannot lie in the future")
        if span.to is None:
            if index + 1 < len(spans) or last is not None:
                yield _fault(end, "goes_on", "Fractions were given after it: give its last day")
        elif span.to < span.from_:
            yield _fault(end, "reversed", "Not before its first day")
        elif span.to > today:
            yield _fault(end, "future", "This cannot lie in the future")
        elif last is not None and span.to >= last:
            yield _fault(end, "after_last_fraction", "It ends before the last fraction")
        if index and _not_after(span, spans[index - 1]):
            yield _fault(start, "overlap", "After the last day of the interruption before")


def _not_after(span: Interruption, before: Interruption) -> bool:
    return span.from_ <= (before.to or before.from_)


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)

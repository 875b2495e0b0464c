"""Who may be trusted to grade on a day: whoever holds a certificate that is valid on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Validity:
    """The local calendar days for which a certificate is valid, both ends included."""

    from_: date
    until: date

    def holds(self, day: date) -> bool:
        """Whether it is valid on the day."""
        return self.from_ <= day <= self.until


Validities = Mapping[UUID, Sequence[Validity]]
"""Of each assessor, the days of their certificates."""


def certified(validities: Validities, assessor: UUID, day: date) -> bool:
    """Whether the assessor held a valid certificate on the day."""
    return any(one.holds(day) for one in validities.get(assessor, ()))


def by_assessor(rows: Iterable[tuple[UUID, date, date]]) -> Validities:
    """The validities of each assessor, from assessor, first and last day of each certificate."""
    found: dict[UUID, list[Validity]] = {}
    for assessor, from_, until in rows:
        found.setdefault(assessor, []).append(Validity(from_, until))
    return found

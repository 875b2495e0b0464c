"""What is recorded of one subject, as far as the endpoint asks; no type of the service's."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True)
class Course:
    """Radiotherapy as planned and as recorded; doses in Gy."""

    planned_start: date
    planned_fractions: int
    planned_dose_gy: float
    first: date | None = None
    last: date | None = None
    delivered_dose_gy: float | None = None


@dataclass(frozen=True)
class Interruption:
    """Days without radiotherapy, both ends included; `to` is None while it goes on."""

    since: date
    to: date | None


@dataclass(frozen=True)
class Graded:
    """One grading in its current version."""

    id: UUID
    version: int
    visit: str
    assessor: UUID
    at: datetime
    grade: int


@dataclass(frozen=True)
class Adjudicated:
    """One adjudication, opened; `grade` is None until it is decided."""

    id: UUID
    visit: str
    grade: int | None


@dataclass(frozen=True)
class History:
    """What is recorded of one subject on one day."""

    subject: UUID
    today: date
    left_on: date | None
    course: Course | None
    interruptions: tuple[Interruption, ...] = ()
    gradings: tuple[Graded, ...] = ()
    adjudications: tuple[Adjudicated, ...] = ()

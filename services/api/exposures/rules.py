"""What a day's study drug has to say, and what is unusual about it. Source: protocol, treatment."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.api.protocol.schema import Treatment

MOST_APPLICATIONS = 20
"""On one day: more is a slip of the pen, whatever the protocol asks for."""


class ExposureFlag(StrEnum):
    """What departs from the protocol's treatment; a flag never refuses a record."""

    OVERDOSE = "overdose"
    OUTSIDE_PERIOD = "outside_period"
    AFTER_END = "after_end"


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which the protocol gives the study drug, both included."""

    from_: date
    to: date

    def holds(self, day: date) -> bool:
        """Whether the study drug is given on the day."""
        return self.from_ <= day <= self.to


def period(rt_start: date, rt_end: date, treatment: Treatment) -> Period:
    """From so many days before radiotherapy to so many after it."""
    return Period(
        rt_start - timedelta(days=treatment.starts_days_before_rt),
        rt_end + timedelta(days=treatment.ends_days_after_rt),
    )


def reason_missing(applications: int, missed_reason: str | None, treatment: Treatment) -> bool:
    """Whether fewer applications than planned were taken, and nobody said why."""
    return applications < treatment.applications_per_day and missed_reason is None


@dataclass(frozen=True, slots=True)
class Course:
    """When a subject is given the study drug, as far as it is known: by the protocol, and at all.

    `ended_on` is the last day of a treatment that has ended.
    """

    period: Period | None
    ended_on: date | None = None


def flags(
    day: date, applications: int, course: Course, treatment: Treatment
) -> tuple[ExposureFlag, ...]:
    """What is unusual about a day; one without an application is never at a wrong time."""
    raised = []
    if applications > treatment.applications_per_day:
        raised.append(ExposureFlag.OVERDOSE)
    taken, period = applications > 0, course.period
    if taken and period is not None and not period.holds(day):
        raised.append(ExposureFlag.OUTSIDE_PERIOD)
    if taken and course.ended_on is not None and day > course.ended_on:
        raised.append(ExposureFlag.AFTER_END)
    return tuple(raised)


def volume_ml(applications: int, treatment: Treatment) -> float:
    """The volume sprayed: applications of the protocol's dose each."""
    return round(applications * treatment.dose_ml, 3)

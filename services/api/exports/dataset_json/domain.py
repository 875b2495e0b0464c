"""What an SDTM domain is made of, and what its rows are read from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from services.api.exports.dataset_json.terminology import Codelist
from services.api.exports.extract import Extract, Part, SubjectRecord

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: `type` is Dataset-JSON's dataType, `key` its place in the dataset's key."""

    name: str
    label: str
    type: str = "string"
    key: int | None = None
    codes: Codelist | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a domain by its variables, and its non-standard variables by QNAM.

    STUDYID, DOMAIN, USUBJID and the sequence number are added to every record.
    """

    values: Mapping[str, Value]
    supplement: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Domain:
    """A dataset: `rows` are those of one subject, `qualifiers` what stands in its SUPP dataset.

    `numbered` records have a sequence number, by which a SUPP record finds them.
    """

    name: str
    label: str
    variables: tuple[Variable, ...]
    rows: Callable[["Participant"], Iterator[Row]]
    parts: tuple[Part, ...]
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = True


@dataclass(frozen=True)
class Participant:
    """A subject as the domains see them."""

    extract: Extract
    record: SubjectRecord

    @property
    def study(self) -> str:
        """STUDYID."""
        return self.extract.protocol.study.nct_id

    @property
    def id(self) -> str:
        """USUBJID: the subject's number is unique in the trial, and the trial in the registry."""
        return f"{self.study}-{self.record.subject.number}"

    @cached_property
    def reference(self) -> date | None:
        """RFSTDTC: the day of randomization, which every subject of either arm has."""
        allocation = self.record.one(Part.ALLOCATIONS)
        return allocation and self.extract.clock.local_date(allocation.randomized_at)

    def study_day(self, day: date | None) -> int | None:
        """--DY: the day of randomization is 1, the day before is -1, and no day is 0."""
        if day is None or self.reference is None:
            return None
        days = (day - self.reference).days
        return days + 1 if days >= 0 else days

    def moment(self, at: datetime) -> str:
        """A moment where the trial takes place, with its distance from UTC."""
        return at.astimezone(self.extract.clock.zone).isoformat(timespec="seconds")


def iso(day: date | None) -> str | None:
    """A day as ISO 8601 has it."""
    return None if day is None else day.isoformat()


def flag(given: Any) -> str | None:
    """Y or nothing, as SDTM's flags are."""
    return "Y" if given else None

"""Which cases are reported, and what follows from the records for the report. Pure decisions.

Sources: ICH E2A, section III; ICH E2B(R3) Implementation Guide, section 3.4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.api.protocol.safety import AgeGroup

_UNPRINTABLE = dict.fromkeys({*range(32), 0xFFFE, 0xFFFF} - {9, 10}, "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True)
class Version:
    """One version of one occurrence of the case, as it was recorded."""

    event_id: UUID
    version: int
    informed_at: datetime
    aware_at: datetime
    reason: str | None
    nullified: bool
    serious: bool
    suspected: bool
    expectedness: str | None
    expected: bool
    """How it counts: as the sponsor judged, or, unjudged, as the protocol rules."""
    reference_version: str | None
    term: str
    term_detail: str | None
    meddra_code: str
    meddra_version: str
    ctcae_version: str
    grade: int
    onset_on: date
    resolved_on: date | None
    seriousness: tuple[str, ...]
    causality_study_drug: str
    causality_radiotherapy: str
    sponsor_causality: str | None
    action_taken: str
    outcome: str
    narrative: str | None

    @property
    def susar(self) -> bool:
        """Serious, suspected and not expected, whether it was nullified or not."""
        return self.serious and self.suspected and not self.expected


@dataclass(frozen=True)
class Radiotherapy:
    """The plan, and the days of its first and last fraction as far as they were delivered."""

    planned_dose_gy: float
    planned_fractions: int
    first_fraction_on: date | None
    last_fraction_on: date | None
    concurrent_chemotherapy: bool


@dataclass(frozen=True)
class Case:
    """All that a report is made of; `versions` stand in the order of their recording."""

    case_id: UUID
    versions: tuple[Version, ...]
    linked: tuple[UUID, ...]
    """Other reportable cases of the same subject, oldest first."""
    subject_number: str
    year_of_birth: int
    sex: str
    died: bool
    died_on: date | None
    site_name: str
    receives_study_drug: bool | None
    """By the subject's arm; None before randomization."""
    drug_days: tuple[date, date] | None
    """The first and last day on which study drug was taken."""
    radiotherapy: Radiotherapy | None

    @property
    def current(self) -> tuple[Version, ...]:
        """The last version of each occurrence, in the order in which they were reported."""
        last = {version.event_id: version for version in self.versions}
        return tuple(last.values())

    @property
    def nullified(self) -> bool:
        """Whether no occurrence is left."""
        return all(version.nullified for version in self.current)

    @property
    def told(self) -> tuple[Version, ...]:
        """The occurrences a report tells of: those that stand, or, nullified, what there was."""
        return self.current if self.nullified else tuple(v for v in self.current if not v.nullified)


class Obstacle(StrEnum):
    """Why a case is not reported as a SUSAR."""

    NOT_SERIOUS = "not_serious"
    NOT_SUSPECTED = "not_suspected"
    EXPECTED = "expected"
    NEVER_REPORTABLE = "never_reportable"


def obstacles(versions: Sequence[Version]) -> tuple[Obstacle, ...]:
    """Why this case has no report; empty when it has one.

    A case is reported when one of its occurrences is a SUSAR now. A nullified
    one is reported, as nullified, when it ever was a SUSAR: a report on it may
    have been sent.
    """
    last = {version.event_id: version for version in versions}
    standing = [version for version in last.values() if not version.nullified]
    if not standing:
        ever = any(version.susar for version in versions)
        return () if ever else (Obstacle.NEVER_REPORTABLE,)
    if any(version.susar for version in standing):
        return ()
    serious = [version for version in standing if version.serious]
    if not serious:
        return (Obstacle.NOT_SERIOUS,)
    if not any(version.suspected for version in serious):
        return (Obstacle.NOT_SUSPECTED,)
    return (Obstacle.EXPECTED,)


def age_group(year_of_birth: int, onset: date, groups: Iterable[AgeGroup]) -> str | None:
    """The group of a person of whom only the year of birth is known.

    None when the birthday of that year decides, or when they are younger than every group.
    """
    by_birthday = onset.year - year_of_birth
    before, after = (_group(age, groups) for age in (by_birthday - 1, by_birthday))
    return after if before == after else None


def _group(age: int, groups: Iterable[AgeGroup]) -> str | None:
    reached = [group.group for group in groups if group.from_years <= age]
    return reached[-1] if reached else None


def drug_role(receives_study_drug: bool | None, drug_days: tuple[date, date] | None) -> str:
    """The study drug's role: suspect, unless the subject was never to take it and never did.

    G.k.1 `drug not administered` tells of a reaction after consent without the
    drug (implementation guide, G.k.1). An arm that takes it counts as having
    taken it though no day was recorded yet: records come after the fact.
    """
    return "suspect" if receives_study_drug or drug_days else "not_administered"


def printable(text: str) -> str:
    """The text as XML 1.0 can carry it, with line ends as XML reads them.

    A character that XML has no place for becomes U+FFFD, so that its loss shows.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNPRINTABLE)


def fitted(text: str, limit: int) -> str:
    """The printable text, cut where the element ends; a cut shows by its last sign."""
    whole = printable(text)
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def split(text: str, limit: int) -> list[str]:
    """The printable text in pieces of at most so many characters; together they are all of it."""
    whole = printable(text)
    return [whole[start : start + limit] for start in range(0, len(whole), limit)]


def number(value: float) -> str:
    """A number as E2B writes it: without needless zeros, of at most four digits' precision."""
    return f"{value:.4g}"

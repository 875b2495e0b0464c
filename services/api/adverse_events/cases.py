"""Cases: occurrences of one event, linked where its severity changed. Pure decisions."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.api.adverse_events.rules import DEATH, FATAL_GRADE, LIFE_THREATENING, Mistake


@dataclass(frozen=True)
class Occurrence:
    """What one occurrence says in its current version, as far as its neighbours depend on it."""

    id: UUID
    continues: UUID | None
    term: str
    grade: int
    onset_on: date
    resolved_on: date | None
    serious: bool
    seriousness: tuple[str, ...]
    suspected: bool
    expected: bool
    nullified: bool

    @property
    def fatal_or_life_threatening(self) -> bool:
        """What gives the sponsor seven days instead of fifteen (ICH E2A)."""
        return self.grade == FATAL_GRADE or bool({DEATH, LIFE_THREATENING} & {*self.seriousness})

    @property
    def susar(self) -> bool:
        """A suspected unexpected serious adverse reaction."""
        return self.serious and self.suspected and not self.expected


def suspected(study_drug: str, sponsor_causality: str | None, related: Collection[str]) -> bool:
    """Whether the study drug is suspected: by the investigator or by the sponsor (ICH E2A, III.B).

    `related` are the judgments that count as related, as the protocol says.
    """
    return study_drug in related or sponsor_causality in related


def mistakes(
    one: Occurrence, before: Occurrence | None, after: Occurrence | None
) -> Iterator[Mistake]:
    """Everything in an occurrence that contradicts the ones before and after it.

    Occurrences of one case have one term; neighbours have different grades,
    and each begins while the one before still lasts.
    """
    if before is not None:
        if one.term != before.term:
            yield Mistake("/term", "other_term", "Another term is another event, not a grade of it")
        if one.grade == before.grade:
            yield Mistake("/grade", "same_grade", "The occurrence before has this grade already")
        if one.onset_on < before.onset_on:
            yield Mistake("/onset_on", "before_previous", "Not before the one that it continues")
        elif before.resolved_on is not None and before.resolved_on < one.onset_on:
            yield Mistake(
                "/onset_on",
                "resolved_before",
                "What comes back after its resolution is a new event",
            )
    if after is not None:
        if one.grade == after.grade:
            yield Mistake("/grade", "same_grade", "The occurrence after has this grade already")
        if one.onset_on > after.onset_on:
            yield Mistake("/onset_on", "after_next", "Not after the one that continues it")
        elif one.resolved_on is not None and one.resolved_on < after.onset_on:
            yield Mistake(
                "/resolved_on", "before_next", "Not before the day on which the next grade began"
            )


def lasts_until(
    resolved_on: date | None, next_onset_on: date | None, died_on: date | None
) -> date | None:
    """The last day of one grade's period; None while it lasts.

    The next grade ends it, resolution does, and so does death.
    """
    if next_onset_on is not None:
        return next_onset_on
    return resolved_on if resolved_on is not None else died_on


@dataclass(frozen=True)
class Standing:
    """How grave a case is: the worst of what its occurrences say, each judged by itself."""

    serious: bool
    fatal_or_life_threatening: bool
    susar: bool
    grade: int


def standing(occurrences: Iterable[Occurrence]) -> Standing:
    """How grave the case of these occurrences is; nullified ones do not count."""
    valid = [one for one in occurrences if not one.nullified]
    return Standing(
        serious=any(one.serious for one in valid),
        fatal_or_life_threatening=any(one.fatal_or_life_threatening for one in valid),
        susar=any(one.susar for one in valid),
        grade=max((one.grade for one in valid), default=0),
    )


def upgraded(before: Standing, now: Standing) -> bool:
    """Whether a case became graver in any respect, whatever became less grave."""
    return (
        now.serious > before.serious
        or now.fatal_or_life_threatening > before.fatal_or_life_threatening
        or now.susar > before.susar
        or now.grade > before.grade
    )

"""The trial's subjects as the registry's tables count them, gathered in one pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from services.api.endpoint.rules import Decision, Outcome
from services.api.enrolment.rules import SubjectStatus
from services.api.exports.extract import OF_OUTCOME, Extract, Part, SubjectRecord
from services.api.protocol.terms import load_terms
from services.api.reports.participants import Participant, analysis_set

PARTS = (
    *OF_OUTCOME,
    Part.CONSENTS,
    Part.WITHDRAWALS,
    Part.EVALUATIONS,
    Part.ALLOCATIONS,
    Part.CORRECTIONS,
    Part.DISCONTINUATIONS,
    Part.ADVERSE_EVENTS,
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An adverse event since randomization, in the words of its dictionary.

    A case with all its grades is one event, serious if it ever was.
    """

    term: str
    organ_system: str
    vocabulary: str
    serious: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A subject; `age` in completed years at consent, as far as it is recorded."""

    participant: Participant
    sex: str
    enrolled_on: date | None = None
    age: int | None = None
    last_assessed_on: date | None = None
    levels: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Happened, ...] = ()

    @property
    def died(self) -> bool:
        """Whether the subject is known to have died, of whatever cause."""
        return self.participant.status == SubjectStatus.DIED


def people(extract: Extract, *, by_arm: bool) -> list[Person]:
    """Every subject; their arms only if asked for.

    They are in memory together, some hundred bytes each: the tables compare them with one another.
    """
    shared = _Shared()
    return [_person(extract, record, shared, by_arm=by_arm) for record in extract.subjects(PARTS)]


def analysed(everybody: Iterable[Person]) -> list[Person]:
    """All who were randomized, each person once: see `analysis_set`."""
    found = list(everybody)
    counted = {one.id for one in analysis_set(person.participant for person in found)}
    return [person for person in found if person.participant.id in counted]


Value = TypeVar("Value")


class _Shared:
    """What is the same of many subjects is in memory once: days, codes, outcomes, events."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Value) -> Value:
        """The first value of those that equal this one."""
        found: Value = self._known.setdefault((type(value), value), value)
        return found


def _person(extract: Extract, record: SubjectRecord, shared: _Shared, *, by_arm: bool) -> Person:
    subject, allocation = record.subject, record.one(Part.ALLOCATIONS)
    ended = record.one(Part.DISCONTINUATIONS)
    outcome = extract.outcome(record)
    randomized_on = allocation and shared(extract.clock.local_date(allocation.randomized_at))
    return Person(
        participant=Participant(
            id=subject.id,
            site=shared(subject.site),
            status=shared(subject.status),
            randomized_on=randomized_on,
            stratum=allocation and shared(allocation.stratum),
            arm=shared(allocation.arm) if allocation and by_arm else None,
            retained=all(one.retained is not False for one in record.all(Part.CORRECTIONS)),
            treatment_cause=ended and ended.treatment_cause,
            study_cause=record.why_left(),
            left_on=subject.left_on,
            outcome=shared(_counted(outcome)),
        ),
        sex=shared(subject.sex),
        enrolled_on=shared(min((one.signed_on for one in record.all(Part.CONSENTS)), default=None)),
        age=_age(extract, record, allocation),
        last_assessed_on=shared(outcome.last_assessed_on),
        levels=extract.strata[allocation.stratum] if allocation else {},
        events=shared(_events(record, randomized_on)),
    )


def _counted(outcome: Outcome) -> Outcome:
    """The outcome without its assessments: they are many, and no table of the registry has any."""
    return replace(
        outcome,
        primary=Decision(outcome.primary.status),
        secondary=Decision(outcome.secondary.status),
        gaps=(),
        counted=(),
    )


def _age(extract: Extract, record: SubjectRecord, allocation: Any) -> int | None:
    """The age in the evaluation on which the subject was randomized."""
    if allocation is None:
        return None
    for evaluation in record.all(Part.EVALUATIONS):
        if evaluation.version == allocation.evaluation_version:
            age: int | None = evaluation.normalised.get(extract.protocol.eligibility.age_fact)
            return age
    return None


def _events(record: SubjectRecord, randomized_on: date | None) -> tuple[Happened, ...]:
    """Of who was randomized, the cases with a grade that stands and began on that day or later."""
    if randomized_on is None:
        return ()
    cases: dict[UUID, list[Any]] = {}
    for one in record.current(Part.ADVERSE_EVENTS):
        if not one.nullified and one.onset_on >= randomized_on:
            cases.setdefault(one.first_id or one.id, []).append(one)
    return tuple(
        Happened(
            grades[0].term,
            _organ_system(grades[0]),
            f"CTCAE {grades[0].ctcae_version}",
            serious=any(one.serious for one in grades),
        )
        for grades in cases.values()
    )


def _organ_system(event: Any) -> str:
    term = load_terms(event.ctcae_version).named(event.term)
    return term.system_organ_class if term else ""

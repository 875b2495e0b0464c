"""Eligibility: the verdict of every criterion on the recorded facts.

The criteria and the screening window are the protocol document's. Unknown is a
verdict of its own: no criterion is met, and none is failed, for want of a fact.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.api.eligibility.facts import Facts
from services.api.protocol import conditions
from services.api.protocol.schema import Criterion, CriterionKind, Eligibility, leaves
from services.api.signatures.rules import sha256_of


class CriterionVerdict(StrEnum):
    """What the recorded facts say of one criterion; an exclusion that is `met` excludes."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class EligibilityOverall(StrEnum):
    """What all criteria together say of a subject."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    INCOMPLETE = "incomplete"


_VERDICTS = {
    True: CriterionVerdict.MET,
    False: CriterionVerdict.NOT_MET,
    None: CriterionVerdict.UNKNOWN,
}
_DISQUALIFIES = {
    CriterionKind.INCLUSION: CriterionVerdict.NOT_MET,
    CriterionKind.EXCLUSION: CriterionVerdict.MET,
}


@dataclass(frozen=True)
class CriterionJudgment:
    """What one criterion says of a subject.

    For an exclusion, `met` excludes. `flag` asks the investigator to look and
    changes nothing. `stale` tells that a fact the criterion reads was too old
    to be used.
    """

    id: str
    kind: CriterionKind
    text: str
    verdict: CriterionVerdict
    flag: str | None
    stale: bool


@dataclass(frozen=True)
class Evaluation:
    """The verdict of every criterion, and of all together.

    `unknown_facts` were never given, `stale_facts` were given and are too old;
    both together are what is still to be supplied.
    """

    overall: EligibilityOverall
    criteria: tuple[CriterionJudgment, ...]
    unknown_facts: tuple[str, ...]
    stale_facts: tuple[str, ...]


def evaluate(facts: Facts, section: Eligibility, reference: date) -> Evaluation:
    """Judge every criterion on the reference date, the day of randomization.

    `ineligible` as soon as one inclusion is not met or one exclusion is met,
    whatever else is unknown; then `incomplete` if any verdict is unknown;
    `eligible` only when all are known and right.

    A dated fact more than the screening window's days old is stale and counts
    as unknown: it neither makes a subject eligible nor fails one. A verdict
    that turned unknown that way is marked `stale`, and the verdicts are part
    of the evaluation's hash, so a signature given before no longer covers it.
    A verdict the other facts settle alone stands, marked `stale` too.
    """
    stale = tuple(
        fact.id
        for fact in section.facts
        if fact.id in facts.measured_on
        and (reference - facts.measured_on[fact.id]).days > section.screening_window_days
    )
    usable = {key: value for key, value in facts.values.items() if key not in stale}
    criteria = tuple(_judge(one, usable, stale, reference) for one in section.criteria)
    return Evaluation(
        overall=_overall(criteria),
        criteria=criteria,
        unknown_facts=tuple(fact.id for fact in section.facts if fact.id not in facts.values),
        stale_facts=stale,
    )


def _judge(
    criterion: Criterion, usable: Mapping[str, object], stale: Collection[str], reference: date
) -> CriterionJudgment:
    read = (criterion.when,) if criterion.flag is None else (criterion.when, criterion.flag)
    flagged = criterion.flag is not None and conditions.evaluate(criterion.flag, usable, reference)
    return CriterionJudgment(
        id=criterion.id,
        kind=criterion.kind,
        text=criterion.text,
        verdict=_VERDICTS[conditions.evaluate(criterion.when, usable, reference)],
        flag=criterion.flag_text if flagged else None,
        stale=any(leaf.fact in stale for condition in read for leaf in leaves(condition)),
    )


def _overall(criteria: Collection[CriterionJudgment]) -> EligibilityOverall:
    if any(one.verdict == _DISQUALIFIES[one.kind] for one in criteria):
        return EligibilityOverall.INELIGIBLE
    if any(one.verdict is CriterionVerdict.UNKNOWN for one in criteria):
        return EligibilityOverall.INCOMPLETE
    return EligibilityOverall.ELIGIBLE


def evaluation_hash(
    facts_given: Mapping[str, object],
    evaluation: Evaluation,
    protocol_version: str,
    subject_id: UUID,
    version: int,
) -> str:
    """What an investigator's signature covers: SHA-256, in hex, of canonical JSON.

    It covers the facts as given, the verdict of each criterion, the overall
    verdict and the protocol version; and the subject and the version, so that
    a signature on equal facts of another subject or day is none on these.
    """
    return sha256_of(
        {
            "facts": facts_given,
            "verdicts": {one.id: one.verdict for one in evaluation.criteria},
            "overall": evaluation.overall,
            "protocol_version": protocol_version,
            "subject_id": subject_id,
            "version": version,
        }
    )


def age_agrees(age: int, year_of_birth: int, consent_on: date) -> bool:
    """Whether a subject born in that year can have that age at consent.

    Age is in completed years: the difference of the years, or one less before
    the birthday, which the trial does not record.
    """
    return consent_on.year - year_of_birth - age in (0, 1)

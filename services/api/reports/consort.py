"""The flow of subjects through the trial. Source: CONSORT 2010, figure 1 (BMJ 2010, 340, c332)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from services.api.endpoint.rules import OutcomeStatus
from services.api.enrolment.rules import SubjectStatus
from services.api.reports.participants import Participant, analysis_set
from services.api.reports.schemas import CauseCount, Consort, CriterionCount, Flow, Report

METHODS = [
    "Layout of the flow: CONSORT 2010 (Schulz, Altman and Moher, BMJ 2010, 340, c332).",
]
NOTES = [
    "A subject who failed screening counts at every criterion that their last evaluation does not"
    " pass, so the criteria add up to more than the excluded.",
    "Evaluable: the time of observation is over and the primary outcome is known. Not evaluable:"
    " it is over with too few gradings to rule an event out.",
]
WAITING = frozenset({SubjectStatus.SCREENING, SubjectStatus.ELIGIBLE})


def consort(
    head: Report, participants: Sequence[Participant], criteria: Mapping[str, str]
) -> Consort:
    """The report; `criteria` are the wordings of the protocol's criteria by their id."""
    before = [one for one in participants if one.randomized_on is None]
    excluded = [one for one in before if one.screen_failed]
    failed = Counter(criterion for one in excluded for criterion in one.failed)
    waiting = sum(one.status in WAITING for one in before)
    return Consort(
        **dict(head),
        screened=len(participants),
        excluded=len(excluded),
        criteria=[
            CriterionCount(id=name, text=criteria.get(name, name), subjects=failed[name])
            for name in sorted(failed)
        ],
        left_before=len(before) - len(excluded) - waiting,
        waiting=waiting,
        flow=flow(participants, head.as_of),
    )


def flow(participants: Iterable[Participant], today: date) -> Flow:
    """What became of those of the participants who were randomized."""
    randomized = [one for one in participants if one.randomized_on is not None]
    analysed = analysis_set(randomized)
    over = [one for one in analysed if one.over(today)]
    unknown = {OutcomeStatus.NOT_EVALUABLE, OutcomeStatus.PENDING}
    evaluable = [one for one in over if one.outcome.primary.status not in unknown]
    return Flow(
        randomized=len(randomized),
        not_retained=len(randomized) - len(analysed),
        analysed=len(analysed),
        started_radiotherapy=sum(one.outcome.window is not None for one in analysed),
        treatment_ended=_causes(one.treatment_cause for one in analysed),
        study_left=_causes(one.study_cause for one in analysed),
        evaluable=len(evaluable),
        not_evaluable=len(over) - len(evaluable),
        under_observation=len(analysed) - len(over),
    )


def _causes(causes: Iterable[str | None]) -> list[CauseCount]:
    """The most frequent first."""
    counts = Counter(cause for cause in causes if cause is not None)
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [CauseCount(cause=cause, subjects=count) for cause, count in ordered]

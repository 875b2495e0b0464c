"""DS: consent, randomization, and how treatment and taking part ended."""

from collections.abc import Iterator
from datetime import date

from services.api.enrolment.rules import LEFT, SubjectStatus
from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Value, Variable, iso
from services.api.exports.extract import Part

ENDED = {SubjectStatus.COMPLETED, SubjectStatus.SCREEN_FAILED, *LEFT}


def _row(one: Participant, on: date | None, category: str, decoded: str, **more: Value) -> Row:
    return Row(
        {
            "DSTERM": decoded,
            "DSDECOD": decoded,
            "DSCAT": category,
            "DSSTDTC": iso(on),
            "DSSTDY": one.study_day(on),
            **more,
        }
    )


def _rows(one: Participant) -> Iterator[Row]:
    for consent in one.record.all(Part.CONSENTS):
        obtained = "INFORMED CONSENT OBTAINED"
        yield _row(one, consent.signed_on, "PROTOCOL MILESTONE", obtained, DSREFID=consent.version)
    if one.reference is not None:
        yield _row(one, one.reference, "PROTOCOL MILESTONE", "RANDOMIZED")
    for withdrawal in one.record.all(Part.WITHDRAWALS):
        withdrawn = "INFORMED CONSENT WITHDRAWN"
        yield _row(one, withdrawal.withdrawn_on, "OTHER EVENT", withdrawn, DSTERM=withdrawal.reason)
    yield from _treatment(one)
    yield from _study(one)


def _treatment(one: Participant) -> Iterator[Row]:
    ended = one.record.one(Part.DISCONTINUATIONS)
    if ended is not None and ended.treatment_on is not None:
        yield _row(
            one,
            ended.treatment_on,
            "DISPOSITION EVENT",
            ct.NCOMPLT[ended.treatment_cause],
            DSTERM=ended.treatment_detail,
            DSSCAT="STUDY TREATMENT",
        )


def _study(one: Participant) -> Iterator[Row]:
    """How taking part ended: as it was recorded with its cause, else as the status says."""
    subject, ended = one.record.subject, one.record.one(Part.DISCONTINUATIONS)
    category, part = "DISPOSITION EVENT", "STUDY PARTICIPATION"
    if ended is not None and ended.study_on is not None:
        cause, told = ct.NCOMPLT[ended.study_cause], ended.study_detail
        yield _row(one, ended.study_on, category, cause, DSTERM=told, DSSCAT=part)
    elif subject.status in ENDED:
        on = subject.left_on or _last_known(one)
        yield _row(one, on, category, ct.NCOMPLT[subject.status], DSSCAT=part)


def _last_known(one: Participant) -> date | None:
    """Of who completed the last visit, of who failed screening the evaluation."""
    if one.record.subject.status == SubjectStatus.SCREEN_FAILED:
        evaluation = one.record.one(Part.EVALUATIONS)
        failed: date | None = evaluation and evaluation.evaluated_on
        return failed
    days = [row.visited_on for row in one.record.current(Part.VISITS) if row.visited_on]
    return max(days, default=None)


DS = Domain(
    "DS",
    "Disposition",
    (
        Variable("DSREFID", "Reference ID"),
        Variable("DSTERM", "Reported Term for the Disposition Event"),
        Variable("DSDECOD", "Standardized Disposition Term", key=3),
        Variable("DSCAT", "Category for Disposition Event", codes=ct.DSCAT),
        Variable("DSSCAT", "Subcategory for Disposition Event", codes=ct.DSSCAT),
        Variable("DSSTDTC", "Start Date/Time of Disposition Event", "date", key=4),
        Variable("DSSTDY", "Study Day of Start of Disposition Event", "integer"),
    ),
    _rows,
    (
        Part.CONSENTS,
        Part.WITHDRAWALS,
        Part.EVALUATIONS,
        Part.ALLOCATIONS,
        Part.VISITS,
        Part.DISCONTINUATIONS,
    ),
)

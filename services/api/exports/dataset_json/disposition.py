"""DS: consent, randomization, and how treatment and taking part ended."""

from collections.abc import Iterator, Mapping
from datetime import date

from services.api.discontinuations.rules import StudyCause
from services.api.enrolment.rules import SubjectStatus, failed_screening
from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Value, Variable, iso
from services.api.exports.extract import Part

IN_WORDS: Mapping[str, str] = {
    SubjectStatus.WITHDRAWN: "Withdrawn; not known whether by their own or a physician's decision",
    StudyCause.OTHER: "Left the study; not known why",
}
"""DSTERM of who left without a cause on record, where the standard's term says too little."""


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
    """How taking part ended at first, whatever happened since.

    A later death is no disposition event, and DEATH no term of other events: DM tells of it.
    """
    subject, ended = one.record.subject, one.record.one(Part.DISCONTINUATIONS)
    why, on = _why(one), subject.left_on
    if why is None:
        return
    if why == SubjectStatus.SCREEN_FAILED:
        on = _evaluated_on(one)
    elif why == SubjectStatus.COMPLETED:
        on = _last_visited_on(one)
    decoded = ct.NCOMPLT[why]
    told = (ended and ended.study_detail) or IN_WORDS.get(why, decoded)
    yield _row(one, on, "DISPOSITION EVENT", decoded, DSTERM=told, DSSCAT="STUDY PARTICIPATION")


def _why(one: Participant) -> str | None:
    """Why the subject first was out of the study, a cause or a state; None of who is in it."""
    subject = one.record.subject
    status = SubjectStatus(subject.status)
    if failed_screening(status, subject.left_on):
        return SubjectStatus.SCREEN_FAILED
    if status is SubjectStatus.COMPLETED:
        return status
    return one.record.why_left()


def _evaluated_on(one: Participant) -> date | None:
    evaluation = one.record.one(Part.EVALUATIONS)
    on: date | None = evaluation and evaluation.evaluated_on
    return on


def _last_visited_on(one: Participant) -> date | None:
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

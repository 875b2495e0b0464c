"""One subject's outcome in sentences, for whoever has to sign it. `docs/endpoint.md` defines it."""

from collections.abc import Iterator
from datetime import date

from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus
from services.api.gradings.rules import GradeBasis
from services.api.protocol.schema import Endpoint

BASES = {
    GradeBasis.SINGLE: "by one assessor",
    GradeBasis.AGREED: "by all its assessors alike",
    GradeBasis.ADJUDICATED: "by adjudication",
}
WITHOUT_EVENT = {
    OutcomeStatus.PENDING: "pending, for an event may still be found.",
    OutcomeStatus.NO_EVENT: "no event in a window that was covered.",
    OutcomeStatus.NOT_EVALUABLE: "not evaluable, for too little was assessed.",
}


def explain(outcome: Outcome, rule: Endpoint, *, left_on: date | None) -> list[str]:
    """Why the outcome is what it is: its window, what decided it, and what is missing."""
    return list(_sentences(outcome, rule, left_on))


def _sentences(outcome: Outcome, rule: Endpoint, left_on: date | None) -> Iterator[str]:
    window = outcome.window
    if window is None:
        yield "No fraction of radiotherapy is recorded, so nothing counts yet."
        return
    yield (
        f"Assessments count from {window.from_} through {window.to}."
        if window.to
        else f"Assessments count from {window.from_}; the last fraction is not recorded."
    )
    if left_on is not None:
        yield f"The subject left the study on {left_on}."
    yield from _decided("Primary", outcome.primary, rule.severe_grade)
    yield from _decided("Secondary", outcome.secondary, rule.any_grade)
    if outcome.unresolved:
        yield f"The grade is open until adjudicated at {', '.join(outcome.unresolved)}."
    yield (
        f"{outcome.kept} of {outcome.slots} scheduled assessments were made;"
        f" {rule.coverage_share:.0%} are needed, and one on or after day"
        f" {rule.last_grading_from_day} after radiotherapy."
    )
    if outcome.gaps:
        yield f"Missing: {', '.join(outcome.gaps)}."


def _decided(name: str, decision: Decision, grade: int) -> Iterator[str]:
    deciding = decision.deciding
    if deciding is not None:
        yield (
            f"{name}: event, for the grade at {deciding.visit} on {deciding.on} was"
            f" {deciding.grade} {BASES[deciding.basis]}; {grade} is enough."
        )
    else:
        yield f"{name}: {WITHOUT_EVENT[decision.status]}"

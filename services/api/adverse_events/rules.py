"""What makes a report of an adverse event consistent. Pure decisions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.api.language.wording import Wording
from services.api.protocol.safety import AdverseEvents
from services.api.protocol.terms import Term

FATAL_GRADE = 5
"""CTCAE v5.0: grade 5 is death related to the adverse event."""

DEATH, LIFE_THREATENING = "death", "life_threatening"
"""Criteria of seriousness (ICH E2B(R3) E.i.3.2) that shorten the sponsor's deadline."""

FATAL = "fatal"
"""The outcome of grade 5."""

RECOVERING, UNKNOWN = "recovering", "unknown"
ONGOING = frozenset({RECOVERING, "not_recovered", UNKNOWN})
"""Outcomes of an event that has not ended; a death leaves open how it stood."""

EXPECTED = "expected"
"""That the reference safety information lists the event."""


@dataclass(frozen=True)
class Report:
    """The dates and judgments of a report that have to fit together."""

    grade: int
    term_detail: str | None
    onset_on: date
    resolved_on: date | None
    aware_at: datetime
    aware_on: date
    informed_at: datetime
    serious: bool
    seriousness: tuple[str, ...]
    outcome: str


@dataclass(frozen=True)
class Mistake:
    """One thing that does not fit: a JSON pointer, a code, and what would be right."""

    pointer: str
    code: str
    detail: str


def mistakes(
    report: Report,
    term: Term,
    section: AdverseEvents,
    *,
    consented_on: date,
    now: datetime,
    today: date,
    died_on: date | None = None,
) -> list[Mistake]:
    """Everything that is inconsistent in a report, in the order of its fields.

    `died_on` is the local day of the subject's death, as far as it is known.
    """
    return [
        *_about_term(report, term, section),
        *_about_dates(report, consented_on, now, today),
        *_about_death(report, died_on),
        *_about_seriousness(report),
    ]


def _about_term(report: Report, term: Term, section: AdverseEvents) -> Iterator[Mistake]:
    if report.grade not in term.grades:
        yield Mistake(
            "/grade",
            "no_such_grade",
            Wording("CTCAE defines grades {grades} for this term", grades=term.grades),
        )
    if term.needs_detail and report.term_detail is None:
        yield Mistake("/term_detail", "missing", "This term needs a text that says what it is")
    if term.term in section.graded_instead and not report.serious:
        yield Mistake(
            "/term", "graded_instead", "Record a grading: it is an adverse event only when serious"
        )


def _about_dates(
    report: Report, consented_on: date, now: datetime, today: date
) -> Iterator[Mistake]:
    if report.onset_on < consented_on:
        yield Mistake("/onset_on", "before_consent", "Before consent it is medical history")
    if report.onset_on > today:
        yield Mistake("/onset_on", "future", "This cannot lie in the future")
    if report.resolved_on is not None and report.resolved_on < report.onset_on:
        yield Mistake("/resolved_on", "before_onset", "Not before onset_on")
    if report.resolved_on is not None and report.resolved_on > today:
        yield Mistake("/resolved_on", "future", "This cannot lie in the future")
    if report.aware_at > now:
        yield Mistake("/aware_at", "future", "This cannot lie in the future")
    elif report.aware_on < report.onset_on:
        yield Mistake("/aware_at", "before_onset", "Nobody is aware of it before its onset")
    else:
        yield from about_learning(report.informed_at, report.aware_at, now)


def about_learning(informed_at: datetime, aware_at: datetime, now: datetime) -> Iterator[Mistake]:
    """What is wrong with when somebody learnt of what a version says, whoever says it.

    Nobody has learnt what they say tomorrow, or before anybody was aware of the event.
    """
    if informed_at > now:
        yield Mistake("/informed_at", "future", "This cannot lie in the future")
    elif informed_at < aware_at:
        yield Mistake("/informed_at", "before_awareness", "Not before aware_at")


def _about_death(report: Report, died_on: date | None) -> Iterator[Mistake]:
    if died_on is None:
        return
    for name, day in (("onset_on", report.onset_on), ("resolved_on", report.resolved_on)):
        if day is not None and day > died_on:
            yield Mistake(f"/{name}", "after_death", "Not after the day on which the subject died")


def _about_seriousness(report: Report) -> Iterator[Mistake]:
    if report.serious and not report.seriousness:
        yield Mistake("/seriousness", "missing", "A serious event names at least one criterion")
    if not report.serious and report.seriousness:
        yield Mistake("/serious", "contradiction", "An event with a criterion is serious")
    if len(set(report.seriousness)) != len(report.seriousness):
        yield Mistake("/seriousness", "repeated", "Name each criterion once")
    death = DEATH in report.seriousness
    signs = {report.grade == FATAL_GRADE, report.outcome == FATAL, death}
    if len(signs) > 1:
        yield Mistake(
            "/outcome", "contradiction", "Grade 5, outcome fatal and criterion death go together"
        )

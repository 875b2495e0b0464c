"""The endpoint, derived from what other resources recorded; nothing is stored here."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.endpoint import rules
from services.api.enrolment import service as enrolment
from services.api.gradings import service as gradings
from services.api.gradings.rules import Assessment
from services.api.protocol.schema import Protocol
from services.api.visits import service as visits
from services.api.visits.rules import Radiotherapy

_SUBJECT = SQLModel.metadata.tables["subject"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A subject and their outcome as of today."""

    subject_id: UUID
    site: str
    left_on: date | None
    outcome: rules.Outcome


def endpoint(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, subject_id: UUID
) -> Derived:
    """One subject's outcome.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    course = visits.course(session, subject)
    assessments = gradings.assessments(session, subject)
    outcome = _outcome(protocol, clock.today(), course, assessments, subject.left_on)
    return Derived(subject.id, subject.site, subject.left_on, outcome)


def outcomes(
    session: Session, clock: Clock, protocol: Protocol, sites: Collection[str]
) -> Iterator[Derived]:
    """The outcome of every subject of the sites in the order of their enrolment.

    A few statements read everything at once. Deriving comes with the iteration
    and needs no session: of a large trial it takes longer than a transaction
    may be idle.
    """
    today = clock.today()
    courses = visits.all_courses(session, sites)
    assessments = gradings.all_assessments(session, sites)
    subjects = session.connection().execute(_subjects(sites)).all()
    return (
        Derived(
            row.id,
            row.site,
            row.left_on,
            _outcome(
                protocol, today, courses.get(row.id), assessments.get(row.id, ()), row.left_on
            ),
        )
        for row in subjects
    )


def _subjects(sites: Collection[str]) -> Select[Any]:
    return (
        columns_of(_SUBJECT.c.id, _SUBJECT.c.site, _SUBJECT.c.left_on)
        .where(_SUBJECT.c.site.in_(sites))
        .order_by(_SUBJECT.c.id)
    )


def _outcome(
    protocol: Protocol,
    today: date,
    course: Radiotherapy | None,
    assessments: Iterable[Assessment],
    left_on: date | None,
) -> rules.Outcome:
    if course is None:
        return rules.Outcome()
    return rules.endpoint(
        assessments,
        course,
        visits=protocol.visits,
        grading=protocol.grading,
        rule=protocol.endpoint,
        today=today,
        left_on=left_on,
    )

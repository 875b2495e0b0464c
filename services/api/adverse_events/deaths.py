"""What a subject's death asks of their adverse events."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from services.api.adverse_events import reading
from services.api.adverse_events.content import Columns
from services.api.adverse_events.models import AdverseEvent
from services.api.adverse_events.rules import ONGOING, RECOVERING
from services.api.core.auth import Principal, Worker
from services.api.core.clock import Clock
from services.api.core.errors import Invalid, RecordLocked
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.protocol.schema import Protocol
from services.api.queries import service as queries

OPEN_AT_DEATH = "open_at_death"
"""The code of the query that asks how an event stood when the subject died."""


def refuse_recovering_after_death(subject: Subject, told: Columns) -> None:
    """Refuse an outcome that nobody has who died.

    Raises:
        Invalid: the subject died, and the event is told to get better.
    """
    if subject.status == SubjectStatus.DIED and told.get("outcome") == RECOVERING:
        raise Invalid.at("/outcome", "after_death", "A subject who died does not recover any more")


def ask_after_death(
    session: Session, worker: Worker, clock: Clock, protocol: Protocol, subject_id: UUID
) -> None:
    """Ask the site how each event that had not ended stood when the subject died.

    Nothing is asked twice while it is not settled, nor of a subject who lives, nor of a locked
    record: what is there was reviewed, and the site could not answer.
    """
    del protocol
    subject = enrolment.get_subject(session, worker, subject_id, lock=True)
    if subject.status != SubjectStatus.DIED:
        return
    try:
        with session.begin_nested():
            _ask(session, worker, clock, subject)
    except IntegrityError as refused:
        # The database knows what is locked, and tells it of the record and of the trial alike.
        if getattr(getattr(refused.orig, "diag", None), "constraint_name", None) != (
            RecordLocked.constraint
        ):
            raise


def _ask(session: Session, worker: Worker, clock: Clock, subject: Subject) -> None:
    for row in reading.standing_of(session, subject):
        if row.outcome in ONGOING and row.resolved_on is None:
            queries.raise_by_system(
                session,
                worker,
                clock,
                subject,
                record="adverse_event",
                record_id=str(row.id),
                field="outcome",
                code=OPEN_AT_DEATH,
                text="The subject died before this event had ended. How did it stand then?",
            )


def settle_after_death(
    session: Session, caller: Principal, subject: Subject, row: AdverseEvent
) -> None:
    """Close that question: the site has said how the event stood."""
    if subject.status == SubjectStatus.DIED:
        queries.settle_by_system(
            session,
            caller,
            subject,
            record="adverse_event",
            record_id=str(row.id),
            code=OPEN_AT_DEATH,
            text="The site recorded how the event stood.",
        )

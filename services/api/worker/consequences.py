"""What follows from an event inside the service: one registry, read in the order of the feed.

A consequence runs in one transaction with the reader's position, so it is done
once. It derives from what is stored now, not from the event, so it does no
harm when it is done late, or again.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from sqlmodel import Session

from services.api.adverse_events.deaths import ask_after_death
from services.api.core.auth import Worker
from services.api.core.clock import Clock
from services.api.core.events import EventType, FeedEvent
from services.api.deadlines import service as deadlines
from services.api.endpoint import service as endpoint
from services.api.protocol.schema import Protocol
from services.api.stopping_rules import service as stopping_rules
from services.api.visits import overdue

Consequence = Callable[[Session, Worker, Clock, Protocol, FeedEvent], object]
OfSubject = Callable[[Session, Worker, Clock, Protocol, UUID], object]
Sweep = Callable[[Session, Worker, Clock, Protocol], int]


def _of_subject(act: OfSubject) -> Consequence:
    """What follows for the subject whom an event is about."""

    def consequence(
        session: Session, worker: Worker, clock: Clock, protocol: Protocol, event: FeedEvent
    ) -> None:
        if event.subject_id is not None:
            act(session, worker, clock, protocol, event.subject_id)

    return consequence


def _evaluate(
    session: Session, worker: Worker, clock: Clock, protocol: Protocol, event: FeedEvent
) -> None:
    stopping_rules.evaluate(session, worker, clock, protocol, event.id)


_ENDPOINT = _of_subject(endpoint.announce)
_OVERDUE = _of_subject(overdue.announce_overdue_of)

CONSEQUENCES: Mapping[EventType, tuple[Consequence, ...]] = {
    EventType.SUBJECT_RANDOMIZED: (_evaluate,),
    EventType.SUBJECT_DIED: (_of_subject(ask_after_death),),
    EventType.RADIOTHERAPY_RECORDED: (_ENDPOINT, _OVERDUE),
    EventType.VISIT_RECORDED: (_ENDPOINT,),
    EventType.GRADING_RECORDED: (_ENDPOINT,),
    EventType.GRADING_CORRECTED: (_ENDPOINT,),
    EventType.ADJUDICATION_DECIDED: (_ENDPOINT,),
    EventType.ADVERSE_EVENT_REPORTED: (_evaluate,),
    EventType.ADVERSE_EVENT_UPDATED: (_evaluate,),
    EventType.ADVERSE_EVENT_UPGRADED: (_evaluate,),
    EventType.ADVERSE_EVENT_NULLIFIED: (_evaluate,),
}

REMINDERS: tuple[Sweep, ...] = (deadlines.remind,)
"""Run every five seconds: deadlines that draw near or have passed."""

OVERDUE: tuple[Sweep, ...] = (overdue.announce_overdue,)
"""Run every minute: what should have been recorded by now."""

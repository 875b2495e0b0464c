"""Deadlines of safety reporting over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep
from services.api.core.db import SessionDep
from services.api.core.errors import BadCursor, Forbidden, NotFound, Unauthorized, responses
from services.api.core.pagination import PageDep, part
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.deadlines import rules, service
from services.api.deadlines.models import SafetyDeadline
from services.api.deadlines.schemas import (
    DeadlineId,
    DeadlineLinks,
    DeadlinePage,
    DeadlineQuery,
    DeadlineRead,
)

router = Router(prefix="/v1/safety/deadlines", tags=["deadlines"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_DEADLINES))]


def _read(row: SafetyDeadline, now: datetime) -> DeadlineRead:
    state = rules.state(row.due_at, row.met_at, row.lapsed_at, now)
    here, event = f"/v1/safety/deadlines/{row.id}", f"/v1/adverse-events/{row.event_id}"
    links = DeadlineLinks(
        self=here,
        versions=f"{here}/versions",
        subject=f"/v1/subjects/{row.subject_id}",
        adverse_event=event,
        submissions=f"{event}/submissions",
    )
    return DeadlineRead.model_validate(
        {
            **row.model_dump(),
            "state": state,
            "late": rules.late(row.due_at, row.met_at, row.lapsed_at, now),
            "links": links,
        }
    )


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_deadlines(
    caller: Reader,
    session: SessionDep,
    clock: ClockDep,
    asked: Annotated[DeadlineQuery, Query()],
) -> DeadlinePage:
    """Reports that are owed at your sites, and those that were, in the order of their opening.

    Nothing disappears: a deadline that was met or has lapsed stays, with when
    and why.
    """
    rows, cursor = service.list_deadlines(session, caller, clock, asked)
    now = clock.now()
    return DeadlinePage(items=[_read(row, now) for row in rows], next_cursor=cursor)


@router.get("/{deadline_id}", responses=responses(*ONE))
def read_deadline(
    deadline_id: DeadlineId, caller: Reader, session: SessionDep, clock: ClockDep
) -> DeadlineRead:
    """One deadline as it is now."""
    return _read(service.get_deadline(session, caller, deadline_id), clock.now())


@router.get("/{deadline_id}/versions", responses=responses(*ONE, BadCursor))
def list_deadline_versions(
    deadline_id: DeadlineId,
    caller: Reader,
    session: SessionDep,
    clock: ClockDep,
    asked: PageDep,
) -> DeadlinePage:
    """Every version of a deadline, oldest first: how its clock was moved, met or ended."""
    versions = service.deadline_versions(session, caller, deadline_id)
    rows, cursor = part(versions, lambda row: row.version, asked)
    now = clock.now()
    return DeadlinePage(items=[_read(row, now) for row in rows], next_cursor=cursor)

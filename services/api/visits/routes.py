"""Visits over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.pagination import PageDep, part
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.enrolment.errors import (
    AfterLeaving,
    BeforeConsent,
    NoConsent,
    SubjectClosed,
)
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.visits import service
from services.api.visits.errors import NoSchedule, VisitHasGradings
from services.api.visits.rules import asks_for_grading
from services.api.visits.schemas import (
    DateRange,
    SubjectVisitPage,
    SubjectVisitRead,
    VisitCode,
    VisitList,
    VisitPut,
    VisitQuery,
    VisitRead,
)

router = Router(prefix="/v1", tags=["visits"])
ONE = (Unauthorized, Forbidden, NotFound)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)

VisitReader = Annotated[Principal, Depends(require(Action.READ_VISITS))]


def _visits(
    session: SessionDep, caller: Principal, visits: Sequence[service.Scheduled]
) -> list[VisitRead]:
    """Visits of one subject, as the caller sees them."""
    awaiting = {code for _, code in service.awaiting_grading(session, caller, visits)}
    return [VisitRead(**_fields(visit, awaits_grading=visit.code in awaiting)) for visit in visits]


def _fields(visit: service.Scheduled, *, awaits_grading: bool) -> dict[str, Any]:
    planned, recorded = visit.planned, visit.recorded
    return {
        "code": visit.code,
        "label": planned.label if planned else visit.code,
        "planned_on": planned.planned_on if planned else None,
        "window": DateRange(from_=planned.window_from, to=planned.window_to) if planned else None,
        "status": visit.status,
        "date": recorded.visited_on if recorded else None,
        "missed_reason": recorded.missed_reason if recorded else None,
        "flags": list(visit.flags),
        "graded": asks_for_grading(planned),
        "awaits_grading": awaits_grading,
        "reason": recorded.reason if recorded else None,
        "version": recorded.version if recorded else 0,
    }


@router.get("/visits", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_all_visits(
    caller: VisitReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: Annotated[VisitQuery, Query()],
) -> SubjectVisitPage:
    """Visits of all subjects of your sites: what is due today, what is overdue, what comes.

    Filter by status (one or more), site, the range of planned days, and whether
    a grading is awaited: `?awaits_grading=true` lists those that took place and
    are still to be graded. Visits come by subject in the order of enrolment, then
    by planned day; those that left their schedule have no planned day, come last
    and are in no range.
    """
    rows, cursor = service.list_visits(session, caller, clock, protocol, asked)
    items = [
        SubjectVisitRead(
            subject_id=row.subject_id,
            number=row.number,
            site=row.site,
            **_fields(row.visit, awaits_grading=row.awaits_grading),
        )
        for row in rows
    ]
    return SubjectVisitPage(items=items, next_cursor=cursor)


@router.get("/subjects/{subject_id}/visits", responses=responses(*ONE, BadCursor))
def list_visits(
    subject_id: SubjectId,
    caller: VisitReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    asked: PageDep,
) -> VisitList:
    """The subject's schedule, which follows the planned and then the actual radiotherapy.

    Windows are local days, both ends included. They move with the first and the last
    fraction once those are recorded; a visit that took place keeps what was written.
    """
    subject = get_subject(session, caller, subject_id)
    visits = service.schedule(session, clock, protocol, subject)
    shown, cursor = part(visits, lambda visit: visit.code, asked)
    return VisitList(items=_visits(session, caller, shown), next_cursor=cursor)


@router.get("/subjects/{subject_id}/visits/{code}", responses=responses(*ONE))
def read_visit(
    subject_id: SubjectId,
    code: VisitCode,
    caller: VisitReader,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> VisitRead:
    """One visit as scheduled and as recorded."""
    subject = get_subject(session, caller, subject_id)
    visit = service.get_visit(session, clock, protocol, subject, code)
    return _visits(session, caller, [visit])[0]


@router.put(
    "/subjects/{subject_id}/visits/{code}",
    responses=responses(
        *CHANGES,
        SubjectClosed,
        NoConsent,
        BeforeConsent,
        AfterLeaving,
        NoSchedule,
        VisitHasGradings,
    ),
)
def record_visit(
    subject_id: SubjectId,
    code: VisitCode,
    given: VisitPut,
    caller: Annotated[Principal, Depends(require(Action.RECORD_VISIT))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> VisitRead:
    """Record the day a visit took place, or why it was missed.

    The day may be any from the first consent until the subject left the study;
    what is unusual about it is flagged and never refused.
    """
    visit = service.record_visit(
        session, caller, clock, protocol, subject_id, code, expected, given
    )
    return _visits(session, caller, [visit])[0]

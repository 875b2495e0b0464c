"""Submissions of safety reports over HTTP."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Depends

from services.api.adverse_events.schemas import EventId
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
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import MERGE_PATCH, Router
from services.api.submissions import service
from services.api.submissions.errors import (
    AlreadyReported,
    EventNullified,
    NoInitialReport,
    NotNullified,
    NotSerious,
    Withdrawn,
)
from services.api.submissions.schemas import (
    SubmissionCreate,
    SubmissionId,
    SubmissionPage,
    SubmissionPatch,
    SubmissionRead,
)

router = Router(prefix="/v1/adverse-events/{event_id}/submissions", tags=["submissions"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_SUBMISSIONS))]
Recorder = Annotated[Principal, Depends(require(Action.RECORD_SUBMISSION))]


@router.get("", responses=responses(*ONE, BadCursor))
def list_submissions(
    event_id: EventId, caller: Reader, session: SessionDep, asked: PageDep
) -> SubmissionPage:
    """What was reported of the event's case, and to whom, in the order of recording."""
    rows, cursor = service.list_submissions(session, caller, event_id, asked)
    items = [SubmissionRead.model_validate(row.model_dump()) for row in rows]
    return SubmissionPage(items=items, next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        *ONE,
        NotSerious,
        EventNullified,
        NotNullified,
        NoInitialReport,
        AlreadyReported,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def record_submission(
    event_id: EventId,
    given: SubmissionCreate,
    caller: Recorder,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> SubmissionRead:
    """Record that an event's case was reported; the deadlines that it meets are met.

    Each recipient first gets an initial report, and later ones as follow-ups.
    """
    row = service.record(session, caller, clock, protocol, event_id, given)
    return SubmissionRead.model_validate(row.model_dump())


@router.get("/{submission_id}", responses=responses(*ONE))
def read_submission(
    event_id: EventId, submission_id: SubmissionId, caller: Reader, session: SessionDep
) -> SubmissionRead:
    """One submission in its current version."""
    row = service.get_submission(session, caller, event_id, submission_id)
    return SubmissionRead.model_validate(row.model_dump())


@router.patch(
    "/{submission_id}",
    responses=responses(*ONE, Withdrawn, NoInitialReport, StaleVersion, Invalid, IfMatchMissing),
)
def correct_submission(
    event_id: EventId,
    submission_id: SubmissionId,
    patch: Annotated[SubmissionPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Recorder,
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> SubmissionRead:
    """Correct when a report was sent or how it was acknowledged, or withdraw the record of it.

    A deadline that only a withdrawn submission had met is open again.
    """
    row = service.correct(
        session, caller, clock, protocol, event_id, submission_id, expected, patch
    )
    return SubmissionRead.model_validate(row.model_dump())

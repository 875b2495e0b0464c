"""Freezing and locking over HTTP."""

from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import (
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.enrolment.schemas import SubjectId
from services.api.locks import service
from services.api.locks.errors import AlreadyInState, ReviewOpen
from services.api.locks.models import StudyLock, SubjectLock
from services.api.locks.rules import LockState
from services.api.locks.schemas import LockPut, LockRead

router = Router(prefix="/v1", tags=["locks"])
CHANGES = (AlreadyInState, ReviewOpen, Invalid, StaleVersion, IfMatchMissing)

Reader = Annotated[Principal, Depends(require(Action.READ_LOCKS))]
Locker = Annotated[Principal, Depends(require(Action.SET_LOCK))]


def _read(row: SubjectLock | StudyLock | None) -> LockRead:
    if row is None:
        return LockRead(version=0, state=LockState.OPEN, since=None, by=None, reason=None)
    return LockRead(
        version=row.version,
        state=LockState(row.state),
        since=row.recorded_at,
        by=row.name,
        reason=row.reason,
    )


@router.get("/subjects/{subject_id}/lock", responses=responses(Unauthorized, Forbidden, NotFound))
def read_subject_lock(subject_id: SubjectId, caller: Reader, session: SessionDep) -> LockRead:
    """Whether the subject's record is open, frozen or locked.

    The trial's own state binds it too: the stricter of the two holds.
    """
    return _read(service.read_subject_lock(session, caller, subject_id))


@router.put(
    "/subjects/{subject_id}/lock",
    responses=responses(Unauthorized, Forbidden, NotFound, *CHANGES),
)
def set_subject_lock(
    subject_id: SubjectId, given: LockPut, caller: Locker, expected: IfMatch, session: SessionDep
) -> LockRead:
    """Freeze or lock the subject's record, or open it again; every change says why.

    A locked record is changed by nobody, not by the service itself: PostgreSQL
    refuses. It is locked only when no query about it and no adjudication is left.
    """
    return _read(service.set_subject_lock(session, caller, subject_id, expected, given))


@router.get("/study/lock", responses=responses(Unauthorized, Forbidden))
def read_study_lock(_: Reader, session: SessionDep) -> LockRead:
    """Whether the trial is open, frozen or locked, for every subject at once.

    It binds every subject; a subject's own state may be stricter.
    """
    return _read(service.read_study_lock(session))


@router.put("/study/lock", responses=responses(Unauthorized, Forbidden, *CHANGES))
def set_study_lock(
    given: LockPut, caller: Locker, expected: IfMatch, session: SessionDep
) -> LockRead:
    """Freeze or lock the trial, or open it again: every subject's record, and enrolment.

    It is locked only when no query and no adjudication in the trial is left.
    """
    return _read(service.set_study_lock(session, caller, expected, given))

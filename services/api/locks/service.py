"""Freezing and locking: the only user of its tables.

The states are read by triggers of every clinical table, so nothing here is
asked before a write: see `refuse_locked` in the revision `data_review`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.api.adjudications import service as adjudications
from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.db import because
from services.api.core.etag import check_version
from services.api.core.records import latest
from services.api.enrolment import service as enrolment
from services.api.locks import rules
from services.api.locks.errors import AlreadyInState, ReviewOpen
from services.api.locks.models import StudyLock, SubjectLock
from services.api.locks.rules import LockState
from services.api.locks.schemas import LockPut
from services.api.queries import service as queries


def read_subject_lock(session: Session, caller: Principal, subject_id: UUID) -> SubjectLock | None:
    """The last change of what may be written about a subject, None while there was none.

    Raises:
        NotFound: no such subject at the caller's sites.
    """
    subject = enrolment.get_subject(session, caller, subject_id)
    found: SubjectLock | None = latest(session, SubjectLock, subject_id=subject.id)
    return found


def read_study_lock(session: Session) -> StudyLock | None:
    """The last change of what may be written about any subject, None while there was none."""
    remember_read(session)
    return _study_lock(session)


def _study_lock(session: Session) -> StudyLock | None:
    found: StudyLock | None = latest(session, StudyLock)
    return found


def set_subject_lock(
    session: Session, caller: Principal, subject_id: UUID, expected: int, given: LockPut
) -> SubjectLock:
    """Freeze, lock or open a subject's record.

    The subject's row is locked first: whatever was being written about the
    subject is done by then, and what comes after finds the new state.

    Raises:
        NotFound: no such subject at the caller's sites.
        StaleVersion, AlreadyInState.
        ReviewOpen: a query about the subject is not closed, or an adjudication not decided.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    before = latest(session, SubjectLock, subject_id=subject.id)
    version = _next_version(before, expected, given)
    if rules.must_be_settled(given.state):
        _require_settled(session, [subject.site], subject.id)
    row = SubjectLock(site=subject.site, subject_id=subject.id, **_columns(caller, version, given))
    _store(session, row)
    return row


def set_study_lock(session: Session, caller: Principal, expected: int, given: LockPut) -> StudyLock:
    """Freeze, lock or open the trial: every subject's record, and enrolment.

    The trial's advisory lock is taken first, which every clinical write shares
    until it commits; so what was being written is done by then, and what comes
    after finds the new state.

    Raises:
        StaleVersion, AlreadyInState.
        ReviewOpen: a query in the trial is not closed, or an adjudication not decided.
    """
    session.connection().exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('study_lock'), 0)")
    version = _next_version(_study_lock(session), expected, given)
    if rules.must_be_settled(given.state):
        _require_settled(session, caller.sites)
    row = StudyLock(**_columns(caller, version, given))
    _store(session, row)
    return row


def _next_version(before: SubjectLock | StudyLock | None, expected: int, given: LockPut) -> int:
    version = before.version if before else 0
    check_version(expected, version)
    state = LockState(before.state) if before else LockState.OPEN
    if not rules.may_move(state, given.state):
        raise AlreadyInState
    return version + 1


def _require_settled(
    session: Session, sites: Sequence[str], subject_id: UUID | None = None
) -> None:
    asked = queries.open_count(session, sites, subject_id)
    disputed = adjudications.open_count(session, sites, subject_id)
    if asked or disputed:
        raise ReviewOpen(rules.what_is_left(asked, disputed))


def _columns(caller: Principal, version: int, given: LockPut) -> dict[str, Any]:
    return {
        "version": version,
        "state": given.state.value,
        "reason": given.reason,
        "recorded_by": caller.id,
        "name": caller.name,
    }


def _store(session: Session, row: SubjectLock | StudyLock) -> None:
    because(session, row.reason)
    session.add(row)
    session.flush()

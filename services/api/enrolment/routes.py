"""Subjects, consents, radiotherapy and deviations over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body as JsonBody
from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep, SettingsDep
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
from services.api.enrolment import service
from services.api.enrolment.errors import (
    AfterLeaving,
    AlreadyConsented,
    AlreadyWithdrawn,
    ConsentVersionNotApproved,
    DuplicateSubject,
    MoveNotAllowed,
    SubjectClosed,
)
from services.api.enrolment.models import Consent, ConsentWithdrawal
from services.api.enrolment.schemas import (
    ConsentCreate,
    ConsentId,
    ConsentPage,
    ConsentRead,
    SubjectCreate,
    SubjectId,
    SubjectLinks,
    SubjectPage,
    SubjectPatch,
    SubjectQuery,
    SubjectRead,
    WithdrawalCreate,
    WithdrawalRead,
)
from services.api.study.errors import ProtocolNotApproved, SiteNotActive

router = Router(prefix="/v1/subjects")
ONE = (Unauthorized, Forbidden, NotFound)
CREATES = (*ONE, Invalid, *KEY_REFUSALS)
CHANGES = (*ONE, Invalid, StaleVersion, IfMatchMissing)


def _subject(row: Mapping[str, Any]) -> SubjectRead:
    return SubjectRead.model_validate({**row, "links": SubjectLinks.of(row["id"])})


def _consent(row: Consent, withdrawal: ConsentWithdrawal | None) -> ConsentRead:
    ended = WithdrawalRead.model_validate(withdrawal) if withdrawal else None
    return ConsentRead.model_validate({**row.model_dump(), "withdrawal": ended})


@router.get("", tags=["enrolment"], responses=responses(Unauthorized, Forbidden, BadCursor))
def list_subjects(
    caller: Annotated[Principal, Depends(require(Action.READ_SUBJECTS))],
    session: SessionDep,
    asked: Annotated[SubjectQuery, Query()],
) -> SubjectPage:
    """Subjects of your sites, in the order of their enrolment.

    Filter by `site`, `status` or `number`. Nobody is named: a subject is a number, a sex
    and a year of birth.
    """
    rows, cursor = service.list_subjects(session, caller, asked)
    return SubjectPage(items=[_subject(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    tags=["enrolment"],
    dependencies=[Depends(Once())],
    responses=responses(
        Unauthorized,
        Forbidden,
        SiteNotActive,
        ProtocolNotApproved,
        DuplicateSubject,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def create_subject(
    person: SubjectCreate,
    caller: Annotated[Principal, Depends(require(Action.CREATE_SUBJECT))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    settings: SettingsDep,
) -> SubjectRead:
    """Enter a person into screening; the answer holds the subject number.

    The site must be recruiting: an approval of the protocol's version in force is on
    record. Send `national_id` where the site asks for it: only a keyed digest is kept, and
    a person who is known at any site is refused with `duplicate_subject`, which says no
    more.
    """
    subject = service.screen(session, caller, clock, protocol, settings.person_key, person)
    return _subject(subject.model_dump())


@router.get("/{subject_id}", tags=["enrolment"], responses=responses(*ONE))
def read_subject(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_SUBJECTS))],
    session: SessionDep,
) -> SubjectRead:
    """One subject, with links to everything recorded about them.

    `links` lead to every record of the subject; most exist before anything is written
    there, with version 0.
    """
    return _subject(service.read_subject(session, caller, subject_id))


@router.patch("/{subject_id}", tags=["enrolment"], responses=responses(*CHANGES, MoveNotAllowed))
def change_subject(
    subject_id: SubjectId,
    patch: Annotated[SubjectPatch, JsonBody(media_type=MERGE_PATCH)],
    caller: Annotated[Principal, Depends(require(Action.CHANGE_SUBJECT))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
) -> SubjectRead:
    """Correct sex or year of birth, or set a status that a person may set.

    Most statuses follow from what is recorded and cannot be set. `died`, `withdrawn` and
    `lost_to_follow_up` end the subject's part for good: better record a discontinuation,
    which also keeps the day and the cause.
    """
    subject = service.change_subject(session, caller, clock, subject_id, expected, patch)
    return _subject(subject.model_dump())


@router.get("/{subject_id}/consents", tags=["enrolment"], responses=responses(*ONE, BadCursor))
def list_consents(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_CONSENTS))],
    session: SessionDep,
    asked: PageDep,
) -> ConsentPage:
    """The consents a subject signed, and which were withdrawn."""
    rows, ended, cursor = service.list_consents(session, caller, subject_id, asked)
    items = [_consent(row, ended.get(row.id)) for row in rows]
    return ConsentPage(items=items, next_cursor=cursor)


@router.post(
    "/{subject_id}/consents",
    status_code=201,
    tags=["enrolment"],
    dependencies=[Depends(Once())],
    responses=responses(
        *CREATES, SubjectClosed, AfterLeaving, ConsentVersionNotApproved, AlreadyConsented
    ),
)
def record_consent(
    subject_id: SubjectId,
    signed: ConsentCreate,
    caller: Annotated[Principal, Depends(require(Action.RECORD_CONSENT))],
    session: SessionDep,
    clock: ClockDep,
) -> ConsentRead:
    """Record a signed informed consent.

    The version must be one that the site's ethics committee approved. Nothing is observed
    of a subject before it, and nobody is randomized without it; where several were signed,
    the last one counts.
    """
    return _consent(service.record_consent(session, caller, clock, subject_id, signed), None)


@router.post(
    "/{subject_id}/consents/{consent_id}/withdrawal",
    status_code=201,
    tags=["enrolment"],
    dependencies=[Depends(Once())],
    responses=responses(*CREATES, AlreadyWithdrawn, AfterLeaving),
)
def withdraw_consent(
    subject_id: SubjectId,
    consent_id: ConsentId,
    withdrawal: WithdrawalCreate,
    caller: Annotated[Principal, Depends(require(Action.RECORD_CONSENT))],
    session: SessionDep,
    clock: ClockDep,
) -> ConsentRead:
    """Record that a subject withdrew consent, which ends their part in the trial.

    Of a subject who is known to have died since, the status stays.
    """
    return _consent(
        *service.withdraw_consent(session, caller, clock, subject_id, consent_id, withdrawal)
    )

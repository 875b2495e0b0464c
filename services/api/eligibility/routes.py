"""Eligibility and its signature over HTTP."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    StaleVersion,
    TooManyRequests,
    Unauthorized,
    responses,
)
from services.api.core.etag import IfMatch
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.eligibility import service
from services.api.eligibility.errors import CannotSign, EligibilityClosed, EvaluationChanged
from services.api.eligibility.models import EligibilityEvaluation, EligibilitySignature
from services.api.eligibility.rules import EligibilityOverall
from services.api.eligibility.schemas import (
    CriterionRead,
    EligibilityPut,
    EligibilityRead,
    EligibilitySignatureCreate,
    EligibilitySignatureRead,
)
from services.api.enrolment.schemas import SubjectId
from services.api.enrolment.service import get_subject
from services.api.identity.errors import ReauthenticationFailed
from services.api.protocol.schema import Protocol
from services.api.signatures.errors import AlreadySigned, PeopleOnly
from services.api.signatures.service import shown

router = Router(prefix="/v1/subjects/{subject_id}/eligibility", tags=["eligibility"])
ONE = (Unauthorized, Forbidden, NotFound)


def _signature(
    row: EligibilitySignature, current: EligibilityEvaluation
) -> EligibilitySignatureRead:
    return EligibilitySignatureRead.model_validate(
        {**shown(row, current), "evaluation_hash": row.content_hash}
    )


def _read(recorded: service.Recorded | None, protocol: Protocol) -> EligibilityRead:
    if recorded is None:
        return EligibilityRead(
            overall=EligibilityOverall.INCOMPLETE,
            evaluation_hash=None,
            facts={},
            normalised={},
            criteria=[],
            unknown_facts=[fact.id for fact in protocol.eligibility.facts],
            stale_facts=[],
            evaluated_on=None,
            signature=None,
            protocol_version=protocol.version,
            reason=None,
            version=0,
        )
    row, today, last = recorded.row, recorded.today, recorded.last_signature
    return EligibilityRead.model_validate(
        {
            **row.model_dump(),
            "criteria": [CriterionRead.model_validate(asdict(one)) for one in today.criteria],
            "overall": today.overall,
            "unknown_facts": list(today.unknown_facts),
            "stale_facts": list(today.stale_facts),
            "signature": _signature(last, row) if last else None,
        }
    )


@router.get("", responses=responses(*ONE))
def read_eligibility(
    subject_id: SubjectId,
    caller: Annotated[Principal, Depends(require(Action.READ_ELIGIBILITY))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> EligibilityRead:
    """The recorded facts and what each criterion says of them today.

    Laboratory values and the ECG grow stale after the screening window: then
    the facts listed in `stale_facts` have to be given anew.
    """
    subject = get_subject(session, caller, subject_id)
    return _read(service.current(session, clock, protocol, subject), protocol)


@router.put(
    "",
    responses=responses(*ONE, EligibilityClosed, StaleVersion, Invalid, IfMatchMissing),
)
def record_eligibility(
    subject_id: SubjectId,
    given: EligibilityPut,
    caller: Annotated[Principal, Depends(require(Action.RECORD_ELIGIBILITY))],
    expected: IfMatch,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> EligibilityRead:
    """Record the facts of screening and get every criterion's verdict.

    Units are converted; a fact that is left out makes its criteria `unknown`.
    New facts make a new version, which has to be signed anew.
    """
    recorded = service.record(session, caller, clock, protocol, subject_id, expected, given)
    return _read(recorded, protocol)


@router.post(
    "/signature",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        Unauthorized,
        Forbidden,
        PeopleOnly,
        ReauthenticationFailed,
        TooManyRequests,
        NotFound,
        EligibilityClosed,
        EvaluationChanged,
        AlreadySigned,
        CannotSign,
        Invalid,
        *KEY_REFUSALS,
    ),
)
def sign_eligibility(
    subject_id: SubjectId,
    given: EligibilitySignatureCreate,
    caller: Annotated[Principal, Depends(require(Action.SIGN_ELIGIBILITY))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> EligibilitySignatureRead:
    """Sign the current evaluation as an investigator, with your password once more.

    Your first signature of a session takes the code of your second factor
    too, if you have one; for those after it either is enough.
    """
    return _signature(*service.sign(session, caller, clock, protocol, subject_id, given))

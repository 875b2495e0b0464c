"""Errors made in randomization over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import (
    BadCursor,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    responses,
)
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.corrections import service
from services.api.corrections.errors import AlreadyPaired, NothingToCorrect, SameStratum
from services.api.corrections.rules import CorrectionKind
from services.api.corrections.schemas import (
    CorrectionCreate,
    CorrectionPage,
    CorrectionQuery,
    CorrectionRead,
)
from services.api.enrolment.schemas import SubjectId
from services.api.randomization.service import levels

router = Router(prefix="/v1", tags=["corrections"])
ONE = (Unauthorized, Forbidden, NotFound)

Reader = Annotated[Principal, Depends(require(Action.READ_CORRECTIONS))]
Levels = Mapping[str, dict[str, bool | str]]


def _read(row: Mapping[str, Any], strata: Levels) -> CorrectionRead:
    of_stratum = row["kind"] == CorrectionKind.WRONG_STRATUM
    stratum, used = (strata[row[name]] if of_stratum else None for name in ("stratum", "used"))
    return CorrectionRead.model_validate({**row, "stratum": stratum, "stratum_used": used})


@router.get(
    "/subjects/{subject_id}/randomization/corrections", responses=responses(*ONE, BadCursor)
)
def list_subject_corrections(
    subject_id: SubjectId, caller: Reader, session: SessionDep, asked: PageDep
) -> CorrectionPage:
    """What is known to have gone wrong when the subject was randomized.

    The allocation itself stands as it was drawn; of a wrong stratum the
    latest correction counts. Empty as long as nothing is recorded.
    """
    rows, cursor = service.list_of_subject(session, caller, subject_id, asked)
    strata = levels(session)
    return CorrectionPage(items=[_read(row, strata) for row in rows], next_cursor=cursor)


@router.post(
    "/subjects/{subject_id}/randomization/corrections",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(*ONE, NothingToCorrect, SameStratum, AlreadyPaired, Invalid, *KEY_REFUSALS),
)
def record_correction(
    subject_id: SubjectId,
    given: CorrectionCreate,
    caller: Annotated[Principal, Depends(require(Action.RECORD_CORRECTION))],
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
) -> CorrectionRead:
    """Record an error made in randomization; nothing is undone.

    The subject keeps the allocation and stays in the trial. `wrong_stratum`
    records the correct factor values beside the ones used; `ineligible` names
    the criteria that were not met; `duplicate` joins two subjects who are the
    same person, and the first allocation is retained. Each is a protocol
    deviation too, and none is taken back; of a wrong stratum the latest counts.
    """
    row = service.record(session, caller, clock, protocol, subject_id, given)
    return _read(row, levels(session))


@router.get("/randomization/corrections", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_corrections(
    caller: Reader, session: SessionDep, asked: Annotated[CorrectionQuery, Query()]
) -> CorrectionPage:
    """Errors made in randomization at your sites, oldest first.

    A duplicate has a record at each of its two subjects; you see those of
    your sites.
    """
    rows, cursor = service.list_corrections(session, caller, asked)
    strata = levels(session)
    return CorrectionPage(items=[_read(row, strata) for row in rows], next_cursor=cursor)

"""Randomization over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query

from services.api.core.auth import Principal, open_to_all, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import BadCursor, Forbidden, NotFound, Unauthorized, responses
from services.api.core.idempotency import REFUSALS as KEY_REFUSALS
from services.api.core.idempotency import Once
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.enrolment.schemas import SubjectId
from services.api.randomization import service
from services.api.randomization.errors import (
    AlreadyRandomized,
    ListAbsent,
    ListUnavailable,
    NotRandomized,
    NotReady,
    RecruitmentComplete,
)
from services.api.randomization.schemas import (
    CommitmentRead,
    ProofPage,
    ProofRead,
    RandomizationPage,
    RandomizationQuery,
    RandomizationRead,
)
from services.api.randomization.secret import SecretDep

router = Router(prefix="/v1", tags=["randomization"])

Reader = Annotated[Principal, Depends(require(Action.READ_RANDOMIZATION))]
Prover = Annotated[Principal, Depends(require(Action.READ_PROOF))]
Randomizer = Annotated[Principal, Depends(require(Action.RANDOMIZE))]


def _read(row: Mapping[str, Any], levels: dict[str, dict[str, bool | str]]) -> RandomizationRead:
    return RandomizationRead.model_validate({**row, "stratum": levels[row["stratum"]]})


@router.post(
    "/subjects/{subject_id}/randomization",
    status_code=201,
    dependencies=[Depends(Once(forever=True))],
    responses=responses(
        Unauthorized,
        Forbidden,
        NotFound,
        NotReady,
        AlreadyRandomized,
        RecruitmentComplete,
        ListAbsent,
        ListUnavailable,
        *KEY_REFUSALS,
    ),
)
def randomize(
    subject_id: SubjectId,
    caller: Randomizer,
    session: SessionDep,
    clock: ClockDep,
    protocol: ProtocolDep,
    secret: SecretDep,
) -> RandomizationRead:
    """Allocate the subject to an arm.

    The subject needs a consent in force, an eligible evaluation signed by an
    investigator, and a radiotherapy plan whose first fraction is not yet
    delivered; what is missing is named in `errors`. Send the same
    Idempotency-Key when you retry: it always gives the same allocation.
    """
    row, stratum = service.randomize(session, caller, clock, protocol, secret, subject_id)
    return _read(row.model_dump(), {stratum.code: dict(stratum.levels)})


@router.get(
    "/subjects/{subject_id}/randomization",
    responses=responses(Unauthorized, Forbidden, NotFound, NotRandomized),
)
def read_randomization(
    subject_id: SubjectId, caller: Reader, session: SessionDep
) -> RandomizationRead:
    """The subject's allocation; assessors receive it without the arm.

    The arm tells the treatment: show it to nobody who grades.
    """
    row = service.read_allocation(session, caller, subject_id)
    return _read(row, service.levels(session))


@router.get("/randomizations", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_randomizations(
    caller: Reader, session: SessionDep, asked: Annotated[RandomizationQuery, Query()]
) -> RandomizationPage:
    """Allocations at your sites, oldest first."""
    rows, cursor = service.list_allocations(session, caller, asked)
    levels = service.levels(session)
    return RandomizationPage(items=[_read(row, levels) for row in rows], next_cursor=cursor)


@router.get(
    "/randomization/commitment",
    dependencies=[Depends(open_to_all(Action.READ_COMMITMENT))],
    responses=responses(NotFound),
)
def read_commitment(session: SessionDep) -> CommitmentRead:
    """What was published of the randomization list before the first allocation.

    Anyone may keep it: it later proves that the list was fixed beforehand.
    """
    row = service.commitment(session)
    return CommitmentRead.model_validate({**row.model_dump(), "root": row.root.hex()})


def _proof(proof: service.Proof) -> ProofRead:
    row = proof.allocation
    return ProofRead(
        subject_id=row.subject_id,
        randomization_number=row.randomization_number,
        randomized_at=row.randomized_at,
        stratum_code=row.stratum,
        seq=row.seq,
        arm=row.arm,
        salt=proof.salt.hex(),
        leaf_index=proof.leaf_index,
        path=[one.hex() for one in proof.path],
        root=proof.root.hex(),
    )


@router.get(
    "/subjects/{subject_id}/randomization/proof",
    responses=responses(
        Unauthorized, Forbidden, NotFound, NotRandomized, ListAbsent, ListUnavailable
    ),
)
def read_proof(
    subject_id: SubjectId, caller: Prover, session: SessionDep, secret: SecretDep
) -> ProofRead:
    """What shows, with the published commitment alone, that the allocation is the list's.

    `tools/verify_randomization.py` checks it offline.
    """
    return _proof(service.proof(session, caller, secret, subject_id))


@router.get(
    "/randomization/proofs",
    responses=responses(Unauthorized, Forbidden, BadCursor, ListAbsent, ListUnavailable),
)
def list_proofs(
    caller: Prover, session: SessionDep, secret: SecretDep, asked: PageDep
) -> ProofPage:
    """The proofs of all allocations so far, oldest first."""
    rows, cursor = service.list_proofs(session, caller, secret, asked)
    return ProofPage(items=[_proof(row) for row in rows], next_cursor=cursor)

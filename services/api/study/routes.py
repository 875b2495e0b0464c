"""What the trial is, where it takes place, and which protocol it follows."""

from typing import Annotated

from fastapi import Depends, Path

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
from services.api.core.pagination import PageDep, part
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.study import service
from services.api.study.errors import AlreadyActivated
from services.api.study.models import ProtocolVersion, Site
from services.api.study.schemas import (
    ActivationCreate,
    ActivationPage,
    ActivationRead,
    ProtocolVersionList,
    ProtocolVersionRead,
    ProtocolVersionSummary,
    SiteList,
    SiteRead,
    StudyRead,
)

router = Router(tags=["study"])

Reader = Annotated[Principal, Depends(require(Action.READ_STUDY))]
SiteCode = Annotated[
    str,
    Path(
        pattern=r"^[A-Z]{2,4}$",
        description="The hospital's code, as the list gives it.",
        examples=["NN"],
    ),
]


@router.get("/v1/study", responses=responses(Unauthorized))
async def read_study(_: Reader, protocol: ProtocolDep) -> StudyRead:
    """The trial's registry facts, arms and outcomes.

    The protocol in force says more: `GET /v1/protocol-versions/{version}`.
    """
    return StudyRead.model_validate(
        {
            **protocol.study.model_dump(),
            "arms": protocol.arms,
            "protocol_version": protocol.version,
        }
    )


@router.get("/v1/sites", responses=responses(Unauthorized, BadCursor))
def list_sites(
    _: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: PageDep
) -> SiteList:
    """The trial's hospitals and whether each may recruit.

    A site recruits once an approval of the protocol's version in force is on record and its
    day has come.
    """
    sites, cursor = part(service.list_sites(session), lambda site: site.code, asked)
    items = [_site(session, site, clock, protocol) for site in sites]
    return SiteList(items=items, next_cursor=cursor)


@router.get("/v1/sites/{code}", responses=responses(Unauthorized, NotFound))
def read_site(
    code: SiteCode, _: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep
) -> SiteRead:
    """One hospital."""
    return _site(session, service.get_site(session, code), clock, protocol)


def _site(session: SessionDep, site: Site, clock: ClockDep, protocol: ProtocolDep) -> SiteRead:
    recruiting = bool(
        service.of_version(service.approvals(session, site.code, clock.today()), protocol)
    )
    return SiteRead(code=site.code, name=site.name, city=site.city, recruiting=recruiting)


@router.get("/v1/protocol-versions", responses=responses(Unauthorized, BadCursor))
def list_protocol_versions(_: Reader, session: SessionDep, asked: PageDep) -> ProtocolVersionList:
    """Every published protocol version with its SHA-256."""
    rows, cursor = part(service.list_versions(session), lambda row: row.version, asked)
    items = [ProtocolVersionSummary.model_validate(row) for row in rows]
    return ProtocolVersionList(items=items, next_cursor=cursor)


@router.get("/v1/protocol-versions/{version}", responses=responses(Unauthorized, NotFound))
def read_protocol_version(
    version: Annotated[
        str,
        Path(
            pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$",
            description="The version, as records name it.",
            examples=["1.0"],
        ),
    ],
    _: Reader,
    session: SessionDep,
) -> ProtocolVersionRead:
    """A protocol version: eligibility facts and criteria, visits, scales, rules, assumptions.

    A screening form asks `eligibility.facts`; a front end takes units, choices and limits
    from there and not from its own code. `sha256` shows that the document is the one that
    was approved.
    """
    return _protocol(service.get_version(session, version))


def _protocol(row: ProtocolVersion) -> ProtocolVersionRead:
    return ProtocolVersionRead(
        version=row.version,
        sha256=row.sha256,
        published_at=row.published_at,
        document=row.document,
        eligibility=row.document["eligibility"],
        assumptions=row.document["assumptions"],
    )


@router.get(
    "/v1/sites/{code}/activations",
    responses=responses(Unauthorized, Forbidden, NotFound, BadCursor),
)
def list_activations(
    code: SiteCode,
    _: Annotated[Principal, Depends(require(Action.READ_ACTIVATIONS))],
    session: SessionDep,
    asked: PageDep,
) -> ActivationPage:
    """The ethics approvals recorded for a site."""
    rows, cursor = service.list_activations(session, code, asked)
    return ActivationPage(
        items=[ActivationRead.model_validate(row) for row in rows], next_cursor=cursor
    )


@router.post(
    "/v1/sites/{code}/activations",
    status_code=201,
    dependencies=[Depends(Once())],
    responses=responses(
        Unauthorized, Forbidden, NotFound, AlreadyActivated, Invalid, *KEY_REFUSALS
    ),
)
def activate_site(
    code: SiteCode,
    approval: ActivationCreate,
    caller: Annotated[Principal, Depends(require(Action.ACTIVATE_SITE))],
    session: SessionDep,
    clock: ClockDep,
) -> ActivationRead:
    """Record an ethics approval, which lets the site recruit.

    The ethics committee approved one version of the protocol and one of the consent form.
    From `approved_on` the site screens subjects under them (ICH E6(R3) 4.3.5); there is no
    way to take it back.
    """
    return ActivationRead.model_validate(service.activate(session, caller, clock, code, approval))

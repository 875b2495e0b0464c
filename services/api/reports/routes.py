"""Reports over HTTP."""

from collections import Counter
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from starlette.responses import Response

from services.api.core.auth import Principal, require
from services.api.core.context import ClockDep, ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import Forbidden, Invalid, NotFound, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.protocol.schema import Protocol
from services.api.reports import child, pages, service
from services.api.reports.arm_schemas import Endpoints, SafetyByArm
from services.api.reports.errors import ReportsBusy, ReportsNotInstalled, ReportTooSlow
from services.api.reports.schemas import (
    Agreement,
    Completeness,
    Consort,
    FormatQuery,
    RandomizationFigures,
    RandomizationReport,
    Recruitment,
    Report,
    ReportFormat,
    ReportQuery,
    SiteFigures,
)

router = Router(prefix="/v1/reports", tags=["reports"])

Reader = Annotated[Principal, Depends(require(Action.READ_REPORTS))]
ArmReader = Annotated[Principal, Depends(require(Action.READ_ARM_REPORTS))]
Asked = Annotated[ReportQuery, Query()]
How = Annotated[FormatQuery, Query()]
Told = TypeVar("Told", bound=Report)
_DRAWN = {
    ReportFormat.HTML: "text/html; charset=utf-8",
    ReportFormat.PDF: "application/pdf",
}
_DRAWINGS: dict[str, Any] = {
    "description": "As JSON, or with `format` as a page or a PDF for people.",
    "content": {
        "text/html": {"schema": {"type": "string"}},
        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
    },
}
_REFUSALS = (Unauthorized, Forbidden, Invalid, ReportsBusy, ReportTooSlow, ReportsNotInstalled)
BY_ARM: dict[int | str, dict[str, Any]] = {200: _DRAWINGS, **responses(*_REFUSALS)}
BLIND: dict[int | str, dict[str, Any]] = {200: _DRAWINGS, **responses(*_REFUSALS, NotFound)}


@router.get("/randomization", responses=responses(Unauthorized, Forbidden))
def read_randomization_report(
    caller: Annotated[Principal, Depends(require(Action.READ_RANDOMIZATION_REPORT))],
    session: SessionDep,
) -> RandomizationReport:
    """How randomization went: subjects randomized, and errors recorded since.

    For each of your sites and for them together, blind to arm.
    """
    by_site = service.randomization(session, caller)
    total: Counter[str] = Counter()
    for figures in by_site.values():
        total.update(figures)
    return RandomizationReport(
        sites=[SiteFigures(site=site, **figures) for site, figures in by_site.items()],
        total=RandomizationFigures(**total),
    )


@router.get("/recruitment", response_model=Recruitment, responses=BLIND)
def read_recruitment_report(
    caller: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: Asked
) -> Recruitment | Response:
    """Inclusions by site and week, against the target and with a forecast; blind to arm.

    Target, planned line and forecast are the trial's: they stand in the report
    over all sites only.
    """
    report = service.recruitment_of(session, caller, clock, protocol, asked.site)
    return _answer(report, protocol, asked)


@router.get("/consort", response_model=Consort, responses=BLIND)
def read_consort_report(
    caller: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: Asked
) -> Consort | Response:
    """The flow of subjects: screened, excluded and why, randomized, discontinued, analysed.

    All arms together.
    """
    report = service.consort_of(session, caller, clock, protocol, asked.site)
    return _answer(report, protocol, asked)


@router.get("/completeness", response_model=Completeness, responses=BLIND)
def read_completeness_report(
    caller: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: Asked
) -> Completeness | Response:
    """How complete each site's records are: visits, gradings, signatures, queries, locks."""
    report = service.completeness_of(session, caller, clock, protocol, asked.site)
    return _answer(report, protocol, asked)


@router.get("/agreement", response_model=Agreement, responses=BLIND)
def read_agreement_report(
    caller: Reader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: Asked
) -> Agreement | Response:
    """How well independent gradings of the same visits agree, by site and by assessor."""
    report = service.agreement_of(session, caller, clock, protocol, asked.site)
    return _answer(report, protocol, asked)


@router.get("/endpoints", response_model=Endpoints, responses=BY_ARM)
def read_endpoints_report(
    caller: ArmReader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: How
) -> Endpoints | Response:
    """The endpoints by arm, for the statistician and the data monitoring committee.

    Over the whole trial and by intention to treat; no subject is named.
    """
    report = service.endpoints_of(session, caller, clock, protocol)
    return _answer(report, protocol, asked)


@router.get("/safety-by-arm", response_model=SafetyByArm, responses=BY_ARM)
def read_safety_report(
    caller: ArmReader, session: SessionDep, clock: ClockDep, protocol: ProtocolDep, asked: How
) -> SafetyByArm | Response:
    """Adverse events by arm, for the statistician and the data monitoring committee.

    Over the whole trial and by intention to treat; no subject is named.
    """
    report = service.safety_of(session, caller, clock, protocol)
    return _answer(report, protocol, asked)


def _answer(report: Told, protocol: Protocol, asked: FormatQuery) -> Told | Response:
    """The report as JSON, or for people: that page may load nothing and run nothing."""
    if asked.format is ReportFormat.JSON:
        return report
    return Response(
        child.drawn(pages.document(report, protocol), asked.format),
        media_type=_DRAWN[asked.format],
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        },
    )

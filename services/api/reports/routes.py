"""Reports over HTTP."""

from collections import Counter
from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.db import SessionDep
from services.api.core.errors import Forbidden, Unauthorized, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.reports import service
from services.api.reports.schemas import RandomizationFigures, RandomizationReport, SiteFigures

router = Router(prefix="/v1/reports", tags=["reports"])


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

"""Health, readiness, and the pages that explain problems."""

import html

from fastapi import Depends, Path
from starlette.responses import HTMLResponse

from services.api import migrate
from services.api.core.auth import open_to_all
from services.api.core.db import SessionDep
from services.api.core.errors import ApiError, NotFound, Unavailable, responses
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.events import service as events
from services.api.randomization.secret import SecretDep
from services.api.system import service
from services.api.system.errors import NotReadyToServe
from services.api.system.schemas import Health, Readiness

router = Router(tags=["system"])

HEALTH = Depends(open_to_all(Action.READ_HEALTH))

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}
code{{background:#eee;padding:.1em .3em;border-radius:.2em}}</style></head>
<body><h1>{title}</h1><p><code>{code}</code> · HTTP status {status}</p><p>{remedy}</p>
<p><a href="/docs">API documentation</a></p></body></html>
"""


@router.get("/healthz", dependencies=[HEALTH])
async def read_health() -> Health:
    """Whether the process answers."""
    return Health()


@router.get("/readyz", dependencies=[HEALTH], responses=responses(NotReadyToServe, Unavailable))
def read_readiness(session: SessionDep, secret: SecretDep) -> Readiness:
    """Whether the service may be used.

    Checks the database, its schema revision, the role and row-level security,
    durability, and that the randomization secret makes the committed list.
    """
    failed = service.failures(session, secret)
    if failed:
        raise NotReadyToServe(errors=failed)
    feed = events.standing(session)
    return Readiness(
        revision=migrate.head(),
        feed_behind_seconds=round(feed.behind.total_seconds(), 3),
        feed_postponed=feed.postponed,
    )


@router.get(
    "/problems/{code}",
    dependencies=[Depends(open_to_all(Action.READ_DOCUMENTATION))],
    response_class=HTMLResponse,
    responses=responses(NotFound),
)
async def read_problem(
    code: str = Path(
        pattern=r"^[a-z_]{1,64}$", description="The last part of `type`.", examples=["not_ready"]
    ),
) -> str:
    """The page behind a problem's `type`: what it means and what to do next."""
    kind = ApiError.by_code.get(code)
    if kind is None:
        raise NotFound
    return PAGE.format(
        title=html.escape(kind.title()),
        code=code,
        status=kind.status,
        remedy=html.escape(kind.remedy()),
    )

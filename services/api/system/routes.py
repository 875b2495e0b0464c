"""Health, readiness, and the pages of the documentation."""

from fastapi import Depends, Path, Request
from starlette.responses import HTMLResponse, Response

from services.api import migrate
from services.api.core import etag
from services.api.core.auth import open_to_all
from services.api.core.context import ProtocolDep, SettingsDep
from services.api.core.db import SessionDep
from services.api.core.errors import ApiError, NotFound, Unavailable, responses
from services.api.core.negotiation import LanguageDep, depends_on
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.documentation import problems, viewers
from services.api.documentation.assets import Asset, asset
from services.api.documentation.description import Description
from services.api.documentation.page import Page
from services.api.events import service as events
from services.api.randomization.secret import SecretDep
from services.api.system import service
from services.api.system.errors import NotReadyToServe
from services.api.system.schemas import Health, Readiness

router = Router(tags=["system"])

HEALTH = Depends(open_to_all(Action.READ_HEALTH))
DOCUMENTATION = Depends(open_to_all(Action.READ_DOCUMENTATION))


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
    "/problems", dependencies=[DOCUMENTATION], response_class=HTMLResponse, responses=responses()
)
async def list_problems(language: LanguageDep) -> Response:
    """The page that lists every problem, by status, with what it means.

    It is in English, or in Simplified Chinese for an `Accept-Language` that prefers that.
    """
    return _shown(problems.index(language))


@router.get(
    "/problems/{code}",
    dependencies=[DOCUMENTATION],
    response_class=HTMLResponse,
    responses=responses(NotFound),
)
def read_problem(
    request: Request,
    language: LanguageDep,
    code: str = Path(
        pattern=r"^[a-z_]{1,64}$", description="The last part of `type`.", examples=["not_ready"]
    ),
) -> Response:
    """The page behind a problem's `type`: what it means and what to do next.

    It is in English, or in Simplified Chinese for an `Accept-Language` that prefers that.
    """
    kind = ApiError.by_code.get(code)
    if kind is None:
        raise NotFound
    description: Description = request.app.state.description
    return _shown(problems.explanation(kind, description.answering, language))


@router.get("/docs", include_in_schema=False)
async def read_docs(protocol: ProtocolDep, settings: SettingsDep) -> Response:
    """The page to try every operation on."""
    return _shown(viewers.docs(protocol if settings.sandbox else None))


@router.get("/redoc", include_in_schema=False)
async def read_reference() -> Response:
    """The page to read every operation on."""
    return _shown(viewers.reference())


@router.get("/docs/assets/{name}", include_in_schema=False)
def read_asset(request: Request, name: str) -> Response:
    """A file that the pages load."""
    found = asset(name)
    if found is None:
        raise NotFound
    return _served(request, found)


@router.get("/openapi.json", include_in_schema=False)
def read_document(request: Request) -> Response:
    """The OpenAPI document."""
    description: Description = request.app.state.description
    return _served(request, description.served)


def _shown(page: Page) -> Response:
    return HTMLResponse(page.html, headers=page.headers)


def _served(request: Request, one: Asset) -> Response:
    """What is alike for everyone, compressed for who takes that, and not at all to who holds it."""
    depends_on(request, "Accept-Encoding")
    form = one.form(request.headers.get("Accept-Encoding", ""))
    headers = {"ETag": form.tag, "X-Content-Type-Options": "nosniff", **form.headers}
    if etag.unchanged(request.headers.get("If-None-Match"), form.tag):
        return Response(status_code=304, headers=headers)
    return Response(form.body, headers=headers, media_type=one.media_type)

"""The least that answers the same: Starlette and asyncpg, one query a request.

No token, no security context, no transaction, no checks, no log line: it
connects as the superuser, whom row-level security does not bind.
"""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

URL = "BENCH_DATABASE_URL"
COLUMNS = (
    "id, number, site, status, sex, year_of_birth, left_on, died_on, created_at, protocol_version,"
    " version"
)
ONE = f"SELECT {COLUMNS} FROM subject WHERE id = $1"
PAGE = f"SELECT {COLUMNS} FROM subject WHERE id > $1 ORDER BY id LIMIT $2"
PARTS = (
    "consents",
    "eligibility",
    "radiotherapy",
    "randomization",
    "visits",
    "exposures",
    "discontinuation",
    "endpoint",
    "adverse_events",
    "deviations",
)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ[URL], min_size=20, max_size=20) as pool:
        app.state.pool = pool
        yield


def _json(row: Any) -> dict[str, Any]:
    here = f"/v1/subjects/{row['id']}"
    return {
        **row,
        "id": str(row["id"]),
        "created_at": row["created_at"].isoformat().replace("+00:00", "Z"),
        "links": {
            "self": here,
            **{part: f"{here}/{part.replace('_', '-')}" for part in PARTS},
        },
    }


def cursor_after(subject: UUID) -> str:
    """The service's cursor; the comparison of answers tells when it no longer is."""
    return base64.urlsafe_b64encode(subject.bytes).rstrip(b"=").decode()


async def one(request: Request) -> JSONResponse:
    """A subject."""
    row = await request.app.state.pool.fetchrow(ONE, UUID(request.path_params["subject_id"]))
    return JSONResponse(_json(row))


async def page(request: Request) -> JSONResponse:
    """Subjects after a cursor."""
    after = UUID(bytes=base64.urlsafe_b64decode(request.query_params["cursor"] + "=="))
    limit = int(request.query_params["limit"])
    rows = await request.app.state.pool.fetch(PAGE, after, limit + 1)
    cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        cursor = cursor_after(rows[-1]["id"])
    return JSONResponse({"items": [_json(row) for row in rows], "next_cursor": cursor})


app = Starlette(
    routes=[Route("/v1/subjects/{subject_id}", one), Route("/v1/subjects", page)],
    lifespan=_lifespan,
)

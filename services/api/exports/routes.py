"""Exports over HTTP."""

import json
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from services.api.core.auth import Principal, is_over, open_to_all, require
from services.api.core.context import ClockDep, LoadedDep, SettingsDep
from services.api.core.errors import (
    Forbidden,
    Invalid,
    NotAcceptable,
    NotFound,
    Unauthorized,
    responses,
)
from services.api.core.negotiation import depends_on
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.exports import service
from services.api.exports.answer import ExportAnswer
from services.api.exports.errors import ExportsBusy, NoRoomForExport
from services.api.exports.fhir.capability import BUNDLE, capability_statement
from services.api.exports.formats import FORMATS
from services.api.exports.schemas import ExportQuery

router = Router(prefix="/v1/exports", tags=["exports"])

_REFUSALS = (
    Unauthorized,
    Forbidden,
    NotFound,
    NotAcceptable,
    Invalid,
    ExportsBusy,
    NoRoomForExport,
)


def _content() -> dict[str, Any]:
    """Every media type of every format, as OpenAPI describes it."""
    forms = [form for one in FORMATS.values() for form in (*one.forms, *one.single)]
    return {form.media_type: {"schema": {"type": "string"}} for form in forms}


_EXPORT: dict[str, Any] = {
    "description": "The export. It begins before its end is made: an answer that is cut off failed,"
    " and is no part to use.",
    "content": _content(),
    "headers": {
        "Content-Disposition": {
            "description": "A name for the file.",
            "schema": {"type": "string"},
        },
        "Last-Modified": {
            "description": "When the newest record of the trial was made.",
            "schema": {"type": "string"},
        },
    },
}


@router.get(
    "/{format}",
    response_class=Response,
    responses={200: _EXPORT, **responses(*_REFUSALS)},
)
def read_export(
    request: Request,
    caller: Annotated[Principal, Depends(require(Action.READ_EXPORTS))],
    name: Annotated[
        str,
        Path(
            alias="format",
            description=f"The format, by its name: {', '.join(f'`{one}`' for one in FORMATS)}.",
            examples=["csv"],
            max_length=32,
            pattern="^[a-z]+(-[a-z]+)*$",
        ),
    ],
    clock: ClockDep,
    loaded: LoadedDep,
    settings: SettingsDep,
    asked: Annotated[ExportQuery, Query()],
) -> Response:
    """The whole trial as a file, for data managers and statisticians: it names each subject's arm.

    Everything in it is of one moment. The same data on the same day give the
    same bytes. The `Accept` header chooses between the forms of a format. The
    trail tells who took which export.
    """
    depends_on(request, "Accept")
    accept = ",".join(request.headers.getlist("Accept"))
    form, options = service.form_of(name, asked, accept)
    production = service.begin(
        request.app.state.database,
        caller,
        clock,
        loaded,
        (name, form, options),
        settings.spool_dir,
    )
    source = production.source
    part = "-".join(filter(None, (name, options.version, options.dataset)))
    file = f"{loaded.protocol.study.nct_id.lower()}-{part}.{form.extension}"
    headers = {
        "Content-Type": form.content_type,
        "Content-Disposition": f'attachment; filename="{file}"',
    }
    if source is not None and source.changed_at is not None:
        headers["Last-Modified"] = format_datetime(source.changed_at, usegmt=True)
    over = partial(is_over, caller.session, request.app.state.watch)
    return ExportAnswer(production, headers, settings.send_seconds, over)


_STATEMENT: dict[str, Any] = {
    "description": "The CapabilityStatement.",
    "content": {
        BUNDLE: {
            "schema": {
                "type": "object",
                "description": "A CapabilityStatement of FHIR R5.",
                "properties": {
                    "resourceType": {
                        "type": "string",
                        "const": "CapabilityStatement",
                        "description": "What kind of resource this is.",
                    }
                },
                "required": ["resourceType"],
                "additionalProperties": True,
            },
            "example": {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "kind": "instance",
                "fhirVersion": "5.0.0",
            },
        }
    },
}


@router.get(
    "/fhir/metadata",
    dependencies=[Depends(open_to_all(Action.READ_DOCUMENTATION))],
    response_class=Response,
    responses={200: _STATEMENT, **responses()},
)
async def read_fhir_capabilities(request: Request, loaded: LoadedDep) -> Response:
    """What the service can do, in FHIR's own words: a CapabilityStatement.

    It exports the whole trial (`GET /v1/exports/fhir`) and nothing else: resources cannot be read
    one by one, searched or changed. The statement needs no token, as FHIR has it.
    """
    statement = capability_statement(loaded.protocol, request.app.version)
    return Response(json.dumps(statement, ensure_ascii=False), media_type=BUNDLE)

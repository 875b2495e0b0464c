"""The labels of every form over HTTP."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.api.core.auth import Principal, require
from services.api.core.context import LoadedDep
from services.api.core.errors import Unauthorized, responses
from services.api.core.etag import keep_for
from services.api.core.negotiation import LanguageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.labels import service
from services.api.labels.schemas import LabelsRead

router = Router(prefix="/v1/labels", tags=["labels"])


@router.get("", responses=responses(Unauthorized))
def read_labels(
    _: Annotated[Principal, Depends(require(Action.READ_STUDY))],
    loaded: LoadedDep,
    language: LanguageDep,
    request: Request,
    answer: Response,
) -> LabelsRead:
    """Every label of enumerations, problems and the protocol, in your language.

    In Simplified Chinese for an `Accept-Language` that prefers `zh`, `zh-CN`,
    `zh-SG` or `zh-Hans`, else in English; never refused for its language. Read
    it once when a front-end starts: it is the same for everyone, and may be
    kept for ten minutes and then asked for by its ETag.
    """
    answer.headers["Content-Language"] = language.value
    keep_for(request, minutes=10)
    return service.labels(loaded, language)

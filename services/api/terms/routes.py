"""The dictionary of adverse event terms over HTTP."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.api.core.auth import Principal, require
from services.api.core.context import ProtocolDep
from services.api.core.errors import BadCursor, Unauthorized, responses
from services.api.core.etag import keep_for
from services.api.core.permissions import Action
from services.api.core.routing import Router, link_next
from services.api.terms import service
from services.api.terms.schemas import TermPage, TermQuery, TermRead

router = Router(prefix="/v1/terms", tags=["terms"])


@router.get("", responses=responses(Unauthorized, BadCursor))
async def list_terms(
    _: Annotated[Principal, Depends(require(Action.READ_STUDY))],
    protocol: ProtocolDep,
    asked: Annotated[TermQuery, Query()],
    request: Request,
    answer: Response,
) -> TermPage:
    """Find terms to report an adverse event with, while somebody types.

    Capitals, accents and punctuation do not matter. Terms that begin with `q`
    come first, then those of which a word does, then those that hold it.
    """
    found, cursor = service.search(protocol, asked)
    section = protocol.adverse_events
    page = TermPage(
        items=[
            TermRead(
                term=term.term,
                meddra_code=term.meddra_code,
                system_organ_class=term.system_organ_class,
                grades=list(term.grades),
                needs_detail=term.needs_detail,
            )
            for term in found
        ],
        next_cursor=cursor,
        dictionary=section.dictionary,
        dictionary_version=section.dictionary_version,
        meddra_version=section.meddra_version,
    )
    link_next(request, page, answer)
    keep_for(request, minutes=10)  # so that going back a letter asks nothing
    return page

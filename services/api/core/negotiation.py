"""The caller's language, and what an answer says of depending on a header (RFC 9110, 12.5)."""

from typing import Annotated

from fastapi import Depends, Request

from services.api.language.tags import Language, chosen


def depends_on(request: Request, header: str) -> None:
    """Let the answer say that another value of the header may bring another one."""
    named = getattr(request.state, "vary", ())
    request.state.vary = (*named, header) if header not in named else named


def language_of(request: Request) -> Language:
    """The language that the caller wants to read."""
    return chosen(",".join(request.headers.getlist("Accept-Language")))


async def _spoken(request: Request) -> Language:
    depends_on(request, "Accept-Language")
    return language_of(request)


LanguageDep = Annotated[Language, Depends(_spoken)]
"""The language of an answer that is not the same in each; the answer says that it depends on it."""

"""The files that the pages load: ours, and those of Swagger UI and Redoc that a package brings.

Nothing is loaded from elsewhere, for hospital networks have no internet.
"""

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from services.api.core import etag

OWN = files("services.api.documentation") / "files"
BROUGHT = files("fastapi_offline") / "static"
SCRIPT, STYLE, IMAGE = "text/javascript", "text/css", "image/svg+xml"

LOGO_ELSEWHERE = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
ICON = "/docs/assets/icon.svg"


_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """An asset as it is sent: its bytes, their entity tag, and how they are compressed."""

    body: bytes
    tag: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Asset:
    """Something served alike to everyone."""

    body: bytes
    media_type: str

    def form(self, accept_encoding: str) -> Form:
        """Compressed, if the caller's Accept-Encoding names gzip and weighs it above nothing."""
        named = _GZIP.search(accept_encoding)
        return self._zipped if named and (named[1] or "1").strip("0.") else self._plain

    @cached_property
    def _plain(self) -> Form:
        return Form(self.body, etag.tag(self.body, None), {})

    @cached_property
    def _zipped(self) -> Form:
        zipped = gzip.compress(self.body, mtime=0)
        return Form(zipped, etag.tag(zipped, None), {"Content-Encoding": "gzip"})


def _as_it_is(body: bytes) -> bytes:
    return body


def _without_foreign_logo(body: bytes) -> bytes:
    """Redoc, whose own logo is fetched from its makers: the page's icon stands there instead."""
    return body.replace(LOGO_ELSEWHERE, ICON.encode())


FILES: dict[str, tuple[Traversable, str, Callable[[bytes], bytes]]] = {
    "icon.svg": (OWN, IMAGE, _as_it_is),
    "page.css": (OWN, STYLE, _as_it_is),
    "docs.css": (OWN, STYLE, _as_it_is),
    "docs.js": (OWN, SCRIPT, _as_it_is),
    "swagger-ui.css": (BROUGHT, STYLE, _as_it_is),
    "swagger-ui-bundle.js": (BROUGHT, SCRIPT, _as_it_is),
    "redoc.js": (OWN, SCRIPT, _as_it_is),
    "redoc.standalone.js": (BROUGHT, SCRIPT, _without_foreign_logo),
}
"""Every file by the last part of its address: where it lies, what it is, what is changed in it."""


@cache
def asset(name: str) -> Asset | None:
    """The file of that name, read once; None if there is none."""
    if name not in FILES:
        return None
    where, media_type, mended = FILES[name]
    return Asset(mended((where / name).read_bytes()), media_type)

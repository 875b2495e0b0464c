"""What every page of the documentation has: its head, the links between them, and a strict policy.

No page holds a script or a style: both are files, so the browser may be told
to run nothing else (Content Security Policy, level 3).
"""

from dataclasses import dataclass
from html import escape

from services.api.language.catalogue import on_page
from services.api.language.tags import Language

NAVIGATION = (
    ("/docs", "Try it"),
    ("/redoc", "Reference"),
    ("/problems", "Problems"),
    ("/openapi.json", "OpenAPI"),
)


@dataclass(frozen=True)
class Page:
    """A page, and what its browser may do beside showing it."""

    title: str
    address: str
    main: str
    styles: tuple[str, ...] = ("page.css",)
    scripts: tuple[str, ...] = ()
    style_policy: str = "style-src 'self'"
    language: Language = Language.ENGLISH

    @property
    def html(self) -> str:
        """The whole document."""
        return f"""<!doctype html>
<html lang="{self.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(self.title)} · Trial API</title>
<link rel="icon" href="/docs/assets/icon.svg">
{_lines('<link rel="stylesheet" href="/docs/assets/{}">', self.styles)}
</head>
<body>
<header class="site"><nav aria-label="{on_page("Documentation", self.language)}">
<a class="name" href="/docs"><img src="/docs/assets/icon.svg" alt="" width="24" height="24">
Trial API</a>
{self._navigation()}
</nav></header>
{self.main}
{_lines('<script src="/docs/assets/{}"></script>', self.scripts)}
</body>
</html>
"""

    @property
    def headers(self) -> dict[str, str]:
        """What the browser is told: load nothing from elsewhere, guess nothing, be no frame."""
        scripts = "script-src 'self'; connect-src 'self'; " if self.scripts else ""
        policy = (
            f"default-src 'none'; {scripts}{self.style_policy}; img-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Language": self.language.value,
        }

    def _navigation(self) -> str:
        def link(address: str, text: str) -> str:
            here = ' aria-current="page"' if address == self.address else ""
            return f'<a href="{address}"{here}>{on_page(text, self.language)}</a>'

        return "\n".join(link(*one) for one in NAVIGATION)


def _lines(form: str, names: tuple[str, ...]) -> str:
    return "\n".join(form.format(name) for name in names)

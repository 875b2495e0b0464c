"""The pages on which Swagger UI and Redoc show the OpenAPI document."""

from html import escape

from services.api.core.permissions import Role
from services.api.documentation.page import Page
from services.api.protocol.schema import Protocol
from services.api.sandbox.service import PASSWORD, demo_accounts

_INTRODUCTION = """
<h1>Try it</h1>
<ul class="hints">
<li><b>Authorize</b> signs you in for a quarter of an hour. The page forgets it when it is
closed.</li>
<li><b>Idempotency-Key</b> gets a fresh key at each Execute. Write one of your own, and execute
twice, to see a retry answered.</li>
<li><b>If-Match</b> gets the ETag that the page saw last at that address: read the record first.
A record not yet made has version <code>"0"</code>.</li>
</ul>
"""


def docs(demo: Protocol | None) -> Page:
    """Try every operation; in a sandbox, whose protocol is given, with its demo accounts."""
    accounts = _accounts(demo) if demo else ""
    return Page(
        title="Try it",
        address="/docs",
        main=f'<main class="docs"><div class="before">{_INTRODUCTION}{accounts}</div>\n'
        '<div id="swagger-ui"></div></main>',
        styles=("swagger-ui.css", "page.css", "docs.css"),
        scripts=("swagger-ui-bundle.js", "docs.js"),
    )


def reference() -> Page:
    """Read every operation, without trying it."""
    return Page(
        title="Reference",
        address="/redoc",
        main='<main id="redoc"></main>',
        scripts=("redoc.standalone.js", "redoc.js"),
        # Redoc writes its styles into the page, and searches in a worker of its own making.
        style_policy="style-src 'self' 'unsafe-inline'; worker-src blob:",
    )


def _accounts(protocol: Protocol) -> str:
    """The demo accounts, each with a button to sign in."""
    rows = "\n".join(
        f"<tr><td><code>{escape(account)}</code></td><td>{escape(role.replace('_', ' '))}</td>"
        f"<td>{escape(', '.join(sites)) or 'trial-wide'}</td>"
        f'<td><button type="button" data-account="{escape(account)}" data-secret="{PASSWORD}"'
        f' data-machine="{str(role is Role.HOSPITAL_SYSTEM).lower()}">Sign in</button></td></tr>'
        for account, _, role, sites in demo_accounts(protocol)
    )
    return f"""
<details class="accounts"><summary>Demo accounts of this sandbox</summary>
<p>Each has the password or client secret <code>{PASSWORD}</code>.
Everything here is invented: enter no real person's data.</p>
<table><thead><tr><th>account</th><th>role</th><th>sites</th><th></th></tr></thead>
<tbody>
{rows}
</tbody></table></details>
<p id="signed-in" role="status"></p>
"""

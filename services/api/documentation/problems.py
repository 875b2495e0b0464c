"""The pages that explain problems: what happened, what to do next, and who answers it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any

from services.api.core.errors import ApiError
from services.api.documentation.page import Page

Json = Mapping[str, Any]

_CODE = re.compile(r"^`([a-z_]+)`: ", re.MULTILINE)
FEW = 12
"""Operations that a page lists openly; more of them are folded away."""

AGAIN = {
    400: "The same request is refused again. Nothing was stored.",
    401: "Send it again with a new token. Nothing was stored.",
    403: "The same request by the same account is refused again. Nothing was stored.",
    404: "The same request is refused again while there is nothing at that address.",
    405: "The same request is refused again.",
    406: "The same request is refused again until its Accept header fits.",
    409: "The same request may succeed once its cause is mended. Nothing was stored.",
    412: "The same request is refused again: it needs the new ETag. Nothing was stored.",
    413: "The same request is refused again. Nothing was stored.",
    415: "The same request is refused again. Nothing was stored.",
    422: "The same request is refused again. Nothing was stored.",
    428: "The same request is refused again until it carries If-Match. Nothing was stored.",
    429: "Send it again after the seconds in Retry-After.",
    500: "It may be sent again with the same Idempotency-Key or If-Match. Nothing was stored.",
    503: "Send it again, with the same Idempotency-Key or If-Match, after the seconds in"
    " Retry-After.",
}
"""By status: whether a program may send the same request again."""

ITEMS: Mapping[str, Sequence[Json]] = {
    "invalid": [
        {
            "pointer": "/grade",
            "code": "less_than_equal",
            "detail": "Input should be less than or equal to 4",
        }
    ],
    "not_ready": [
        {
            "pointer": "",
            "code": "eligibility_not_signed",
            "detail": "An investigator signs it at /v1/subjects/{id}/eligibility/signature.",
        }
    ],
    "not_ready_to_serve": [
        {"pointer": "", "code": "database_role", "detail": "The role is superuser: use trial_app"}
    ],
}
"""Items of `errors` in the examples of those problems that always have some."""


@dataclass(frozen=True)
class Operation:
    """An operation of the document, as a page names it."""

    id: str
    tag: str
    method: str
    path: str
    summary: str


Answering = Mapping[str, Sequence[Operation]]


def answering(document: Json) -> Answering:
    """By a problem's code, the operations whose documented answers it is among."""
    found: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named = Operation(
                operation["operationId"],
                operation["tags"][0],
                method.upper(),
                path,
                operation["summary"],
            )
            for answer in operation["responses"].values():
                for code in _CODE.findall(answer.get("description", "")):
                    found.setdefault(code, []).append(named)
    return found


def index() -> Page:
    """Every problem by its status."""
    kinds = sorted(ApiError.by_code.values(), key=lambda kind: (kind.status, kind.code))
    sections = "\n".join(
        f"<h2>{status} {escape(HTTPStatus(status).phrase)}</h2>\n<dl>"
        + "".join(_entry(kind) for kind in kinds if kind.status == status)
        + "</dl>"
        for status in sorted({kind.status for kind in kinds})
    )
    return Page(
        title="Problems",
        address="/problems",
        main=f"""<main class="text"><h1>Problems</h1>
<p class="lead">Every answer that is not a success is a problem (RFC 9457,
<code>application/problem+json</code>). Its <code>type</code> leads to one of these pages. Programs
decide by <code>type</code> and <code>status</code>; <code>detail</code> is for people, and
<code>instance</code> is the request's id, to be quoted in a report.</p>
{sections}</main>""",
    )


def _entry(kind: type[ApiError]) -> str:
    return (
        f'<dt><a href="/problems/{kind.code}"><code>{kind.code}</code></a></dt>'
        f"<dd>{_prose(kind.title())}</dd>"
    )


def explanation(kind: type[ApiError], answered_by: Answering) -> Page:
    """The page of one problem."""
    status = HTTPStatus(kind.status)
    return Page(
        title=kind.title(),
        address="/problems/" + kind.code,
        main=f"""<main class="text"><p class="where"><a href="/problems">Problems</a></p>
<h1>{_prose(kind.title())}</h1>
<p class="lead"><code>{kind.code}</code> · HTTP status {status.value} {escape(status.phrase)}</p>
<h2>What to do</h2>
<p>{_prose(kind.remedy())}</p>
<h2>The same request again</h2>
<p>{AGAIN[kind.status]}</p>
<h2>Example</h2>
<pre><code>{escape(json.dumps(example(kind), indent=2))}</code></pre>
<h2>Which operations answer it</h2>
{_operations(answered_by.get(kind.code, ()))}
</main>""",
    )


def example(kind: type[ApiError]) -> Json:
    """The problem's body as callers get it."""
    body: dict[str, Any] = {
        "type": f"/problems/{kind.code}",
        "title": kind.title(),
        "status": kind.status,
        "detail": kind.remedy(),
        "instance": "019abf00c0de7000800000000000abcd",
    }
    if kind.code in ITEMS:
        body["errors"] = ITEMS[kind.code]
    return body


def _operations(operations: Sequence[Operation]) -> str:
    if not operations:
        return (
            "<p>None by itself: it stands in <code>errors</code> of another problem, or answers a"
            " request that reaches no operation.</p>"
        )
    listed = "".join(
        f'<li><a href="/docs#/{escape(one.tag.replace(" ", "_"))}/{one.id}">'
        f"<code>{one.method} {escape(one.path)}</code></a> {_prose(one.summary)}</li>"
        for one in operations
    )
    if len(operations) <= FEW:
        return f'<ul class="operations">{listed}</ul>'
    return (
        f"<details><summary>{len(operations)} operations</summary>"
        f'<ul class="operations">{listed}</ul></details>'
    )


def _prose(text: str) -> str:
    """A sentence for people: `names` in it are set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))

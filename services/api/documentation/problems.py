"""The pages that explain problems: what happened, what to do next, and who answers it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from services.api.core.errors import ApiError, FieldError, told
from services.api.documentation.page import Page
from services.api.language.catalogue import on_page
from services.api.language.tags import Language
from services.api.language.wording import Wording

Json = Mapping[str, Any]

_CODE = re.compile(r"^`([a-z_]+)`: ", re.MULTILINE)
FEW = 12
"""Operations that a page lists openly; more of them are folded away."""

LEAD = (
    "Every answer that is not a success is a problem (RFC 9457, `application/problem+json`). Its"
    " `type` leads to one of these pages. Programs decide by `type` and `status`; `detail` is for"
    " people, and `instance` is the request's id, to be quoted in a report."
)
NONE = (
    "None by itself: it stands in `errors` of another problem, or answers a request that reaches"
    " no operation."
)

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


def _item(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


ITEMS: Mapping[str, FieldError] = {
    "invalid": _item(
        "/grade",
        "less_than_equal",
        Wording.keyed(
            "pydantic:less_than_equal", "Input should be less than or equal to 4", {"le": 4}
        ),
    ),
    "not_ready": _item(
        "",
        "eligibility_not_signed",
        "POST the eligibility's signature for the current evaluation_hash.",
    ),
    "not_ready_to_serve": _item(
        "",
        "database_role",
        "The role is superuser or bypasses row-level security: use trial_app",
    ),
}
"""An item of `errors` in the examples of those problems that always have some."""


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
                shared = answer.get("$ref", "").rpartition("/")[2]
                answer = document["components"]["responses"][shared] if shared else answer
                for code in _CODE.findall(answer.get("description", "")):
                    found.setdefault(code, []).append(named)
    return found


def index(language: Language = Language.ENGLISH) -> Page:
    """Every problem by its status."""
    kinds = sorted(ApiError.by_code.values(), key=lambda kind: (kind.status, kind.code))
    sections = "\n".join(
        f"<h2>{status} {escape(HTTPStatus(status).phrase)}</h2>\n<dl>"
        + "".join(_entry(kind, language) for kind in kinds if kind.status == status)
        + "</dl>"
        for status in sorted({kind.status for kind in kinds})
    )
    title = on_page("Problems", language)
    return Page(
        title=title,
        address="/problems",
        language=language,
        main=f"""<main class="text"><h1>{title}</h1>
<p class="lead">{_prose(on_page(LEAD, language))}</p>
{sections}</main>""",
    )


def _entry(kind: type[ApiError], language: Language) -> str:
    return (
        f'<dt><a href="/problems/{kind.code}"><code>{kind.code}</code></a></dt>'
        f"<dd>{_prose(kind.title(language))}</dd>"
    )


def explanation(
    kind: type[ApiError], answered_by: Answering, language: Language = Language.ENGLISH
) -> Page:
    """The page of one problem."""
    status = HTTPStatus(kind.status)
    say = partial(on_page, language=language)
    return Page(
        title=kind.title(language),
        address="/problems/" + kind.code,
        language=language,
        main=f"""<main class="text"><p class="where"><a href="/problems">{say("Problems")}</a></p>
<h1>{_prose(kind.title(language))}</h1>
<p class="lead"><code>{kind.code}</code> · {say("HTTP status")} {status.value}
{escape(status.phrase)}</p>
<h2>{say("What to do")}</h2>
<p>{_prose(kind.remedy(language))}</p>
<h2>{say("The same request again")}</h2>
<p>{say(AGAIN[kind.status])}</p>
<h2>{say("Example")}</h2>
<pre><code>{escape(_pretty(example(kind, language)))}</code></pre>
<h2>{say("Which operations answer it")}</h2>
{_operations(answered_by.get(kind.code, ()), language)}
</main>""",
    )


def _pretty(body: Json) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def example(kind: type[ApiError], language: Language = Language.ENGLISH) -> Json:
    """The problem's body as callers get it."""
    body: dict[str, Any] = {
        "type": f"/problems/{kind.code}",
        "title": kind.title(language),
        "status": kind.status,
        "detail": kind.remedy(language),
        "instance": "019abf00c0de7000800000000000abcd",
    }
    if kind.code in ITEMS:
        body["errors"] = [told(ITEMS[kind.code], language).model_dump()]
    return body


def _operations(operations: Sequence[Operation], language: Language) -> str:
    if not operations:
        return f"<p>{_prose(on_page(NONE, language))}</p>"
    listed = "".join(
        f'<li><a href="/docs#/{quote(one.tag)}/{one.id}">'
        f"<code>{one.method} {escape(one.path)}</code></a> {_prose(one.summary)}</li>"
        for one in operations
    )
    if len(operations) <= FEW:
        return f'<ul class="operations">{listed}</ul>'
    return (
        f"<details><summary>{len(operations)} {on_page('operations', language)}</summary>"
        f'<ul class="operations">{listed}</ul></details>'
    )


def _prose(text: str) -> str:
    """A sentence for people: `names` in it are set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))

"""Operations that will end: said in the document, and in the head of each of their answers.

`Deprecation` (RFC 9745) tells since when an operation should not be used any
more, `Sunset` (RFC 8594) when it ends. Both are days, from midnight UTC. The links
lead to what the document says of the operation and of versions.
"""

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import Request, params
from fastapi.routing import APIRoute
from starlette.responses import Response

Json = dict[str, Any]

NOTICE = timedelta(days=180)
"""So long at least an operation goes on after it is deprecated: hospitals change their systems
twice a year."""


class Deprecation:
    """The dependency that declares an operation deprecated, and what to call instead.

    `dependencies=[Depends(Deprecation(date(2027, 1, 4), date(2027, 9, 1), "list_visits"))]`

    Raises:
        ValueError: the sunset comes sooner than callers can change their programs.
    """

    def __init__(self, since: date, sunset: date, instead: str) -> None:
        if sunset - since < NOTICE:
            raise ValueError(f"callers have {NOTICE.days} days at least, not until {sunset}")
        self.since, self.sunset, self.instead = since, sunset, instead

    async def __call__(self) -> None:
        """Refuse nothing: until its sunset the operation is as it was."""

    @property
    def headers(self) -> dict[str, str]:
        """The days, as each header writes them."""
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": format_datetime(_midnight(self.sunset), usegmt=True),
        }

    def describe(self, operation: Json) -> None:
        """Say it in the document, with the headers' own values."""
        operation["deprecated"] = True
        told = f"Deprecated since {self.since}; ends on {self.sunset}: call `{self.instead}`."
        operation["description"] = f"{told}\n\n{operation['description']}"
        said = {
            "Deprecation": f"Since when it is deprecated, in Unix time: {self.since} (RFC 9745).",
            "Sunset": f"When it ends: {self.sunset} (RFC 8594).",
        }
        for answer in operation["responses"].values():
            headers = answer.setdefault("headers", {})
            for name, value in self.headers.items():
                schema = {"type": "string", "const": value}
                headers[name] = {"description": said[name], "schema": schema}
            link = "Where it is explained: rel=deprecation and rel=sunset."
            page = headers.get("Link", {}).get("description", "")
            headers["Link"] = {
                "description": f"{page} {link}".strip(),
                "schema": {"type": "string"},
            }


def deprecation_of(route: APIRoute) -> Deprecation | None:
    """What its dependencies declare of a route."""
    declared = [one.dependency for one in route.dependencies if isinstance(one, params.Depends)]
    return next((one for one in declared if isinstance(one, Deprecation)), None)


def tell_deprecation(request: Request, answer: Response) -> None:
    """Put into an answer, whether a success or not, that its operation will end.

    Another method of the path finds the same route, and is no part of it.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or request.method not in (route.methods or ()):
        return
    declared = deprecation_of(route)
    if declared is None:
        return
    answer.headers.update(declared.headers)
    tag = "-".join(str(route.tags[0]).split())
    for relation, place in (
        ("deprecation", f"tag/{tag}/operation/{route.name}"),
        ("sunset", "section/Versions"),
    ):
        answer.headers.append("Link", f'</redoc#{place}>; rel="{relation}"; type="text/html"')


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

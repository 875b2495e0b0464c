"""The trial's side: who was randomized, in the order of the feed, read as a machine client."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.api.connect.patience import Stopped, send

KIND = "subject.randomized"
PAGE = 200
WHOM = "The trial's API"


class _Body(BaseModel):
    """Of an answer, what is used here; a mistake in it is told without its values."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


Body = TypeVar("Body", bound=_Body)


class Refused(Stopped):
    """An answer that is no success; `code` is the problem's, empty if it has none."""

    def __init__(self, told: str, code: str) -> None:
        super().__init__(told)
        self.code = code


class Randomized(_Body):
    """The event that a subject was randomized: which one, never to what."""

    id: UUID
    subject_id: UUID


class Page(_Body):
    """Some of the feed's events in their order; `next_cursor` is set while more follow."""

    items: tuple[Randomized, ...]
    next_cursor: str | None


class _Me(_Body):
    sites: frozenset[str]


class _Subject(_Body):
    number: str


class _Allocation(_Body):
    arm: str
    randomization_number: str
    randomized_at: datetime
    stratum: dict[str, bool | str]


class _Arm(_Body):
    code: str


class _Study(_Body):
    arms: tuple[_Arm, ...]


class _Token(_Body):
    access_token: str


@dataclass(frozen=True)
class Allocation:
    """What another system has to know of a subject's randomization; its text shows no arm."""

    number: str
    arm: str
    randomization_number: str
    randomized_at: datetime
    stratum: dict[str, bool | str]

    def __repr__(self) -> str:
        """The allocation without the arm, which belongs in no log."""
        return f"<{self.number}: {self.randomization_number}>"


class Trial:
    """The API as one machine client sees it; it signs in when needed, again after a 401."""

    def __init__(self, http: httpx.Client, address: str, client_id: str, secret: str) -> None:
        self._http = http
        self._address = address
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }
        self._token: str | None = None

    def arms(self) -> frozenset[str]:
        """The codes of the trial's arms."""
        return frozenset(arm.code for arm in self._get("/v1/study", _Study).arms)

    def sites(self) -> frozenset[str]:
        """The sites whose subjects and events the client sees now."""
        return self._get("/v1/me", _Me).sites

    def randomized(self, after: UUID | None) -> Page:
        """What follows an event, or what came first; and whether more follows."""
        begin = {} if after is None else {"after": str(after)}
        return self._get("/v1/events", Page, {"type": KIND, "limit": str(PAGE)} | begin)

    def allocation(self, subject_id: UUID) -> Allocation:
        """A subject's number and what they were allocated to."""
        here = f"/v1/subjects/{subject_id}"
        found = self._get(f"{here}/randomization", _Allocation)
        return Allocation(
            number=self._get(here, _Subject).number,
            arm=found.arm,
            randomization_number=found.randomization_number,
            randomized_at=found.randomized_at,
            stratum=found.stratum,
        )

    def _get(self, path: str, form: type[Body], parameters: dict[str, str] | None = None) -> Body:
        """A record, as far as it is used here.

        Raises:
            Unavailable: not now.
            Refused: by the service, or by who answered in its place.
            Stopped: not what the contract says.
        """
        answer = self._send(path, parameters)
        if answer.status_code == 401:
            self._token = None  # it lives a quarter of an hour
            answer = self._send(path, parameters)
        return _read(answer, form)

    def _send(self, path: str, parameters: dict[str, str] | None) -> httpx.Response:
        if self._token is None:
            request = self._http.build_request(
                "POST", f"{self._address}/v1/oauth/token", data=self._form
            )
            self._token = _read(send(self._http, request, WHOM), _Token).access_token
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        request = self._http.build_request(
            "GET", self._address + path, params=parameters, headers=headers
        )
        return send(self._http, request, WHOM)


def _read(answer: httpx.Response, form: type[Body]) -> Body:
    asked = f"{answer.request.method} {answer.request.url.path}"
    if answer.status_code != 200:
        code = _code(answer)
        told = f"{WHOM}: {asked} answers {answer.status_code}"
        raise Refused(f"{told} ({code})" if code else told, code)
    try:
        return form.model_validate_json(answer.content)
    except ValidationError as mistake:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in mistake.errors())
        raise Stopped(f"{WHOM}: {asked} does not hold what it should: {fields}") from None


def _code(answer: httpx.Response) -> str:
    """The problem's code, or OAuth's, if the answer has one."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    told = (body.get("error") or body.get("type")) if isinstance(body, dict) else None
    return str(told).removeprefix("/problems/")[:60] if told else ""

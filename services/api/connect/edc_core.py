"""edc-core's side: the one address at which it takes the arm of a subject.

`POST {base}/studies/{id}/rtsm/assignments` never overwrites. It decides by what
the subject's record holds: nothing yet (201, written), the same arm (200), or
another (409, nothing written); it refuses what it cannot place (422), as a
subject who is not enrolled there. So an assignment may be sent again whenever
it is not known whether the last one arrived. Its answers never name the arm.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from services.api.connect.patience import Stopped, send

WHOM = "edc-core"
LONGEST_REASON = 300


class Outcome(StrEnum):
    """What edc-core did with an assignment."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


STATUSES = {
    201: Outcome.APPLIED,
    200: Outcome.DUPLICATE,
    409: Outcome.CONFLICT,
    422: Outcome.REJECTED,
}

REFUSALS = {
    400: "it does not understand the assignment: is it a version of edc-core with this intake?",
    401: "it does not know the key, or the key has expired or was revoked",
    403: "the key is another study's",
    404: "there is no such address: is the base address the API's own?",
}
"""What a person has to mend before anything can be sent."""


class Assignment(BaseModel):
    """What is sent; field names as edc-core has them."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, hide_input_in_errors=True
    )

    subject_key: str
    arm: str = Field(repr=False)
    randomization_id: str
    assigned_at: datetime
    strata: dict[str, str]
    source: str


class _Told(BaseModel):
    outcome: Outcome
    reason: str | None = None
    event_id: UUID | None = Field(default=None, alias="eventId")


@dataclass(frozen=True)
class Answer:
    """What became of an assignment, why, and the row of edc-core's transfer record."""

    outcome: Outcome
    reason: str
    event_id: UUID | None


class Intake:
    """The intake of one study, with the key that opens nothing else."""

    def __init__(self, http: httpx.Client, address: str, key: str) -> None:
        self._http = http
        self._address = address
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def assign(self, assignment: Assignment) -> Answer:
        """Send an assignment once.

        Raises:
            Unavailable: not known whether it arrived; send it again.
            Stopped: the key, the address or the form is wrong, or it is not edc-core that answered.
        """
        content = assignment.model_dump_json(by_alias=True)
        request = self._http.build_request(
            "POST", self._address, content=content, headers=self._headers
        )
        answer = send(self._http, request, WHOM)
        outcome = STATUSES.get(answer.status_code)
        if outcome is None:
            mend = REFUSALS.get(answer.status_code, "which its intake never does")
            raise Stopped(f"{WHOM}: answers {answer.status_code}: {mend}")
        return _read(answer, outcome)


def _read(answer: httpx.Response, outcome: Outcome) -> Answer:
    """The answer, if its body says what its status says.

    A page of a proxy's, with status 200, must not count as an assignment that arrived.
    """
    try:
        told = _Told.model_validate_json(answer.content)
    except ValidationError:
        told = None
    if told is None or told.outcome is not outcome:
        status = answer.status_code
        raise Stopped(f"{WHOM}: answers {status} without {outcome.value!r}: who answered there?")
    reason = "".join(char if char.isprintable() else " " for char in told.reason or "")
    return Answer(outcome, reason[:LONGEST_REASON], told.event_id)

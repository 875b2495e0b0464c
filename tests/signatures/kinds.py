"""The records that are signed alike: gradings and adverse events."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from services.api.core.permissions import Action
from tests.make import Api, Json, adverse_event, created

REASON = "Misread the source record"
NOTHING = "0" * 64
"""The hash of nothing that was ever recorded."""


@dataclass(frozen=True)
class Kind:
    """A kind of record that is signed, who signs it, and how it changes."""

    place: str
    table: str
    meaning: str
    signer: str
    action: Action
    make: Callable[[Api], Json]
    change: Json

    def path(self, record: Json) -> str:
        return f"/v1/{self.place}/{record['id']}"

    def sign(self, api: Api, record: Json, **changed: object) -> httpx.Response:
        return api.sign_record(self.path(record), **{"meaning": self.meaning, **changed})

    def signed(self, api: Api) -> tuple[Json, Json]:
        """A record and the signature on it."""
        record = self.make(api)
        return record, created(self.sign(api.as_(self.signer), record))


def a_grading(api: Api) -> Json:
    return api.graded(api.as_("coordinator").in_radiotherapy(), "RT1A", api.today())


def an_event(api: Api) -> Json:
    subject = api.as_("coordinator").consented()
    path = f"/v1/subjects/{subject['id']}/adverse-events"
    return created(api.as_("coordinator").post(path, adverse_event(api.today())))


GRADING = Kind(
    "gradings",
    "grading_signature",
    "I confirm the grading",
    "assessor",
    Action.SIGN_GRADING,
    a_grading,
    {"grade": 3, "reason": REASON},
)
EVENT = Kind(
    "adverse-events",
    "adverse_event_signature",
    "I have reviewed the adverse event",
    "investigator",
    Action.SIGN_ADVERSE_EVENT,
    an_event,
    {"outcome": "recovered", "reason": REASON},
)
each_kind = pytest.mark.parametrize("kind", [GRADING, EVENT], ids=lambda kind: str(kind.place))

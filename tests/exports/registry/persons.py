"""Subjects as the registry's tables count them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.exports.registry.people import Happened, Person
from services.api.reports.participants import Participant
from tests.first_trial import FIRST_TRIAL

PROTOCOL = FIRST_TRIAL.protocol
START, TODAY = date(2026, 3, 2), date(2026, 12, 1)
OVER = Window(START, START + timedelta(days=130))
RUNNING = Window(START, None)

NAUSEA = Happened("Nausea", "Gastrointestinal disorders", "CTCAE 5.0", serious=False)
SERIOUS_NAUSEA = Happened("Nausea", "Gastrointestinal disorders", "CTCAE 5.0", serious=True)
FATIGUE = Happened(
    "Fatigue", "General disorders and administration site conditions", "CTCAE 5.0", serious=False
)


def person(number: int, arm: str | None = "experimental", **told: Any) -> Person:
    """A randomized subject who completed without an event, unless told otherwise."""
    status = told.pop("outcome", OutcomeStatus.NO_EVENT)
    window = told.pop("window", OVER)
    own: dict[str, Any] = {
        name: told.pop(name)
        for name in ("sex", "age", "levels", "events", "enrolled_on", "last_assessed_on")
        if name in told
    }
    outcome = Outcome(primary=Decision(status), secondary=Decision(status), window=window)
    participant: dict[str, Any] = {
        "id": UUID(int=number),
        "site": "NN",
        "status": "completed",
        "arm": arm,
        "randomized_on": None if arm is None else START,
        "stratum": None if arm is None else "NN-C",
        "outcome": outcome if arm else Outcome(),
    }
    return Person(Participant(**participant | told), **{"sex": "female"} | own)

"""Cases reported over HTTP, and the worker that reminds of their deadlines."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from services.api.core.auth import Worker
from services.api.deadlines import service
from tests.make import Api, Json, adverse_event, created, ok, submission

SUSPECTED: Json = {"causality": {"study_drug": "probably", "radiotherapy": "unlikely"}}
LIFE_THREATENING: Json = {"seriousness": ["life_threatening"]}
REASON = "Follow-up from the ward"
WORKER = Worker(("LZ", "NN", "YL"))


def suspected(api: Api, site: str = "NN", subject: Json | None = None, **changed: object) -> Json:
    """A suspected serious reaction, of a new subject unless one is given, learnt of just now."""
    investigator = api.as_("investigator", site)
    subject = subject or investigator.consented(site=site)
    event = adverse_event(api.today())
    body = {**event, "aware_at": api.state.clock.now().isoformat(), **SUSPECTED, **changed}
    return created(investigator.post(f"/v1/subjects/{subject['id']}/adverse-events", body))


def told(api: Api, event: Json, **changes: object) -> Json:
    """The event with more said of it by the site."""
    here = f"/v1/adverse-events/{event['id']}"
    return ok(api.as_("investigator", event["site"]).patch(here, {**changes, "reason": REASON}))


def assessed(api: Api, event: Json, **changes: object) -> Json:
    """The event with more said of it by the safety officer."""
    here = f"/v1/adverse-events/{event['id']}"
    return ok(api.as_("safety_officer").patch(here, {**changes, "reason": REASON}))


def sending(api: Api, to: str = "regulator", **changed: object) -> Json:
    """The body of a report that was sent just now."""
    return submission(api.state.clock.now(), to, **changed)


def submitted(api: Api, event: Json, to: str = "regulator", **changed: object) -> Json:
    """The record of a report that was sent just now."""
    here = f"/v1/adverse-events/{event['id']}/submissions"
    return created(api.as_("safety_officer").post(here, sending(api, to, **changed)))


def owed(api: Api, **asked: object) -> list[Json]:
    """The deadlines that a safety officer is shown."""
    params = {"limit": 200, **asked}
    items: list[Json] = ok(api.as_("safety_officer").get("/v1/safety/deadlines", params=params))[
        "items"
    ]
    return items


def the(
    api: Api, event: Json, clock: str, *, follow_up: bool | None = None, **asked: object
) -> Json:
    """The one deadline of that clock, of the case and whatever else is asked for."""
    found = owed(api, case_id=event["case_id"], clock=clock, **asked)
    [one] = [one for one in found if follow_up in (None, one["follow_up"])]
    return one


def announced(api: Api, prefix: str) -> list[str]:
    """The types of the events that begin so, as they were told."""
    query = "SELECT type FROM feed_event WHERE type LIKE :prefix ORDER BY seq"
    return [row.type for row in api.rows(query, prefix=f"{prefix}%")]


@contextmanager
def working(api: Api) -> Iterator[Session]:
    """A transaction of the worker, committed at the end."""
    with api.state.database.session(WORKER) as session:
        yield session
        session.commit()


def reminded(api: Api) -> int:
    """How many reminders one sweep gives."""
    with working(api) as session:
        return service.remind(session, WORKER, api.state.clock, api.state.loaded.protocol)


def reach(api: Api, moment: str | datetime, shift: timedelta = timedelta(0)) -> None:
    """Move clinical time to that moment, or so much before or after it."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    ok(api.client.post("/sandbox/clock", json={"now": (at + shift).isoformat()}))


def rows_of(api: Api, case: Json) -> list[Any]:
    """The deadlines of a case as they are stored, in current versions."""
    return api.rows(
        "SELECT DISTINCT ON (id) * FROM safety_deadline WHERE case_id = :case"
        " ORDER BY id, version DESC",
        case=case["case_id"],
    )

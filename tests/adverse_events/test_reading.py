"""What follows from an event, and what it costs to show it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event as hooks

from services.api.adverse_events.models import AdverseEvent
from tests.make import Api, Json, at_noon, ok, path, plan

REASON = "Follow-up from the ward"


def at(event: Json) -> str:
    return f"/v1/adverse-events/{event['id']}"


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """What the service asks of its database meanwhile."""
    said: list[str] = []

    def note(*given: object) -> None:
        said.append(str(given[2]))

    engine = api.state.database.engine
    hooks.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        hooks.remove(engine, "before_cursor_execute", note)


def test_a_page_of_many_takes_as_many_statements_as_a_page_of_one(api: Api) -> None:
    investigator = api.as_("investigator")
    counts = []
    for _ in range(3):
        subject = investigator.consented()
        first = investigator.reported(subject)
        investigator.reported(subject, grade=2, continues=first["id"])
        investigator.died(subject)
        with statements(api) as said:
            ok(investigator.get("/v1/adverse-events"))
        counts.append(len(said))
    assert len(set(counts)) == 1


@pytest.mark.parametrize(
    ("study_drug", "sponsor", "expectedness", "suspected", "susar"),
    [
        ("unlikely", None, None, False, False),
        ("possibly", None, None, True, True),
        ("possibly", "not_related", "unexpected", True, True),
        ("not_related", "related", None, True, True),
        ("not_related", "unlikely", "unexpected", False, False),
    ],
)
def test_either_judgment_makes_a_serious_event_suspected(
    api: Api,
    study_drug: str,
    sponsor: str | None,
    expectedness: str | None,
    suspected: bool,
    susar: bool,
) -> None:
    investigator = api.as_("investigator")
    causality = {"study_drug": study_drug, "radiotherapy": "unlikely"}
    event = investigator.reported(investigator.consented(), causality=causality)
    given = {"sponsor_causality": sponsor, "expectedness": expectedness}
    judged = {name: value for name, value in given.items() if value is not None}
    if judged:
        event = ok(api.as_("safety_officer").patch(at(event), {**judged, "reason": "Assessed"}))
    assert (event["suspected"], event["susar"]) == (suspected, susar)
    mild = {"serious": False, "seriousness": [], "reason": REASON}
    event = ok(investigator.patch(at(event), mild))
    assert (event["suspected"], event["susar"]) == (suspected, False)


def test_what_began_after_the_collection_is_kept_and_marked(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.in_radiotherapy()
    first = api.today()
    ended = first + timedelta(days=45)
    api.move_to(ended)
    where = path(subject, "radiotherapy")
    body = plan(first, first_fraction_on=str(first), last_fraction_on=str(ended), reason="Done")
    ok(investigator.put(where, body))
    within, after = (ended + timedelta(days=days) for days in (90, 91))
    api.move_to(after)
    for day, expected in ((first, False), (within, False), (after, True)):
        told = {"onset_on": str(day), "aware_at": at_noon(day)}
        event = investigator.reported(subject, **told)
        assert event["after_collection"] is expected
        assert ok(investigator.get(at(event)))["after_collection"] is expected


def test_a_version_of_before_tells_its_case_and_its_times_by_itself() -> None:
    """Its columns are null and stay so: its signature and the trail know it as it was."""
    aware, recorded = (datetime(2026, 4, day, 1, tzinfo=UTC) for day in (11, 14))
    stored: Json = {"id": UUID(int=1), "version": 1, "aware_at": aware, "recorded_at": recorded}
    row = AdverseEvent(**stored)
    assert (row.case_id, row.informed, row.received) == (row.id, aware, recorded)
    row.version = 2
    assert row.informed == recorded
    row.recorded_at = aware - timedelta(days=1)  # the sandbox's clock is ahead of real time
    assert row.informed == aware
    before = row.content_hash
    row.received_at = recorded
    assert row.content_hash != before
    row.received_at = None
    assert row.content_hash == before


def test_reports_count_no_nullified_event(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    kept, void = investigator.reported(subject), investigator.reported(subject, term="Nausea")

    def counted() -> tuple[int, int]:
        completeness = ok(api.as_("monitor").get("/v1/reports/completeness"))
        safety = ok(api.as_("statistician").get("/v1/reports/safety-by-arm"))
        [any_] = [row for row in safety["groups"] if row["kind"] == "Any"]
        site = next(one for one in completeness["by_site"] if one["site"] == "NN")
        return site["adverse_events"], sum(arm["events"] for arm in any_["arms"])

    assert counted() == (2, 2)
    ok(investigator.patch(at(void), {"nullified": True, "reason": REASON}))
    assert counted() == (1, 1)
    ok(investigator.patch(at(kept), {"nullified": True, "reason": REASON}))
    assert counted() == (0, 0)

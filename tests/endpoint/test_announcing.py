"""Reaching the endpoint, and a correction that takes it back: each change is told once."""

import threading
from datetime import timedelta
from uuid import UUID

from services.api.core.auth import Worker
from services.api.endpoint import service
from tests.make import SEVERE, Api, Json, ok

EVERYWHERE = Worker(("LZ", "NN", "YL"))
MILD: Json = {"grade": 1, "mucosal_appearance": "erythema", "pain_score": 2, "analgesic": "none"}


def derive(api: Api, subject: Json) -> None:
    """Derive the subject's endpoint as the worker does."""
    own, clock, protocol = UUID(subject["id"]), api.state.clock, api.state.loaded.protocol
    with api.state.database.session(EVERYWHERE) as session:
        service.announce(session, EVERYWHERE, clock, protocol, own)
        session.commit()


def told(api: Api) -> list[str]:
    """What was told of endpoints, in order."""
    query = "SELECT type FROM feed_event WHERE type LIKE 'endpoint.%' ORDER BY seq"
    return [row[0] for row in api.rows(query)]


def correct(api: Api, made: Json, **changed: object) -> None:
    assessor = api.as_("assessor")
    ok(assessor.patch(f"/v1/gradings/{made['id']}", {**changed, "reason": "Misread"}))


def test_each_change_of_the_outcome_is_told_once(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    derive(api, subject)
    made = api.graded(subject, "RT1A", api.today())
    derive(api, subject)
    assert told(api) == []
    correct(api, made, **SEVERE)
    derive(api, subject)
    derive(api, subject)
    assert told(api) == ["endpoint.reached"]
    correct(api, made, pain_score=9)
    derive(api, subject)
    assert told(api) == ["endpoint.reached"]
    correct(api, made, **MILD)
    derive(api, subject)
    derive(api, subject)
    assert told(api) == ["endpoint.reached", "endpoint.revised"]
    correct(api, made, **SEVERE)
    derive(api, subject)
    assert told(api) == ["endpoint.reached", "endpoint.revised", "endpoint.reached"]


def test_the_event_names_the_subject_and_no_grade(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    api.graded(subject, "RT1A", api.today(), **SEVERE)
    derive(api, subject)
    (row,) = api.rows("SELECT * FROM feed_event WHERE type = 'endpoint.reached'")
    assert (row.record, row.record_id, row.site) == ("endpoint", subject["id"], "NN")
    assert (str(row.subject_id), row.audience) == (subject["id"], None)


def test_of_each_subject_what_was_told_last_counts(api: Api) -> None:
    subjects = [api.as_("coordinator").in_radiotherapy() for _ in range(2)]
    for subject in subjects:
        api.graded(subject, "RT1A", api.today(), **SEVERE)
        derive(api, subject)
    assert told(api) == ["endpoint.reached"] * 2


def test_radiotherapy_that_begins_later_takes_an_event_out_of_the_window(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject, start = coordinator.in_radiotherapy(), api.today()
    api.graded(subject, "RT1A", start, **SEVERE)
    derive(api, subject)
    api.move_to(start + timedelta(days=2))
    where = f"/v1/subjects/{subject['id']}/radiotherapy"
    kept = (
        "planned_dose_gy",
        "planned_fractions",
        "planned_start",
        "concurrent_chemotherapy",
        "interruptions",
    )
    body = {name: value for name, value in ok(coordinator.get(where)).items() if name in kept}
    later = {"first_fraction_on": str(start + timedelta(days=1)), "reason": "Date was wrong"}
    ok(coordinator.put(where, {**body, **later}))
    derive(api, subject)
    assert told(api) == ["endpoint.reached", "endpoint.revised"]


def test_workers_that_derive_at_the_same_time_tell_once(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    api.graded(subject, "RT1A", api.today(), **SEVERE)
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        derive(api, subject)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(api) == ["endpoint.reached"]

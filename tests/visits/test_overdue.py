"""Overdue visits are told of once each, however the search is cut into calls."""

import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from services.api.visits import overdue
from services.api.visits.overdue import announce_overdue_of
from tests.make import Api, Json, ok, path, plan
from tests.visits.searching import EVERYWHERE, search


def search_one(api: Api, subject: Json) -> int:
    own = UUID(subject["id"])
    clock, protocol = api.state.clock, api.state.loaded.protocol
    with api.state.database.session(EVERYWHERE) as session:
        told = announce_overdue_of(session, EVERYWHERE, clock, protocol, own)
        session.commit()
    return told


def told(api: Api) -> Counter[tuple[str, str]]:
    """Subject and visit of everything that was announced as overdue."""
    rows = api.rows("SELECT subject_id, record_id FROM feed_event WHERE type = 'visit.overdue'")
    return Counter((str(row[0]), row[1]) for row in rows)


def listed(api: Api) -> Counter[tuple[str, str]]:
    """Subject and visit of everything that is listed as overdue."""
    query = {"status": "overdue", "limit": 200}
    items = ok(api.as_("data_manager").get("/v1/visits", params=query))["items"]
    return Counter((one["subject_id"], one["code"]) for one in items)


def test_what_is_listed_as_overdue_is_told_of_once(api: Api) -> None:
    investigator = api.as_("investigator")
    subjects = [investigator.in_radiotherapy(), api.as_("investigator", "LZ").in_radiotherapy("LZ")]
    for _ in range(3):
        due = listed(api)
        assert {subject for subject, _ in due} == {one["id"] for one in subjects}
        assert search(api) > 0
        assert search(api) == 0
        assert told(api) == due
        api.move_to(api.today() + timedelta(days=4))


def test_an_event_holds_the_visit_s_code_and_nothing_else_of_it(api: Api) -> None:
    subject = api.as_("investigator").in_radiotherapy()
    api.move_to(api.today() + timedelta(days=3))
    search(api)
    rows = api.rows("SELECT * FROM feed_event WHERE type = 'visit.overdue'")
    assert {(row.site, str(row.subject_id), row.record) for row in rows} == {
        ("NN", subject["id"], "visit")
    }
    assert "RT1A" in {row.record_id for row in rows}


def test_a_visit_that_was_recorded_or_missed_for_a_reason_is_not_overdue(api: Api) -> None:
    investigator = api.as_("investigator")
    subject, start = investigator.in_radiotherapy(), api.today()
    ok(investigator.put(path(subject, "visits", "RT1A"), {"date": str(start)}))
    ok(investigator.put(path(subject, "visits", "SCR"), {"missed_reason": "Late plan"}))
    api.move_to(start + timedelta(days=4))
    search(api)
    assert not {"RT1A", "SCR"} & {code for _, code in told(api)}


def test_nothing_is_told_of_who_failed_screening(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today())))
    failed = {"status": "screen_failed", "reason": "Another centre"}
    ok(investigator.patch(f"/v1/subjects/{subject['id']}", failed))
    api.move_to(api.today() + timedelta(days=20))
    assert search(api) == 0


def test_a_day_s_search_goes_on_where_the_last_call_ended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "SWEEP", 2)
    for _ in range(3):
        api.as_("investigator").in_radiotherapy()
    api.move_to(api.today() + timedelta(days=4))
    due = listed(api)
    first, second = search(api), search(api)
    assert (first > second > 0, first + second) == (True, len(due))
    assert [search(api), search(api)] == [0, 0]
    assert told(api) == due


def test_one_call_tells_of_few_subjects_and_forgets_none(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "LOCKED", 1)
    for _ in range(3):
        api.as_("investigator").in_radiotherapy()
    api.move_to(api.today() + timedelta(days=4))
    due = listed(api)
    assert [search(api) for _ in range(4)] == [len(due) // 3] * 3 + [0]
    assert told(api) == due


def test_after_the_day_s_search_one_row_is_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.as_("investigator").in_radiotherapy()
    search(api)
    monkeypatch.setattr(overdue, "_subjects", None)
    assert search(api) == 0


def test_a_subject_whom_somebody_is_changing_is_told_of_later(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "SWEEP", 2)
    investigator = api.as_("investigator")
    subjects = [investigator.in_radiotherapy() for _ in range(3)]
    api.move_to(api.today() + timedelta(days=4))
    held = subjects[1]["id"]
    with api.state.database.session(EVERYWHERE) as session:
        statement = "SELECT FROM subject WHERE id = %s FOR UPDATE"
        session.connection().exec_driver_sql(statement, (held,))
        search(api)
        search(api)
        others = {subject for subject, _ in told(api)}
        session.rollback()
    assert others == {subjects[0]["id"], subjects[2]["id"]}
    while search(api):
        pass
    assert told(api) == listed(api)


def test_radiotherapy_that_moves_tells_the_same_day(api: Api) -> None:
    investigator = api.as_("investigator")
    subject, start = investigator.in_radiotherapy(), api.today()
    api.move_to(start + timedelta(days=14))
    search(api)
    before = told(api)
    earlier = plan(start, first_fraction_on=str(start), reason="Delivered in fewer fractions")
    last = {"last_fraction_on": str(start + timedelta(days=1)), "planned_fractions": 2}
    ok(investigator.put(path(subject, "radiotherapy"), {**earlier, **last}))
    assert search(api) == 0
    assert search_one(api, subject) > 0
    assert search_one(api, subject) == 0
    assert set(told(api).values()) == {1}
    assert told(api).keys() == before.keys() | listed(api).keys()


def test_workers_that_search_at_the_same_time_tell_of_each_once(api: Api) -> None:
    investigator = api.as_("investigator")
    subjects = [investigator.in_radiotherapy() for _ in range(3)]
    api.move_to(api.today() + timedelta(days=4))
    start = threading.Barrier(6)

    def work(subject: Json) -> None:
        start.wait()
        search(api)
        search_one(api, subject)

    threads = [threading.Thread(target=work, args=(one,)) for one in subjects * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while search(api):
        pass
    assert told(api) == listed(api)

"""The trail over HTTP: who sees what, every filter, a table to take away, and the seals to keep."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.api.audit import service
from services.api.audit.verify import kept_checkpoints
from services.api.embedded import Cluster
from tests.audit.conftest import Trail
from tests.conftest import Served, serving
from tests.lived import Lived
from tests.make import SUBJECT, Api, Json, created, mistakes, ok, problem

EVENTS = "/v1/audit-events"
CHECKPOINTS = "/v1/audit/checkpoints"


def all_items(api: Api, path: str = EVENTS, **asked: Any) -> list[Json]:
    """Every item, page by page."""
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(api.get(path, params={"limit": 7, **asked, **cursor}))
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


# --- who sees what -------------------------------------------------------------------------


def test_an_auditor_sees_everything_in_the_order_of_writing(reader: Api) -> None:
    items = all_items(reader.as_("auditor"))
    ids = [item["id"] for item in items]
    assert ids == sorted(set(ids))
    assert {item["site"] for item in items} >= {"NN", "LZ", None}
    assert "account created" in {item["action"] for item in items}


@pytest.fixture
def reader(lived: Lived, cluster: Cluster, served: Served) -> Iterator[Api]:
    """The API over the database in which everything has happened."""
    with serving(cluster, served, "test_lived") as made:
        yield made


@pytest.mark.parametrize("role", ["monitor", "investigator"])
def test_a_site_s_people_see_what_happened_at_their_site_alone(
    lived: Lived, reader: Api, role: str
) -> None:
    here = reader.as_(role)
    items = all_items(here)
    assert {item["site"] for item in items} == {"NN"}
    assert len(items) > 30
    assert all_items(here, site="LZ") == []
    assert all_items(here, subject=lived.subjects["LZ"]) == []
    (text,) = {row["site"] for row in table(here)}
    assert text == "NN"


@pytest.mark.parametrize(
    "role",
    [
        "assessor",
        "coordinator",
        "hospital_system",
        "data_manager",
        "safety_officer",
        "statistician",
        "dmc",
        "admin",
    ],
)
@pytest.mark.parametrize("path", [EVENTS, f"{EVENTS}?format=csv", CHECKPOINTS])
def test_others_see_nothing_of_it(unchanged: Api, role: str, path: str) -> None:
    problem(unchanged.as_(role).get(path), 403, "forbidden")


# --- what is told ---------------------------------------------------------------------------


def test_a_correction_shows_who_from_what_to_what_and_why(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.lived()
    auditor = api.as_("auditor")
    (item,) = all_items(auditor, subject=subject["id"], action="grading corrected")
    me = ok(investigator.get("/v1/me"))
    assert item["actor"] == {"id": me["id"], "name": me["name"], "role": "investigator"}
    assert item["subject"] == {"id": subject["id"], "number": subject["number"]}
    assert item["changes"] == [{"field": "grade", "old": 2, "new": 3}]
    assert (item["reason"], item["site"], item["record"]) == ("Misread", "NN", "grading")
    assert item["detail"] is None
    assert item["summary"] == (
        f"{me['name']} (investigator) corrected a grading of subject {subject['number']}:"
        " grade from 2 to 3, because “Misread”."
    )
    (followed,) = all_items(auditor, subject=subject["id"], action="adverse event corrected")
    changed = {one["field"]: (one["old"], one["new"]) for one in followed["changes"]}
    assert changed.keys() == {"informed_at", "outcome"}
    assert changed["outcome"] == ("recovering", "recovered")
    (delivered,) = all_items(auditor, subject=subject["id"], action="radiotherapy corrected")
    assert [one["field"] for one in delivered["changes"]] == ["first_fraction_on"]


def test_a_correction_of_one_visit_is_told_against_that_visit(api: Api) -> None:
    investigator = api.as_("investigator")
    here = f"/v1/subjects/{investigator.on_treatment()['id']}/visits"
    today = api.today()
    ok(investigator.put(f"{here}/RT1A", {"date": str(today)}))
    ok(investigator.put(f"{here}/RT1B", {"missed_reason": "Holiday"}))
    change = {"date": str(today - timedelta(days=1)), "reason": "Misread"}
    ok(investigator.put(f"{here}/RT1A", change))
    (item,) = all_items(api.as_("auditor"), action="visit corrected")
    assert item["changes"] == [
        {"field": "visited_on", "old": str(today), "new": str(today - timedelta(days=1))}
    ]


# --- filters ----------------------------------------------------------------------------------


def test_every_filter_keeps_what_fits_and_nothing_else(lived: Lived, reader: Api) -> None:
    auditor = reader.as_("auditor")
    everything = all_items(auditor)
    me = ok(reader.as_("investigator").get("/v1/me"))["id"]
    middle = everything[len(everything) // 2]["at"]
    moment = datetime.fromisoformat(middle)
    filters: dict[tuple[str, str], Any] = {
        ("subject", lived.subjects["NN"]): lambda i: (
            i["subject"] and i["subject"]["id"] == lived.subjects["NN"]
        ),
        ("actor", me): lambda i: i["actor"] and i["actor"]["id"] == me,
        ("action", "subject randomized"): lambda i: i["action"] == "subject randomized",
        ("action", "record read"): lambda i: i["action"] == "record read",
        ("action", "grading recorded"): lambda i: i["action"] == "grading recorded",
        ("record", "consent"): lambda i: i["record"] == "consent",
        ("site", "LZ"): lambda i: i["site"] == "LZ",
        ("from", middle): lambda i: datetime.fromisoformat(i["at"]) >= moment,
        ("to", middle): lambda i: datetime.fromisoformat(i["at"]) < moment,
    }
    known = {item["id"] for item in everything}
    for (name, value), fits in filters.items():
        kept = [item for item in all_items(auditor, **{name: value}) if item["id"] in known]
        assert kept == [item for item in everything if fits(item)], name
        assert 0 < len(kept) < len(everything), name


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"subject": "x"}, "/query/subject"),
        ({"actor": "x"}, "/query/actor"),
        ({"action": "x"}, "/query/action"),
        ({"record": "X"}, "/query/record"),
        ({"site": "nn"}, "/query/site"),
        ({"from": "2026-01-01T00:00:00"}, "/query/from"),
        ({"to": "yesterday"}, "/query/to"),
        ({"since": "2026-01-01T00:00:00Z"}, "/query/since"),
        ({"format": "xml"}, "/query/format"),
        ({"format": "csv", "limit": 10}, "/query/limit"),
        ({"limit": 0}, "/query/limit"),
        ({"other": 1}, "/query/other"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(
    unchanged: Api, asked: dict[str, Any], place: str
) -> None:
    found = mistakes(unchanged.as_("auditor").get(EVENTS, params=asked))
    assert [pointer for pointer, _ in found] == [place]


@pytest.mark.parametrize("path", [EVENTS, CHECKPOINTS])
@pytest.mark.parametrize("cursor", ["x", "AAAA", "AZq_AMDecACAAAAAAAAAAA"])
def test_a_cursor_of_another_list_is_refused(unchanged: Api, path: str, cursor: str) -> None:
    problem(unchanged.as_("auditor").get(path, params={"cursor": cursor}), 400, "bad_cursor")


# --- the table --------------------------------------------------------------------------------


def table(api: Api, **asked: Any) -> list[dict[str, str]]:
    answer = api.get(EVENTS, params={"format": "csv", **asked})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(answer.text.splitlines(keepends=True)))


def test_the_table_holds_every_event_however_many(
    reader: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 9)
    auditor = reader.as_("auditor")
    items = all_items(auditor)
    rows = table(auditor)
    assert [int(row["id"]) for row in rows[: len(items)]] == [item["id"] for item in items]
    assert [row["summary"] for row in rows[: len(items)]] == [item["summary"] for item in items]
    # What came after is the reading of the pages themselves.
    assert {row["record"] for row in rows[len(items) :]} == {"list_audit_events"}
    site = table(auditor, site="LZ")
    assert [row["id"] for row in site] == [
        str(item["id"]) for item in items if item["site"] == "LZ"
    ]


def test_taking_a_table_is_in_the_trail(api: Api) -> None:
    auditor = api.as_("auditor")
    subject = api.as_("investigator").screened()
    asked = {"subject": subject["id"], "from": "2026-01-01T00:00:00Z"}
    assert [row["action"] for row in table(auditor, **asked)] == ["subject enrolled"]
    (item,) = all_items(auditor, action="trail exported")
    assert item["actor"]["role"] == "auditor"
    assert (item["site"], item["subject"]["id"]) == ("NN", subject["id"])
    assert item["detail"] == asked


def test_what_is_asked_of_another_site_leaves_nothing_in_its_trail(api: Api) -> None:
    assert table(api.as_("investigator", "LZ"), site="NN") == []
    (item,) = all_items(api.as_("auditor"), action="trail exported")
    assert (item["site"], item["detail"]) == (None, {"site": "NN"})


def test_reading_the_trail_is_in_the_trail(api: Api) -> None:
    ok(api.as_("monitor").get(EVENTS, params={"record": "subject", "site": "NN"}))
    (read,) = [
        item
        for item in all_items(api.as_("auditor"), record="list_audit_events")
        if item["actor"]["role"] == "monitor"
    ]
    assert read["detail"] == {"record": "subject", "site": "NN"}


def test_reading_the_history_of_a_subject_is_reading_their_record(api: Api) -> None:
    subject = api.as_("investigator").screened()
    monitor = api.as_("monitor")
    ok(monitor.get(EVENTS, params={"subject": subject["id"]}))
    (item,) = all_items(api.as_("auditor"), action="record read")
    assert (item["site"], item["record"]) == ("NN", "list_audit_events")
    assert item["actor"]["role"] == "monitor"


# --- checkpoints --------------------------------------------------------------------------------


def test_the_checkpoints_are_what_verify_takes(
    cluster: Cluster, served: Served, trail: Trail
) -> None:
    with serving(cluster, served, trail.name) as api:
        monitor = api.as_("monitor")
        pages: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = monitor.get(CHECKPOINTS, params={"limit": 3, **cursor})
            pages.append(answer.text)
            if ok(answer)["next_cursor"] is None:
                break
            cursor = {"cursor": answer.json()["next_cursor"]}
    assert len(pages) == 2
    kept = kept_checkpoints("\n".join(pages))
    assert kept == trail.kept()
    assert list(kept) == [1, 2, 3, 4]
    trail.seal()
    assert trail.verify(kept=kept).faults == []


def test_an_unknown_subject_s_history_is_empty(unchanged: Api) -> None:
    page = ok(unchanged.as_("auditor").get(EVENTS, params={"subject": str(uuid4())}))
    assert page == {"items": [], "next_cursor": None}


def test_a_new_event_does_not_move_a_page(api: Api) -> None:
    investigator, auditor = api.as_("investigator"), api.as_("auditor")
    for _ in range(3):
        created(investigator.post("/v1/subjects", SUBJECT))
    first = ok(auditor.get(EVENTS, params={"action": "subject enrolled", "limit": 2}))
    created(investigator.post("/v1/subjects", SUBJECT))
    asked = {"action": "subject enrolled", "limit": 2, "cursor": first["next_cursor"]}
    second = ok(auditor.get(EVENTS, params=asked))
    numbers = [item["subject"]["number"] for item in first["items"] + second["items"]]
    assert numbers == ["NN-0001", "NN-0002", "NN-0003", "NN-0004"]
    assert datetime.fromisoformat(second["items"][0]["at"]) <= datetime.now(UTC)

"""Source data verification over HTTP: once per version, and again after a correction."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tests.make import Api, Json, created, grading, mistakes, ok, path, plan, problem


def graded(api: Api, site: str = "NN") -> Json:
    """A grading of the only assessor at a site."""
    investigator = api.as_("investigator", site)
    subject = investigator.consented(site=site)
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today() + timedelta(days=10))))
    visit = path(subject, "visits", "BL")
    ok(investigator.put(visit, {"date": str(api.today())}, version=0))
    return created(investigator.post(f"{visit}/gradings", grading(api.today(), grade=0)))


def verify(caller: Api, made: Json, version: int = 1, **more: object) -> httpx.Response:
    return caller.post(f"/v1/gradings/{made['id']}/verifications", {"version": version, **more})


def correct(api: Api, made: Json) -> None:
    body = {"pain_score": 6, "reason": "Misread the sheet"}
    ok(api.as_("investigator").patch(f"/v1/gradings/{made['id']}", body))


def states(caller: Api, **filters: object) -> list[tuple[str, int, int | None, str]]:
    found = ok(caller.get("/v1/verifications", params=filters))["items"]
    return [(one["grading_id"], one["current"], one["verified"], one["state"]) for one in found]


def test_a_version_is_verified_once_and_a_correction_makes_it_need_it_again(api: Api) -> None:
    monitor, made = api.as_("monitor"), graded(api)
    assert states(monitor) == [(made["id"], 1, None, "missing")]
    first = created(verify(monitor, made, note="Agrees with the sheet"))
    assert first.items() >= {"version": 1, "name": "Demo monitor", "grading_id": made["id"]}.items()
    assert first["note"] == "Agrees with the sheet"
    problem(verify(monitor, made), 409, "already_verified")
    assert states(monitor) == [(made["id"], 1, 1, "verified")]
    correct(api, made)
    assert states(monitor) == [(made["id"], 2, 1, "outdated")]
    for stale in (1, 3):
        problem(verify(monitor, made, stale), 409, "not_the_current_version")
    second = created(verify(monitor, made, 2))
    assert second["note"] is None
    assert states(monitor) == [(made["id"], 2, 2, "verified")]
    here = f"/v1/gradings/{made['id']}/verifications"
    assert ok(monitor.get(here))["items"] == [first, second]


def test_the_work_list_is_filtered_by_site_and_state(api: Api) -> None:
    manager = api.as_("data_manager")
    one, two, three = graded(api), graded(api), graded(api, "LZ")
    for made in (one, two):
        created(verify(api.as_("monitor"), made))
    correct(api, two)
    rows = [
        (one["id"], 1, 1, "verified"),
        (two["id"], 2, 1, "outdated"),
        (three["id"], 1, None, "missing"),
    ]
    assert states(manager) == rows
    for row in rows:
        assert states(manager, state=row[3]) == [row]
    assert states(manager, site="LZ") == states(api.as_("monitor", "LZ")) == rows[2:]
    assert states(api.as_("monitor")) == rows[:2]
    page = ok(manager.get("/v1/verifications", params={"limit": 2}))
    rest = ok(manager.get("/v1/verifications", params={"cursor": page["next_cursor"]}))
    assert [row["grading_id"] for row in page["items"] + rest["items"]] == [row[0] for row in rows]


def test_an_unknown_grading_or_one_of_another_site_is_not_there(api: Api) -> None:
    made = graded(api)
    problem(verify(api.as_("monitor", "LZ"), made), 404, "not_found")
    problem(verify(api.as_("monitor"), {"id": str(uuid4())}), 404, "not_found")
    assert api.count("grading_verification") == 0


@pytest.mark.parametrize("version", [0, -1, 1_000_001, "1", 1.5, None])
def test_a_version_is_a_positive_number(unchanged: Api, version: object) -> None:
    answer = unchanged.as_("monitor").post(
        f"/v1/gradings/{uuid4()}/verifications", {"version": version}
    )
    assert [pointer for pointer, _ in mistakes(answer)] == ["/version"]


@pytest.mark.parametrize("role", ["investigator", "coordinator", "assessor", "data_manager"])
def test_only_a_monitor_verifies(unchanged: Api, role: str) -> None:
    answer = unchanged.as_(role).post(f"/v1/gradings/{uuid4()}/verifications", {"version": 1})
    problem(answer, 403, "forbidden")

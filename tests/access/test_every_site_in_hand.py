"""A caller whom the service takes for one of every site: only PostgreSQL is left to say no.

Beside test_unfiltered.py, since some filters are no part of a query: a record that was read by
its id is compared with the caller's sites, and the caller here has them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from fastapi import Request

from services.api.core.auth import Principal, Require
from tests.access.test_unfiltered import READS
from tests.lived import Lived
from tests.make import SUBJECT, Api, adverse_event, grading, ok, plan, problem


@pytest.fixture
def unfiltered(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """NN's investigator, for whom the code's filters hold every site: only PostgreSQL is left."""
    require = Require.__call__

    async def everywhere(self: Require, request: Request) -> Principal:
        caller: Principal = await require(self, request)
        return replace(caller, sites=("LZ", "NN", "YL"))

    monkeypatch.setattr(Require, "__call__", everywhere)
    with lived.served() as api:
        yield api.as_("investigator")


@pytest.mark.parametrize("path", READS)
def test_with_every_site_in_hand_another_site_s_subject_still_does_not_exist(
    lived: Lived, unfiltered: Api, path: str
) -> None:
    assert unfiltered.get(f"/v1/subjects/{lived.subjects['NN']}{path}").status_code == 200
    answer = unfiltered.get(f"/v1/subjects/{lived.subjects['LZ']}{path}")
    problem(answer, 404, "not_found")


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/randomizations", "/v1/adverse-events"])
def test_with_every_site_in_hand_a_list_still_holds_no_other_site(
    unfiltered: Api, path: str
) -> None:
    items = ok(unfiltered.get(path, params={"limit": 200}))["items"]
    assert items
    theirs = ok(unfiltered.get(path, params={"limit": 200, "site": "LZ"}))["items"]
    assert theirs == []


@pytest.mark.parametrize("table", ["grading", "adverse_event"])
def test_with_every_site_in_hand_a_record_s_own_address_does_not_help(
    lived: Lived, unfiltered: Api, table: str
) -> None:
    path = {"grading": "/v1/gradings", "adverse_event": "/v1/adverse-events"}[table]
    by_site = dict(lived.api.rows(f"SELECT DISTINCT site, id::text FROM {table}"))
    for suffix in ("", "/versions"):
        assert unfiltered.get(f"{path}/{by_site['NN']}{suffix}").status_code == 200
        problem(unfiltered.get(f"{path}/{by_site['LZ']}{suffix}"), 404, "not_found")


Write = Callable[[Api, str], httpx.Response]
WRITES: dict[str, Write] = {
    "patch": lambda api, here: api.patch(here, {"sex": "male", "reason": "Misread"}, version=1),
    "consent": lambda api, here: api.post(
        f"{here}/consents", {"version": "1.0", "signed_on": str(api.today())}
    ),
    "eligibility": lambda api, here: api.put(f"{here}/eligibility", {"facts": {}}, version=1),
    "radiotherapy": lambda api, here: api.put(
        f"{here}/radiotherapy", plan(api.today(), reason="Revised"), version=2
    ),
    "randomization": lambda api, here: api.post(f"{here}/randomization"),
    "visit": lambda api, here: api.put(
        f"{here}/visits/RT1B", {"date": str(api.today())}, version=0
    ),
    "grading": lambda api, here: api.post(f"{here}/visits/RT1A/gradings", grading(api.today())),
    "adverse event": lambda api, here: api.post(
        f"{here}/adverse-events", adverse_event(api.today())
    ),
    "deviation": lambda api, here: api.post(
        f"{here}/deviations",
        {"code": "visit", "description": "Late", "occurred_on": str(api.today())},
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_with_every_site_in_hand_nothing_is_written_to_another_site(
    lived: Lived, unfiltered: Api, write: str
) -> None:
    before = lived.api.changes()
    answer = WRITES[write](unfiltered, f"/v1/subjects/{lived.subjects['LZ']}")
    problem(answer, 404, "not_found")
    assert lived.api.changes() == before


def test_with_every_site_in_hand_nobody_is_enrolled_at_another_site(
    lived: Lived, unfiltered: Api
) -> None:
    before = lived.api.rows("SELECT code, subjects FROM site ORDER BY code")
    answer = unfiltered.post("/v1/subjects", {**SUBJECT, "site": "LZ"})
    problem(answer, 500, "internal")
    assert lived.api.rows("SELECT code, subjects FROM site ORDER BY code") == before

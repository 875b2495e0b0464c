"""An allocation is never touched, no site learns of another's subject, and one pair is recorded."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import psycopg
import pytest

from services.api.core.permissions import Role
from tests.lived import plain
from tests.make import WITHOUT_CHEMOTHERAPY, Api, Json, correction, created, ok, path, problem

EACH = 20
WAITING = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
RETAINED = (
    "SELECT pair, array_agg(retained ORDER BY retained) FROM randomization_correction GROUP BY pair"
)


def corrections(subject: Json) -> str:
    return path(subject, "randomization", "corrections")


# --- what stands --------------------------------------------------------------------------


def allocations(api: Api) -> list[Any]:
    """Every allocation and subject, with the transaction that last wrote its row."""
    return [
        api.rows(f"SELECT xmin::text, ctid::text, {table}.* FROM {table} ORDER BY id")
        for table in ("allocation", "subject")
    ]


def test_no_correction_changes_an_allocation_or_a_subject(api: Api) -> None:
    manager = api.as_("data_manager")
    one, other = (api.as_("investigator").randomized() for _ in range(2))
    # Locking a row leaves a mark on it, so the lock of a subject is looked through.
    before = allocations(api)[0], [row[2:] for row in allocations(api)[1]]
    today = api.today()
    for body in (
        correction(today, "wrong_stratum", stratum=WITHOUT_CHEMOTHERAPY),
        correction(today, "ineligible", criteria=["I02"]),
        correction(today, "duplicate", other_subject=other["id"]),
    ):
        created(manager.post(corrections(one), body))
    assert (allocations(api)[0], [row[2:] for row in allocations(api)[1]]) == before
    told = api.rows(
        "SELECT DISTINCT record, operation FROM audit_event WHERE role = 'data_manager' ORDER BY 1"
    )
    assert told == [("deviation", "INSERT"), ("randomization_correction", "INSERT")]


# --- what a site sees ---------------------------------------------------------------------


@pytest.fixture
def pair(api: Api) -> tuple[Json, Json]:
    """The same person at two hospitals, as the data manager recorded it."""
    nn, lz = (api.as_("investigator", site).randomized(site=site) for site in ("NN", "LZ"))
    api.paired(nn["id"], lz["id"])
    return nn, lz


def everything(caller: Api, subject: Json) -> dict[str, httpx.Response]:
    """All that a site's investigator or monitor reads of randomization and its errors."""
    here = f"/v1/subjects/{subject['id']}"
    addresses = (
        here,
        f"{here}/randomization",
        f"{here}/randomization/corrections",
        f"{here}/deviations",
        "/v1/subjects",
        "/v1/randomizations",
        "/v1/randomization/corrections",
        "/v1/reports/randomization",
        "/v1/audit-events?limit=200",
        "/v1/audit-events?record=randomization_correction",
        "/v1/audit-events?format=csv",
    )
    return {address: caller.get(address) for address in addresses}


@pytest.mark.parametrize("role", ["investigator", "monitor"])
@pytest.mark.parametrize("side", [0, 1], ids=["NN", "LZ"])
def test_a_site_finds_no_trace_of_the_other_site_s_subject(
    api: Api, pair: tuple[Json, Json], side: int, role: str
) -> None:
    own, other = pair[side], pair[1 - side]
    site, elsewhere = str(own["site"]), str(other["site"])
    for address, answer in everything(api.as_(role, site), own).items():
        assert answer.status_code == 200, (address, answer.text)
        for trace in (other["id"], other["number"], f'"{elsewhere}"', f",{elsewhere},"):
            assert trace not in answer.text, (address, trace)
    (row,) = ok(api.as_(role, site).get(corrections(own)))["items"]
    assert row["retained"] is (side == 0)
    assert row["other_subject"] is None
    problem(api.as_(role, site).get(corrections(other)), 404, "not_found")


def test_what_is_searched_for_above_would_be_found(api: Api, pair: tuple[Json, Json]) -> None:
    """By whoever has both sites, through the same addresses."""
    own, other = pair
    both = api.signed_in(Role.INVESTIGATOR, ("LZ", "NN"))
    found = {address: answer.text for address, answer in everything(both, own).items()}
    of_lists = [address for address in found if "/v1/subjects/" not in address]
    for address in (*of_lists, f"/v1/subjects/{own['id']}/randomization/corrections"):
        traces = (other["id"], other["number"], '"LZ"')
        assert any(trace in found[address] for trace in traces), address
    (row,) = ok(both.get(corrections(own)))["items"]
    assert row["other_subject"] == other["id"]


def test_a_row_holds_nothing_of_the_other_subject_but_the_pair(
    api: Api, pair: tuple[Json, Json]
) -> None:
    rows = api.rows("SELECT to_jsonb(c) FROM randomization_correction c ORDER BY site DESC")
    (one,), (other,) = rows
    shared = {name for name in one if one[name] == other[name] and one[name] is not None}
    assert shared == {
        "kind",
        "pair",
        "reason",
        "discovered_on",
        "protocol_version",
        "recorded_by",
    }
    assert one["pair"] not in {pair[0]["id"], pair[1]["id"], one["id"], other["id"]}


# --- at the same time -----------------------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1])
def test_the_subjects_of_a_pair_are_locked_in_one_order_from_either_side(
    api: Api, side: int
) -> None:
    """So two requests never each hold what the other waits for."""
    manager = api.as_("data_manager")
    subjects = [api.as_("investigator").randomized()["id"] for _ in range(2)]
    first, second = sorted(subjects)
    here, there = subjects[side], subjects[1 - side]
    body = correction(api.today(), "duplicate", other_subject=there)
    locking = "SELECT FROM subject WHERE id = %s FOR UPDATE NOWAIT"
    with psycopg.connect(plain(api.admin_url)) as other, ThreadPoolExecutor(1) as thread:
        other.execute(locking, (first,))
        answer = thread.submit(manager.post, corrections({"id": here}), body)
        while not answer.done() and not api.rows(WAITING):
            time.sleep(0.01)
        other.execute(locking, (second,))
        other.rollback()
        created(answer.result())


@pytest.mark.parametrize("sites", [("NN", "NN"), ("NN", "LZ")])
def test_a_pair_reported_from_both_sides_at_once_is_recorded_once(
    api: Api, sites: tuple[str, str]
) -> None:
    manager = api.as_("data_manager")
    one, other = (api.as_("investigator", site).randomized(site=site) for site in sites)
    before = api.rows("SELECT xmin::text, allocation.* FROM allocation ORDER BY id")
    barrier = Barrier(2 * EACH)

    def report(here: Json, there: Json) -> httpx.Response:
        body = correction(api.today(), "duplicate", other_subject=there["id"])
        barrier.wait()
        while (answer := manager.post(corrections(here), body)).status_code == 503:
            pass  # more of them than a slow machine answers in time: asked again
        return answer

    with ThreadPoolExecutor(2 * EACH) as threads:
        answers = list(threads.map(report, [one, other] * EACH, [other, one] * EACH))
    outcomes = Counter(
        answer.status_code if answer.is_success else answer.json()["type"] for answer in answers
    )
    assert outcomes == {201: 1, "/problems/already_paired": 2 * EACH - 1}
    assert [retained for _, retained in api.rows(RETAINED)] == [[False, True]]
    assert api.count("deviation") == 2
    assert api.rows("SELECT xmin::text, allocation.* FROM allocation ORDER BY id") == before

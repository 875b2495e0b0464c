"""Nobody overwrites a change they have not seen, and nobody fetches twice what they hold."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.errors import StaleVersion
from services.api.core.etag import check_version, tag, unchanged
from tests.make import MERGE_PATCH, Api, ok, plan, problem


@given(st.binary(), st.binary(), st.none() | st.integers(0, 999), st.none() | st.integers(0, 999))
def test_equal_tags_mean_equal_bytes_and_versions(
    one: bytes, other: bytes, version: int | None, another: int | None
) -> None:
    same = one == other and (version or 0) == (another or 0)
    assert (tag(one, version) == tag(other, another)) == same


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, False),
        ("", False),
        ('"1-a"', True),
        ('W/"1-a"', True),
        ('"0-b", "1-a"', True),
        ('"0-b",W/"1-a" ', True),
        ("*", True),
        ('"1-b"', False),
        ('"1"', False),
        ("1-a", False),
    ],
)
def test_what_the_caller_holds_is_compared_weakly(held: str | None, expected: bool) -> None:
    assert unchanged(held, '"1-a"') is expected


def test_only_the_current_version_may_be_changed() -> None:
    check_version(3, 3)
    for stale in (0, 2, 4):
        with pytest.raises(StaleVersion):
            check_version(stale, 3)


def test_an_unchanged_record_is_a_304_without_a_body(api: Api) -> None:
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.screened()['id']}"
    held = investigator.get(path).headers["ETag"]
    answer = investigator.get(path, headers={"If-None-Match": held})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", held)
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-Request-Id"]
    investigator.patch(path, {"sex": "male", "reason": "Misread the source"})
    fresh = investigator.get(path, headers={"If-None-Match": held})
    assert ok(fresh)["sex"] == "male"
    assert fresh.headers["ETag"] != held


def test_the_tag_follows_what_is_derived_though_no_version_changed(api: Api) -> None:
    """A visit becomes overdue by the passing of time alone."""
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.on_treatment()['id']}/visits/RT1A"
    before = investigator.get(path)
    api.move_to(api.today() + timedelta(days=30))
    after = investigator.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert ok(before)["status"] != ok(after)["status"]
    assert before.json()["version"] == after.json()["version"] == 0
    assert before.headers["ETag"] != after.headers["ETag"]
    day = api.today() - timedelta(days=29)
    answer = investigator.request(
        "PUT", path, json={"date": str(day)}, headers={"If-Match": before.headers["ETag"]}
    )
    assert ok(answer)["version"] == 1


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "if_match_missing"),
        ("", 412, "stale_version"),
        ("*", 412, "stale_version"),
        ('"2"', 412, "stale_version"),
        ('"0"', 412, "stale_version"),
        ('W/"1"', 412, "stale_version"),
        ('"1", "2"', 412, "stale_version"),
        ('"one"', 412, "stale_version"),
        ("1", 412, "stale_version"),
        ('"-1"', 412, "stale_version"),
        ('"99999999999999999999"', 412, "stale_version"),
    ],
)
def test_a_change_names_the_version_it_was_made_on(
    api: Api, if_match: str | None, status: int, code: str
) -> None:
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.screened()['id']}"
    headers = {"Content-Type": MERGE_PATCH}
    if if_match is not None:
        headers["If-Match"] = if_match
    answer = investigator.request(
        "PATCH", path, json={"sex": "male", "reason": "Misread"}, headers=headers
    )
    problem(answer, status, code)
    assert ok(investigator.get(path))["version"] == 1


@pytest.mark.parametrize("if_match", ['"1"', '"1-0123456789abcdef"'])
def test_the_version_guards_and_the_digest_only_tells_copies_apart(api: Api, if_match: str) -> None:
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.screened()['id']}"
    headers = {"If-Match": if_match, "Content-Type": MERGE_PATCH}
    body = {"sex": "male", "reason": "Misread"}
    assert ok(investigator.request("PATCH", path, json=body, headers=headers))["version"] == 2


def test_of_two_writers_the_second_is_told(api: Api) -> None:
    investigator, coordinator = api.as_("investigator"), api.as_("coordinator")
    path = f"/v1/subjects/{investigator.consented()['id']}/radiotherapy"
    held = investigator.get(path).headers["ETag"]
    assert held == coordinator.get(path).headers["ETag"]
    start = api.today() + timedelta(days=10)
    first = investigator.request("PUT", path, json=plan(start), headers={"If-Match": held})
    assert ok(first)["version"] == 1
    second = coordinator.request("PUT", path, json=plan(start), headers={"If-Match": held})
    problem(second, 412, "stale_version")
    again = plan(start, planned_dose_gy=70, reason="Plan revised")
    answer = coordinator.request(
        "PUT", path, json=again, headers={"If-Match": first.headers["ETag"]}
    )
    assert ok(answer)["version"] == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v1/me",
        "/v1/study",
        "/v1/sites/NN",
        "/v1/protocol-versions/1.0",
        "/v1/randomization/commitment",
        "/.well-known/jwks.json",
    ],
)
def test_every_single_resource_has_a_tag(unchanged: Api, path: str) -> None:
    monitor = unchanged.as_("monitor")
    held = monitor.get(path).headers["ETag"]
    again = monitor.get(path, headers={"If-None-Match": held})
    assert (again.status_code, again.content) == (304, b"")


def test_a_list_has_no_tag(unchanged: Api) -> None:
    for path in ("/v1/subjects", "/v1/sites", "/v1/protocol-versions"):
        answer = unchanged.as_("monitor").get(path, headers={"If-None-Match": "*"})
        assert ok(answer)["items"] is not None
        assert "ETag" not in answer.headers


def test_what_a_caller_is_told_of_a_subject_no_proxy_keeps(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    for path in (f"/v1/subjects/{subject['id']}", "/v1/subjects"):
        assert investigator.get(path).headers["Cache-Control"] == "private, no-cache"

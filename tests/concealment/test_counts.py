"""Who recruits is told of each allocation at the own site one by one, and no counts by arm.

In another world every allocation of the past has the other arm, and more subjects are randomized
at the other sites. If anything counted the subjects in an arm, or told anything of another site,
it would be told otherwise there.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.api.core.permissions import Role
from services.api.embedded import Cluster
from services.api.randomization import service
from tests.concealment.answers import MASKS, Mask, Reader
from tests.concealment.requests import Answer, Asked, operation, reads
from tests.concealment.worlds import LIST, Trial, World, flipped, world
from tests.conftest import Served
from tests.make import created

RECRUITERS = (
    Role.INVESTIGATOR,
    Role.COORDINATOR,
    Role.HOSPITAL_SYSTEM,
    Role.ASSESSOR,
    Role.MONITOR,
)
ARMS = LIST.design.arm_codes
ALLOCATIONS = "/v1/randomizations"
ELSEWHERE = re.compile(r"\b(LZ|YL)-([CN]-\d{3}|\d{4})\b")
"""The number of an allocation, or of a subject, at another site."""
PUBLISHED = {
    "read_commitment",
    "read_labels",
    "read_study",
    "read_protocol_version",
    "list_protocol_versions",
    "undescribed",
}
"""What names both arms to everybody."""
ONE_BY_ONE = {
    ("read_randomization", "/arm"),
    ("list_randomizations", "/items/*/arm"),
    ("list_audit_events", "/items/*/changes/*/new"),
}
"""Where one subject's arm is told."""


# --- two worlds ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What those who recruit at NN were answered, and what a service that counts would answer."""

    answers: list[Answer]
    heard: list[tuple[Asked, str]]
    leaking: list[str]


def arm(_: Reader, one: Any) -> None:
    """The arm of one allocation, where it is told."""
    if "arm" in one:
        assert one["arm"] in ARMS
        one["arm"] = "(arm)"


def allocation(reader: Reader, one: Any) -> None:
    """The arm where the trail tells that a subject was given it."""
    MASKS["list_audit_events"](reader, one)
    if one["record"] == "allocation":
        for change in one["changes"]:
            if change["field"] == "arm":
                assert change["new"] in ARMS
                change["new"] = "(arm)"


ARM_BY_ARM: dict[str, Mask] = {
    **MASKS,
    "read_randomization": arm,
    "list_randomizations": arm,
    "list_audit_events": allocation,
}


def told(opened: World) -> Told:
    reader = Reader(datetime.now(UTC), ARM_BY_ARM)
    with opened.superuser() as superuser:
        # Events are numbered through all sites, so their numbers tell how much is done elsewhere.
        superuser.execute("SELECT setval('audit_event_id_seq', 2000000)")
    answers: list[Answer] = []
    for role in RECRUITERS:
        answers += reads(opened, role.value, opened.api.signed_in(role, ("NN",)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "list_allocations", counting(service.list_allocations))
        leaking = [*operation(opened, Role.MONITOR, opened.api.as_("monitor"), *described(opened))]
    return Told(
        answers,
        [(asked, reader.heard(asked, answer)) for asked, answer in answers],
        [reader.heard(asked, answer) for asked, answer in leaking],
    )


def described(opened: World) -> tuple[str, Any]:
    return ALLOCATIONS, opened.described["paths"][ALLOCATIONS]["get"]


def counting(usual: Any) -> Any:
    """The list of allocations with a count of an arm in a field of its own."""

    def leaking(*asked: Any) -> Any:
        rows, cursor = usual(*asked)
        counted = sum(row["arm"] == ARMS[0] for row in rows)
        return [{**row, "evaluation_version": counted} for row in rows], cursor

    return leaking


@pytest.fixture(scope="module")
def usual(cluster: Cluster, served: Served, trial: Trial) -> Told:
    with world(cluster, served, trial, "usual", LIST) as opened:
        return told(opened)


@pytest.fixture(scope="module")
def other(cluster: Cluster, served: Served, trial: Trial) -> Told:
    with world(cluster, served, trial, "other", LIST) as opened:
        for (site, _), subjects in trial.waiting.items():
            for subject in subjects if site != "NN" else ():
                api = opened.api.as_("investigator", site)
                created(api.post(f"/v1/subjects/{subject}/randomization"))
        with opened.superuser() as superuser:
            superuser.execute("SET session_replication_role = replica")
            superuser.execute(
                "UPDATE allocation SET arm = CASE arm WHEN %s THEN %s ELSE %s END",
                (ARMS[0], ARMS[1], ARMS[0]),
            )
            superuser.execute(
                "UPDATE audit_event SET new = jsonb_set(new, '{arm}', to_jsonb(arm))"
                " FROM allocation a WHERE record = 'allocation' AND record_id = a.id::text"
            )
        return told(opened)


# --- nothing is counted ----------------------------------------------------------------------


def test_no_answer_depends_on_how_many_are_in_an_arm_nor_on_another_site(
    usual: Told, other: Told
) -> None:
    for (asked, one), (again, another) in zip(usual.heard, other.heard, strict=True):
        assert asked == again
        assert one == another, asked


def test_a_count_would_be_found(usual: Told, other: Told, trial: Trial) -> None:
    """The arms are uneven at the site and in a stratum, so that swapping them changes any count."""
    assert usual.leaking != other.leaking
    of_site = Counter(
        arm
        for code, drawn in trial.past.items()
        if code.startswith("NN")
        for arm in LIST.arms[code][:drawn]
    )
    assert len(set(of_site.values())) == len(ARMS)


def test_the_worlds_differ_where_one_arm_is_told(usual: Told, other: Told) -> None:
    """So what is left out above is not all that could have told."""
    arms = [
        [item.get("arm") for item in answer.json()["items"]]
        for one in (usual, other)
        for asked, answer in one.answers
        if (asked.caller, asked.said) == (Role.MONITOR, ALLOCATIONS)
    ]
    assert [*flipped(arms[0])] == arms[1]


# --- each arm stands where it is one subject's -------------------------------------------------


def leaves(read: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a JSON document with its place; keys stand for themselves."""
    if isinstance(read, dict):
        for name, value in read.items():
            yield f"{place} key", name
            yield from leaves(value, f"{place}/{name}")
    elif isinstance(read, list):
        for value in read:
            yield from leaves(value, f"{place}/*")
    elif isinstance(read, str):
        yield place, read


def body(answer: httpx.Response) -> Any:
    """What an answer holds, be it JSON or a table."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/csv"):
        rows = [*csv.DictReader(io.StringIO(answer.text))]
        return {"items": [{**row, "changes": json.loads(row["changes"] or "[]")} for row in rows]}
    return answer.json() if "json" in kind else answer.text


def test_an_arm_is_named_only_where_it_is_one_subject_s(usual: Told) -> None:
    """So no list has arms for keys, and no figure stands beside an arm."""
    found = {
        (asked.operation, place)
        for asked, answer in usual.answers
        if asked.operation not in PUBLISHED
        for place, text in leaves(body(answer))
        if any(arm in text for arm in ARMS)
    }
    assert found == ONE_BY_ONE


def test_the_assessor_is_named_none(usual: Told) -> None:
    for asked, answer in usual.answers:
        if asked.caller == Role.ASSESSOR and asked.operation not in PUBLISHED:
            assert not any(arm in answer.text for arm in ARMS), asked


def test_nobody_at_a_site_is_shown_a_number_of_another_site(usual: Told, other: Told) -> None:
    for asked, answer in usual.answers + other.answers:
        assert ELSEWHERE.search(answer.text) is None, asked

"""An event reads as a sentence that a person understands, and its action is a stable word."""

from dataclasses import replace

import pytest

from services.api.audit.tables import NOT_RECORDS
from services.api.audit.wording import (
    CHANGES,
    TELLING,
    AuditAction,
    Change,
    Happened,
    action,
    changes,
    summary,
)
from services.api.core.audit import Happening
from services.api.models import metadata

CORRECTED = Happened(
    operation="INSERT",
    record="grading",
    site="NN",
    subject="NN-0001",
    old=None,
    new={"id": "x", "version": 2, "grade": 3, "reason": "Misread", "diet": "soft"},
    previous={"id": "x", "version": 1, "grade": 2, "reason": None, "diet": "soft"},
    actor="Wei Lan",
    role="safety_officer",
    reason="Misread",
)
CHANGED = replace(
    CORRECTED,
    operation="UPDATE",
    record="account",
    subject=None,
    old={"username": "wl", "role": "monitor", "active": True, "name": "W", "sites": ["NN"]},
    new={"username": "wl", "role": "auditor", "active": False, "name": None, "sites": []},
    previous=None,
    reason=None,
)


def test_a_correction_is_told_from_what_to_what_and_why() -> None:
    assert action(CORRECTED) == "grading corrected"
    assert summary(CORRECTED) == (
        "Wei Lan (safety officer) corrected a grading of subject NN-0001:"
        " grade from 2 to 3, because “Misread”."
    )
    assert changes(CORRECTED) == [Change("grade", 2, 3)]


def test_the_first_version_is_told_whole() -> None:
    first = replace(CORRECTED, new={"id": "x", "version": 1, "grade": 2}, previous=None, reason="")
    assert action(first) == "grading recorded"
    assert summary(first) == "Wei Lan (safety officer) recorded a grading of subject NN-0001."
    assert changes(first) == [Change("grade", None, 2), Change("version", None, 1)]


def test_more_than_three_changes_are_counted() -> None:
    assert summary(CHANGED) == (
        "Wei Lan (safety officer) changed the account wl: active from yes to no,"
        " name from W to nothing, role from monitor to auditor, 1 more."
    )
    long = replace(CHANGED, old={"name": "a" * 500}, new={"name": "b" * 500})
    assert len(summary(long)) < 220


@pytest.mark.parametrize(
    ("ended", "word"), [(None, "session changed"), ("2026-01-01", "session ended")]
)
def test_the_end_of_a_session_is_told_as_that(ended: str | None, word: str) -> None:
    event = replace(CHANGED, record="account_session", new={"ended_at": ended}, old={})
    assert action(event) == word


@pytest.mark.parametrize(("subject", "word"), [("NN-0001", "record read"), (None, "list read")])
def test_a_reading_is_of_a_record_or_of_a_list(subject: str | None, word: str) -> None:
    event = replace(CORRECTED, operation="READ", record="read_visit", new=None, subject=subject)
    assert action(event) == word
    assert "(read visit)" in summary(event)
    assert changes(event) == []


def test_nobody_is_told_as_somebody() -> None:
    refused = replace(CORRECTED, operation="SIGN_IN_REFUSED", actor=None, role=None, reason=None)
    assert summary(refused) == "Someone was refused to sign in."
    assert summary(replace(CORRECTED, actor=None, reason=None)).startswith("The system corrected")


def test_a_record_without_words_of_its_own_is_told_all_the_same() -> None:
    unknown = replace(CORRECTED, record="new_table", previous=None)
    assert action(unknown) == "new table recorded"
    assert action(replace(unknown, operation="DELETE")) == "new table removed"
    assert summary(unknown) == ("Wei Lan (safety officer) insert new table, because “Misread”.")
    assert action(replace(CORRECTED, operation="DELETE")) == "grading removed"


def test_every_record_and_every_happening_has_its_words() -> None:
    records = {one.record for one in TELLING if one.operation in CHANGES}
    assert records == set(metadata.tables) - NOT_RECORDS
    assert {one.operation for one in TELLING} - {"INSERT", "UPDATE"} == set(Happening)
    assert {one.action for one in TELLING} == set(AuditAction)

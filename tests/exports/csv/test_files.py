"""The files hold every row and column of the record, under names that the dictionary knows."""

import csv
import io
from collections import Counter
from typing import Any

import pytest

from services.api.exports.csv.dictionary import codelists
from services.api.exports.csv.files import FILES
from services.api.exports.csv.files.review import LOCKS
from services.api.exports.csv.files.signatures import SIGNATURES
from services.api.exports.csv.writer import single
from services.api.exports.extract import Extract, Options, Part
from tests.exports.conftest import Opener
from tests.lived import Lived
from tests.make import Api, Json, ok

Lines = list[dict[str, str]]

IN_ANOTHER_FORM = {
    "eligibility_evaluation": {"facts", "normalised", "criteria"},
    "radiotherapy": {"interruptions"},
    "adverse_event": {"first_id"},
    "allocation": {"seq", "prev_seq"},
}
"""Columns that a file tells otherwise: as files of their own, as the case; or the place in the
list, which the randomization number is made of."""
OF_EVERY_LINE = {"site", "subject_id", "id", "number"}


def lines(extract: Extract, name: str) -> Lines:
    """A file, read back."""
    text = b"".join(single(extract, Options(dataset=name))).decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("part", Part, ids=lambda part: part.name)
def test_every_column_that_is_read_stands_in_a_file(part: Part) -> None:
    source = part.source
    told = {column.source for file in FILES for column in file.columns}
    names = {column.name for column in source.columns}
    missing = {
        name
        for name in names - OF_EVERY_LINE - IN_ANOTHER_FORM.get(source.name, set())
        if f"{source.name}.{name}" not in told
    }
    if source.name.endswith("_signature"):
        missing -= {one.source.removeprefix("…_signature.") for one in SIGNATURES.columns}
        missing -= {"evaluation_hash", "grading_id", "adverse_event_id", "recorded_at"}
    if source.name == "grading_verification":
        missing -= {"grading_id", "version", "recorded_by"}
    if source.name == "data_query_step":
        missing -= {"id", "version", "role", "recorded_at", "recorded_by"}
    if source.name == "consent_withdrawal":
        missing -= {"consent_id"}
    assert missing == set()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("subjects", "SELECT count(*) FROM subject", id="subjects"),
        pytest.param("consents", "SELECT count(*) FROM consent", id="consents"),
        pytest.param(
            "gradings", "SELECT count(DISTINCT id) FROM grading", id="gradings, not versions"
        ),
        pytest.param("visits", "SELECT count(DISTINCT (subject_id, code)) FROM visit", id="visits"),
        pytest.param("exposures", "SELECT count(DISTINCT id) FROM exposure", id="exposures"),
        pytest.param(
            "adverse_events", "SELECT count(DISTINCT id) FROM adverse_event", id="adverse events"
        ),
        pytest.param("deviations", "SELECT count(*) FROM deviation", id="deviations"),
        pytest.param("endpoints", "SELECT count(*) FROM subject", id="endpoints"),
        pytest.param(
            "eligibility_criteria",
            "SELECT sum(jsonb_array_length(criteria)) FROM eligibility_evaluation",
            id="criteria",
        ),
        pytest.param(
            "signatures",
            "SELECT (SELECT count(*) FROM eligibility_signature)"
            " + (SELECT count(*) FROM grading_signature)"
            " + (SELECT count(*) FROM adverse_event_signature)",
            id="signatures",
        ),
    ],
)
def test_a_file_has_a_line_for_each_record(
    extract: Extract, lived: Lived, name: str, count: Any
) -> None:
    (stored,) = lived.ask(count)
    assert len(lines(extract, name)) == stored > 0


def test_what_was_corrected_stands_in_superseded_with_its_reason(extract: Extract) -> None:
    former = [
        one
        for one in lines(extract, "superseded")
        if (one["table"], one["column"]) == ("grading", "grade")
    ]
    current = {one["grading_id"]: one for one in lines(extract, "gradings")}
    assert former
    for one in former:
        now = current[one["record_id"]]
        assert (one["value"], one["version"]) == ("2", "1")
        assert (now["grade"], now["version"], now["reason"]) == ("3", "2", "Misread")


def test_a_grading_has_the_flags_that_the_api_answers(
    api: Api, uncertified: list[Json], open_extract: Opener
) -> None:
    told = {one["grading_id"]: one["flags"] for one in lines(open_extract(api), "gradings")}
    assert told == {one["id"]: ";".join(sorted(one["flags"])) for one in uncertified}


def test_what_was_corrected_is_named_as_in_the_file_of_its_records(
    api: Api, open_extract: Opener
) -> None:
    coordinator = api.as_("coordinator")
    taken = coordinator.took_study_drug(api.as_("investigator").treated())
    changed = {"applications": 2, "missed_reason": "Slept at noon", "reason": "Counted again"}
    ok(coordinator.patch(f"/v1/exposures/{taken['id']}", changed))
    extract = open_extract(api)
    (now,) = lines(extract, "exposures")
    former = [one for one in lines(extract, "superseded") if one["table"] == "exposure"]
    assert {one["record_id"] for one in former} == {now["exposure_id"]} == {taken["id"]}
    assert {one["column"]: one["value"] for one in former}["applications"] == "3"


def test_the_dictionary_says_that_a_lock_of_the_whole_trial_is_in_no_export() -> None:
    assert "study_lock" not in {part.source.name for part in Part}
    assert "a lock of the whole trial is in no export" in LOCKS.meaning


def test_every_value_of_a_code_is_in_its_codelist(extract: Extract) -> None:
    known: dict[str, set[str]] = {}
    told = list(codelists(extract.protocol))[1:]
    for name, value, *_ in told:
        known.setdefault(name, set()).add(value)
    patterns = {value for value in known["Visit"] if "{n}" in value}
    found = Counter[str]()
    for file in FILES:
        for line in lines(extract, file.name):
            for column in file.columns:
                for value in filter(None, line[column.name].split(";")):
                    if column.codes is None:
                        break
                    if column.codes == "Visit" and value not in known["Visit"]:
                        number = "".join(filter(str.isdigit, value))
                        value = value.replace(number, "{n}")
                        assert value in patterns
                    assert value in known[column.codes], (file.name, column.name)
                    found[column.codes] += 1
    assert {"Arm", "Role", "Site", "SubjectStatus", "Visit"} <= found.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_s_columns_are_named_once_and_begin_with_the_subject(file: Any) -> None:
    names = [column.name for column in file.columns]
    assert names[:2] == ["subject", "site"]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name == name.lower() for name in names)

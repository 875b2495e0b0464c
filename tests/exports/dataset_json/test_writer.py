"""The datasets are as CDISC's schemas and the specification say, and agree with the database."""

import io
import re
import zipfile
from typing import Any

import pytest
from jsonschema import Draft201909Validator

from services.api.exports.dataset_json.domain import Participant
from services.api.exports.dataset_json.terminology import CODELISTS, RSTESTCD
from services.api.exports.dataset_json.writer import (
    DATASETS,
    DOMAINS,
    SUPPLEMENTS,
    variables,
    whole,
)
from services.api.exports.extract import Extract, Options
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import document, records, schema, streamed
from tests.lived import Lived
from tests.make import Api

DATASET = Draft201909Validator(schema("dataset.schema.json"))
LINE = Draft201909Validator(schema("dataset-ndjson-schema.json"))
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "float": (int, float),
    "date": str,
    "datetime": str,
}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2})?")


def everything(extract: Extract) -> dict[str, Any]:
    return {name: document(extract, name) for name in DATASETS}


def test_every_dataset_is_as_the_schema_says(extract: Extract) -> None:
    for name, found in everything(extract).items():
        assert list(DATASET.iter_errors(found)) == [], name
        assert list(found) == [
            "datasetJSONCreationDateTime",
            "datasetJSONVersion",
            "fileOID",
            "dbLastModifiedDateTime",
            "originator",
            "sourceSystem",
            "studyOID",
            "metaDataVersionOID",
            "itemGroupOID",
            "records",
            "name",
            "label",
            "columns",
            "rows",
        ]
        assert found["records"] == len(found["rows"]) > 0, name


def test_the_schema_would_see_a_mistake(extract: Extract) -> None:
    found = document(extract, "DM")
    for change in ({"records": "1"}, {"extra": 1}, {"columns": [{"name": "X"}]}):
        assert list(DATASET.iter_errors({**found, **change}))


def test_ndjson_has_the_same_content_a_row_a_line(extract: Extract) -> None:
    for name, found in everything(extract).items():
        head, rows = streamed(extract, name)
        assert list(LINE.iter_errors(head)) == [], name
        assert rows == found.pop("rows")
        assert head == found


def test_every_value_is_of_its_column_s_type_and_length(extract: Extract) -> None:
    for name, found in everything(extract).items():
        for row in found["rows"]:
            assert len(row) == len(found["columns"])
            for column, value in zip(found["columns"], row, strict=True):
                where = name, column["name"], value
                if value is None:
                    continue
                assert isinstance(value, TYPES[column["dataType"]]), where
                assert not isinstance(value, bool), where
                if column["dataType"] == "date":
                    assert DAY.fullmatch(str(value)), where
                if column["dataType"] == "datetime":
                    assert MOMENT.fullmatch(str(value)), where
                if "length" in column:
                    assert len(str(value)) <= column["length"], where


def test_the_keys_of_a_dataset_tell_its_records_apart(extract: Extract) -> None:
    for name, found in everything(extract).items():
        keyed = sorted(
            (column["keySequence"], at)
            for at, column in enumerate(found["columns"])
            if "keySequence" in column
        )
        assert [sequence for sequence, _ in keyed] == list(range(1, len(keyed) + 1)), name
        keys = [tuple(row[at] for _, at in keyed) for row in found["rows"]]
        assert len(keys) == len(set(keys)), name


def test_variables_are_named_as_sdtm_names_them() -> None:
    for name, domain in DOMAINS.items():
        names = [one.name for one in variables(domain)]
        assert len(names) == len(set(names))
        for one in variables(domain):
            assert re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", one.name), (name, one.name)
            assert 0 < len(one.label) <= 40, (name, one.label)
        for qualifier, label in domain.qualifiers.items():
            assert re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", qualifier), (name, qualifier)
            assert 0 < len(label) <= 40, (name, label)


def test_every_coded_value_is_in_its_codelist(extract: Extract) -> None:
    checked = 0
    for name, domain in DOMAINS.items():
        coded = [one for one in domain.variables if one.codes is not None]
        for record in records(extract, name):
            for one in coded:
                if (value := record[one.name]) is not None and one.codes is not None:
                    assert value in one.codes.values.values(), (name, one.name, value)
                    checked += 1
    assert checked > 50
    used = {one.codes.name for domain in DOMAINS.values() for one in domain.variables if one.codes}
    assert used <= {one.name for one in CODELISTS}


def test_a_record_holds_only_variables_that_are_declared(extract: Extract) -> None:
    """What is not declared would be lost without a word."""
    for name, domain in DOMAINS.items():
        declared = {one.name for one in domain.variables}
        for record in extract.subjects(domain.parts):
            for row in domain.rows(Participant(extract, record)):
                assert set(row.values) <= declared, name
                assert set(row.supplement) <= set(domain.qualifiers), name


def test_every_supplement_belongs_to_a_record(extract: Extract) -> None:
    for name, domain in SUPPLEMENTS.items():
        known = {
            (one["USUBJID"], one.get(f"{domain.name}SEQ")) for one in records(extract, domain.name)
        }
        found = records(extract, name)
        assert found
        for one in found:
            assert one["RDOMAIN"] == domain.name
            if domain.numbered:
                assert one["IDVAR"] == f"{domain.name}SEQ"
                assert (one["USUBJID"], int(one["IDVARVAL"])) in known
            else:
                assert (one["IDVAR"], one["IDVARVAL"]) == ("", "")
                assert (one["USUBJID"], None) in known


def test_every_record_is_of_a_subject_in_dm(extract: Extract) -> None:
    subjects = {one["USUBJID"] for one in records(extract, "DM")}
    for name in DOMAINS:
        found = records(extract, name)
        assert {one["USUBJID"] for one in found} <= subjects
        if DOMAINS[name].numbered:
            pairs = [(one["USUBJID"], one[f"{name}SEQ"]) for one in found]
            assert len(pairs) == len(set(pairs))


def test_an_empty_trial_has_datasets_without_rows(unchanged: Api, open_extract: Opener) -> None:
    extract = open_extract(unchanged)
    for name in DATASETS[:-1]:
        found = document(extract, name)
        assert list(DATASET.iter_errors(found)) == []
        assert (found["records"], found["rows"]) == (0, [])


COUNTS: dict[str, Any] = {
    "DM": "SELECT count(*) FROM subject",
    "AE": "SELECT count(*) FROM adverse_event AS last WHERE nullified IS NULL AND version ="
    " (SELECT max(version) FROM adverse_event WHERE id = last.id)",
    "EX": "SELECT count(*) FROM exposure AS last WHERE applications > 0 AND version ="
    " (SELECT max(version) FROM exposure WHERE id = last.id)",
    "SV": "SELECT count(DISTINCT (subject_id, code)) FROM visit",
    "PR": "SELECT count(DISTINCT subject_id) FROM radiotherapy WHERE first_fraction_on IS NOT NULL",
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_counts_are_those_of_the_database(extract: Extract, lived: Lived, name: str) -> None:
    (stored,) = lived.ask(COUNTS[name])
    assert document(extract, name)["records"] == stored > 0


def test_the_gradings_have_a_record_for_each_grade_component_and_derived_grade(
    extract: Extract, lived: Lived
) -> None:
    (gradings,) = lived.ask("SELECT count(DISTINCT id) FROM grading")
    found = records(extract, "RS")
    by_test: dict[str, int] = {}
    for one in found:
        if one["RSEVAL"] != "ADJUDICATOR":
            by_test[one["RSTESTCD"]] = by_test.get(one["RSTESTCD"], 0) + 1
        assert RSTESTCD.values[one["RSTESTCD"]] == one["RSTEST"]
    assert set(by_test) == set(RSTESTCD.values)
    assert {by_test[test] for test in ("OMGRADE", "OMPAIN", "OMDIET", "OMPROT")} == {gradings}


def test_the_archive_holds_every_dataset(extract: Extract) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(whole(extract, Options())))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{name.lower()}.json" for name in DATASETS]

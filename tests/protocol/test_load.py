import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.api.protocol import load as loading
from services.api.protocol.load import Loaded, ProtocolMistake, load, load_all, sha256

DOCUMENT = Path(loading.__file__).parent / "documents" / "nct07312656-1.0.yaml"
OPERATORS = (
    "is, one_of, at_least, at_most, above, below, at_most_uln, happened_within, all, any, not"
)

Refused = Callable[[dict[str, Any] | str], tuple[str, ...]]


def test_dates_become_iso_text_and_the_document_is_json(loaded: Loaded) -> None:
    assert loaded.document["effective_on"] == "2026-01-01"
    assert loaded.protocol.effective_on == date(2026, 1, 1)
    assert json.loads(json.dumps(loaded.document)) == loaded.document


def test_the_hash_is_of_the_canonical_json(loaded: Loaded) -> None:
    assert sha256({"b": [1, 2.5], "a": "≥"}) == (
        hashlib.sha256('{"a":"≥","b":[1,2.5]}'.encode()).hexdigest()
    )
    assert loaded.sha256 == sha256(loaded.document)


def test_the_hash_does_not_depend_on_layout_or_the_order_of_keys(
    loaded: Loaded, tmp_path: Path
) -> None:
    turned = dict(reversed(loaded.document.items()))
    file = tmp_path / "turned.yaml"
    file.write_text("# another layout\n" + json.dumps(turned, indent=3), encoding="utf-8")
    assert load(file).sha256 == loaded.sha256


def test_the_hash_is_the_same_in_another_process(loaded: Loaded) -> None:
    script = (
        "from pathlib import Path; from services.api.protocol.load import load; "
        f"print(load(Path({str(DOCUMENT)!r})).sha256)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == loaded.sha256


def test_the_hash_changes_with_one_value(loaded: Loaded, document: dict[str, Any]) -> None:
    document["endpoint"]["severe_grade"] = 2
    assert sha256(document) != loaded.sha256


@pytest.mark.parametrize("field", ["severe_grade", "coverage_share"])
def test_a_loaded_protocol_cannot_be_changed(loaded: Loaded, field: str) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(loaded.protocol.endpoint, field, 1)


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("version",), "1", "version: String should match pattern '^\\d+\\.\\d+$'"),
        (("sites",), [], "sites: Tuple should have at least 1 item after validation, not 0"),
        (("study", "has_dmc"), "yes", "study.has_dmc: Input should be a valid boolean"),
        (("study", "colour"), "blue", "study.colour: Extra inputs are not permitted"),
        (
            ("endpoint", "severe_grade"),
            3.5,
            "endpoint.severe_grade: Input should be a valid integer",
        ),
        (
            ("effective_on",),
            "soon",
            "effective_on: Input should be a valid date in the format YYYY-MM-DD, "
            "input is too short",
        ),
        (
            ("randomization", "block_sizes"),
            [4, 6],
            "randomization.block_sizes: Extra inputs are not permitted",
        ),
        (
            ("randomization", "ratio", "control"),
            0,
            "randomization.ratio.control: Input should be greater than 0",
        ),
        (
            ("randomization", "factors", 1, "levels", 0, "value"),
            None,
            "randomization.factors[1].levels[0].value: "
            "Input should be a valid boolean, or Input should be a valid string",
        ),
        (
            ("visits", "schedule", 1, "day"),
            9,
            "visits.schedule[1]: day must lie between earliest and latest",
        ),
        (
            ("visits", "schedule", 1, "code"),
            "BL{n}",
            "visits.schedule[1]: a repeated visit, and no other, has {n} in its code",
        ),
        (
            ("adverse_events", "clocks", 0, "days"),
            1,
            "adverse_events.clocks[0]: give either hours or days",
        ),
        (
            ("adverse_events", "clocks", 0, "follow_up_days"),
            8,
            "adverse_events.clocks[0]: follow_up_days are counted from days",
        ),
        (
            ("adverse_events", "stopping_rules", 0, "prior", "events"),
            20,
            "adverse_events.stopping_rules[0].prior: a prior has fewer events than subjects",
        ),
        (
            ("adverse_events", "stopping_rules", 0, "certainty"),
            1.0,
            "adverse_events.stopping_rules[0].certainty: Input should be less than 1",
        ),
        (
            ("eligibility", "quantities", 0, "unit"),
            "g",
            "eligibility.quantities[0]: unit g must be among units with factor 1",
        ),
    ],
)
def test_a_mistake_names_file_path_and_what_is_wrong(
    document: dict[str, Any],
    refused: Refused,
    path: tuple[str | int, ...],
    value: object,
    line: str,
) -> None:
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert refused(document) == (f"spoilt.yaml: {line}",)


def test_a_missing_field_is_named(document: dict[str, Any], refused: Refused) -> None:
    del document["eligibility"]["facts"][2]["question"]
    assert refused(document) == ("spoilt.yaml: eligibility.facts[2].question: Field required",)


def test_every_mistake_has_its_line(document: dict[str, Any], refused: Refused) -> None:
    del document["endpoint"]
    document["study"]["phase"] = 2
    assert refused(document) == (
        "spoilt.yaml: study.phase: Input should be a valid string",
        "spoilt.yaml: endpoint: Field required",
    )


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ({"fact": "age_at_consent", "atleast": 1}, f": a condition has one operator: {OPERATORS}"),
        ("age_at_consent", f": a condition has one operator: {OPERATORS}"),
        ({"fact": "age_at_consent", "at_least": "18"}, ".at_least: Input should be a valid number"),
        ({"at_least": 18}, ".fact: Field required"),
        (
            {"fact": "age_at_consent", "at_least": 18, "at_most": 75},
            ".at_most: Extra inputs are not permitted",
        ),
        (
            {"all": [{"fact": "age_at_consent", "above": 17}, {"not": {"fact": "age_at_consent"}}]},
            f".all[1].not: a condition has one operator: {OPERATORS}",
        ),
        (
            {"fact": "last_head_neck_surgery", "happened_within": {"days": 28, "months": 1}},
            ".happened_within: give either days or months",
        ),
        ({"any": []}, ".any: Tuple should have at least 1 item after validation, not 0"),
    ],
)
def test_a_wrong_condition_is_refused_in_one_short_line(
    document: dict[str, Any], refused: Refused, condition: object, line: str
) -> None:
    document["eligibility"]["criteria"][1]["when"] = condition
    assert refused(document) == (f"spoilt.yaml: eligibility.criteria[1].when{line}",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: '1.0'\nversion: '1.1'", "line 2, column 1: key version is given twice"),
        ("study:\n  phase: 1\n  phase: 2", "line 3, column 3: key phase is given twice"),
        ("{a: {b: 1, b: 2}}", "line 1, column 12: key b is given twice"),
        ("on: 1", "line 1, column 1: key True is not text"),
        ("[1, 2]", "is not a mapping"),
        ("", "is not a mapping"),
        ("a: [1", "line 2, column 1: did not find expected ',' or ']'"),
        ("a: &x [*x]", "Circular reference detected"),
        ("a: .nan", "Out of range float values are not JSON compliant"),
        ("a: !!binary aGk=", "a bytes has no form in JSON"),
        (
            "a: !!python/object/apply:os.getcwd []",
            "line 1, column 4: could not determine a constructor for the tag",
        ),
    ],
)
def test_yaml_that_says_something_else_than_json_is_refused(
    refused: Refused, text: str, line: str
) -> None:
    [refusal] = refused(text)
    assert refusal.startswith(f"spoilt.yaml: {line}")


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: \xe9\n")
    with pytest.raises(ProtocolMistake, match=r"^latin\.yaml: "):
        load(file)


def test_a_cross_check_names_file_and_path(document: dict[str, Any], refused: Refused) -> None:
    document["study"]["time_zone"] = "Asia/Nanning"
    assert refused(document) == (
        "spoilt.yaml: study.time_zone: Asia/Nanning is not a time zone of the IANA database",
    )


def test_versions_are_ordered_as_numbers(loaded: Loaded, tmp_path: Path) -> None:
    for version in ("1.10", "1.9"):
        newer = deepcopy(loaded.document) | {"version": version}
        (tmp_path / f"{version}.yaml").write_text(json.dumps(newer), encoding="utf-8")
    assert list(load_all(tmp_path)) == ["1.9", "1.10"]


def test_two_documents_of_one_version_and_a_wrong_one_are_all_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(DOCUMENT.read_bytes())
    (tmp_path / "c.yaml").write_text("{}\n[]", encoding="utf-8")
    with pytest.raises(ProtocolMistake) as mistake:
        load_all(tmp_path)
    assert mistake.value.lines[0] == "b.yaml: version: 1.0 is already used"
    assert mistake.value.lines[1].startswith("c.yaml: line 2")


def test_a_directory_without_a_document_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ProtocolMistake, match="holds no protocol document"):
        load_all(tmp_path)

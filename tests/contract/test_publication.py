"""What breaks callers is published with a new version or after a warning, and never in silence."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from services.api import cli
from services.api.contract.breaks import operations
from services.api.contract.publication import objections, sunset
from services.api.core.deprecation import NOTICE, Deprecation
from tests.contract.test_breaks import TEXT, act, changed, schema
from tests.test_openapi import DOCUMENT
from tools import published
from tools.published import CHANGELOG, PUBLISHED

Json = dict[str, Any]

SINCE = date(2026, 11, 2)
SUNSET = SINCE + NOTICE
ANNOUNCED = datetime(2026, 11, 2, tzinfo=UTC)
BEFORE = datetime(2027, 4, 30, 23, 59, tzinfo=UTC)
AFTER = datetime(2027, 5, 1, tzinfo=UTC)
NOTHING = "# Changelog\n\n## Unreleased\n\n- Something else.\n\n## 0.1.0\n"


def telling(*names: str) -> str:
    lines = "\n".join(f"- `{name}` ends: call another." for name in names)
    return f"# Changelog\n\n## Unreleased\n\n### For callers\n\n{lines}\n\n## 0.1.0\n"


def deprecate(document: Json, until: date = SUNSET) -> None:
    Deprecation(until - NOTICE, until, "list_subjects").describe(act(document, "list_all_visits"))


def versioned(document: Json, version: str) -> Json:
    document["info"]["version"] = version
    return document


def ended(document: Json) -> Json:
    """The document without the operation, and without what it alone used."""
    del document["paths"]["/v1/visits"]
    return document


DEPRECATED = changed(deprecate)
GONE = ended(json.loads(TEXT))


def test_the_current_document_may_be_published() -> None:
    known = json.loads(PUBLISHED.read_text())
    assert objections(known, DOCUMENT, CHANGELOG.read_text(), datetime.now(UTC)) == []


def test_what_only_adds_needs_nothing() -> None:
    new = changed(lambda d: schema(d, "SubjectRead")["properties"].update(height={}))
    assert objections(DOCUMENT, new, NOTHING, AFTER) == []


def test_an_operation_that_was_not_deprecated_does_not_end() -> None:
    (said,) = objections(DOCUMENT, GONE, telling("list_all_visits"), AFTER)
    assert said.startswith("list_all_visits: GET /v1/visits is gone: deprecate it first")


def test_a_deprecated_operation_ends_after_its_sunset_and_not_before() -> None:
    told = telling("list_all_visits")
    assert objections(DEPRECATED, GONE, told, BEFORE)
    assert objections(DEPRECATED, GONE, told, AFTER) == []


def test_what_only_an_ended_operation_used_ends_with_it() -> None:
    alone = "OnlyHere"

    def use(document: Json) -> None:
        deprecate(document)
        answer = act(document, "list_all_visits")["responses"]["200"]["content"]
        answer["application/json"]["schema"] = {"$ref": f"#/components/schemas/{alone}"}
        document["components"]["schemas"][alone] = {"type": "object", "description": "X."}

    told = telling("list_all_visits", alone)
    assert objections(changed(use), GONE, told, AFTER) == []
    assert objections(changed(use), GONE, telling("list_all_visits"), AFTER) != []


def test_a_deprecated_operation_keeps_its_promises_while_it_is_there() -> None:
    new = changed(deprecate)
    act(new, "list_all_visits")["parameters"] = []
    assert objections(DEPRECATED, new, telling("list_all_visits"), AFTER)


def test_every_break_and_deprecation_stands_in_the_changelog() -> None:
    named = 'CHANGELOG.md: name `list_all_visits` under "For callers"'
    elsewhere = telling("list_all_visits").replace("## Unreleased", "## Unreleased\n\n## 0.2.0")
    for changelog in (NOTHING, elsewhere, telling("list_visits"), ""):
        for old, new, now in ((DEPRECATED, GONE, AFTER), (DOCUMENT, DEPRECATED, ANNOUNCED)):
            (said,) = objections(old, new, changelog, now)
            assert said.startswith(named)
    assert objections(DOCUMENT, DEPRECATED, telling("list_all_visits"), ANNOUNCED) == []


def test_notice_counts_from_the_day_on_which_it_is_given() -> None:
    """Else a deprecation dated back would let an operation end on the day it is announced."""
    told, late = telling("list_all_visits"), ANNOUNCED + timedelta(seconds=1)
    (said,) = objections(DOCUMENT, DEPRECATED, told, late)
    assert said == "list_all_visits: callers hear of its end 180 days before it, at least"
    assert objections(DEPRECATED, DEPRECATED, told, late) == []


@pytest.mark.parametrize(
    ("version", "allowed"),
    [("0.1.0", False), ("0.2.0", False), ("1.0.0", True), ("1.0", True)],
)
def test_a_new_version_is_another_first_number(version: str, allowed: bool) -> None:
    new = versioned(changed(lambda d: schema(d, "SubjectRead")["properties"].pop("sex")), version)
    said = objections(DOCUMENT, new, telling("SubjectRead"), AFTER)
    assert (said == []) is allowed
    if allowed:
        assert objections(DOCUMENT, new, NOTHING, AFTER)


def test_a_version_does_not_go_back() -> None:
    (said,) = objections(DOCUMENT, versioned(json.loads(TEXT), "0.0.9"), NOTHING, AFTER)
    assert said.startswith("info.version")


def test_what_stays_under_the_prefix_of_an_older_version_keeps_its_promises() -> None:
    old = versioned(json.loads(TEXT), "1.4.0")
    new = versioned(json.loads(TEXT), "2.0.0")
    act(new, "list_all_visits")["parameters"] = []
    told = telling("list_all_visits")
    assert objections(old, new, told, AFTER)
    assert objections(old, versioned(ended(new), "2.0.0"), told, AFTER) == []


def test_what_concerns_every_caller_needs_a_new_version() -> None:
    new = changed(lambda d: d["components"]["securitySchemes"]["trial"].update(type="http"))
    assert objections(DOCUMENT, new, telling("trial"), AFTER)
    assert objections(DOCUMENT, versioned(new, "1.0.0"), telling("trial"), AFTER) == []


def test_a_sunset_comes_later_and_never_sooner() -> None:
    def moved(days: int) -> list[str]:
        new = changed(lambda d: deprecate(d, SUNSET + timedelta(days)))
        return objections(DEPRECATED, new, NOTHING, BEFORE)

    assert moved(30) == []
    assert moved(-1) == ["list_all_visits: the sunset was 2027-05-01 and comes sooner"]


def test_a_deprecation_without_a_day_is_refused() -> None:
    new = changed(lambda d: act(d, "list_all_visits").update(deprecated=True))
    (said,) = objections(DOCUMENT, new, telling("list_all_visits"), AFTER)
    assert said.startswith("list_all_visits: deprecated without a day")
    assert sunset(operations(DEPRECATED)["GET /v1/visits"]) == datetime(2027, 5, 1, tzinfo=UTC)


# --- as it is asked ------------------------------------------------------------------------


def test_the_command_tells_what_breaks_and_writes_nothing_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "openapi_text", lambda: TEXT)  # made and compared in other tests
    known, target = tmp_path / "known.json", tmp_path / "openapi.json"
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(NOTHING)
    cli.openapi(target, against=PUBLISHED, changelog=changelog)
    assert target.read_text() == TEXT
    known.write_text(TEXT.replace('"national_id": {', '"identity_number": {', 1))
    target.unlink()
    with pytest.raises(typer.Exit):
        cli.openapi(target, against=known, changelog=changelog)
    said = capsys.readouterr().err
    assert "SubjectCreate: schema SubjectCreate/identity_number, sent by callers, is gone" in said
    assert not target.exists()


def test_make_contract_fails_on_a_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert published.main() == 0
    assert capsys.readouterr().err == ""
    other = tmp_path / "openapi.json"
    other.write_text(json.dumps(GONE))
    monkeypatch.setattr(published, "CURRENT", other)
    assert published.main() == 1
    assert "GET /v1/visits is gone" in capsys.readouterr().err

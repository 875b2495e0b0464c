"""Where things are: each module has its tests where one looks for them."""

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ROOT / "services" / "api"
DECLARATIVE = {"__init__", "schemas", "models"}
"""What only declares: its tests are those of the routes and services that use it."""

TESTED_ELSEWHERE = {
    "main": "test_openapi.py",
    "cli": "test_serve.py",
    "document": "test_openapi.py",
    "migrate": "test_migrations.py",
    "events/answer": "events/test_streams.py",
    "events/watch": "events/test_streams.py",
    "exports/odm/classic": "exports/odm/test_writer.py",
    "exports/odm/codelists": "exports/odm/test_writer.py",
    "exports/odm/events": "exports/odm/test_writer.py",
    "exports/odm/evidence": "exports/odm/test_writer.py",
    "exports/odm/header": "exports/odm/test_writer.py",
    "exports/odm/names": "exports/odm/test_writer.py",
    "exports/odm/people": "exports/odm/test_writer.py",
    "exports/odm/second": "exports/odm/test_writer.py",
    "migrations/env": "test_migrations.py",
    "migrations/guard": "test_migrations.py",
    "contract/complete": "test_openapi.py",
    "core/context": "core/test_routing.py",
    "case_reports/assessment": "case_reports/test_message.py",
    "case_reports/codes": "case_reports/test_content.py",
    "case_reports/hl7": "case_reports/test_message.py",
    "case_reports/treatment": "case_reports/test_message.py",
    "audit/chains": "audit/test_verify.py",
    "audit/seals": "audit/test_verify.py",
    "audit/tables": "audit/test_verify.py",
    "audit/service": "audit/test_routes.py",
    "protocol/schema": "protocol/test_document.py",
    "protocol/section": "protocol/test_document.py",
    "reports/arm_pages": "reports/test_render.py",
    "reports/arm_schemas": "reports/test_endpoints.py",
    "reports/blind_pages": "reports/test_render.py",
    "reports/document": "reports/test_render.py",
    "reports/page": "reports/test_render.py",
    "reports/pages": "reports/test_render.py",
    "reports/paper": "reports/test_render.py",
    "reports/participants": "reports/test_consort.py",
    "reports/plots": "reports/test_render.py",
    "reports/queries": "reports/test_service.py",
    "reports/wording": "reports/test_render.py",
    "worker/workshop": "worker/test_process.py",
    "protocol/comparisons": "protocol/test_conditions.py",
    "sandbox/scenarios": "scenarios/test_stage.py",
    "sandbox/stage": "scenarios/test_stage.py",
    "scenarios/closed_out": "scenarios/test_making.py",
    "scenarios/databases": "scenarios/test_stage.py",
    "scenarios/grading": "scenarios/test_making.py",
    "scenarios/hospital": "scenarios/test_making.py",
    "scenarios/lives": "scenarios/test_making.py",
    "scenarios/mid_trial": "scenarios/test_making.py",
    "scenarios/play": "scenarios/test_making.py",
    "scenarios/review": "scenarios/test_making.py",
    "scenarios/safety": "scenarios/test_making.py",
    "scenarios/screening": "scenarios/test_making.py",
}
"""Modules without a test file of their name, and the one that tries them."""

TESTED_TOGETHER = {
    "demo": "demo/test_run.py",
    "exports/csv/files": "exports/csv/test_files.py",
}
"""Folders whose modules make one thing, and the file that tries it."""


def modules() -> list[str]:
    """Every module that does something, as its path without the ending."""
    found = (path.relative_to(CODE).with_suffix("") for path in sorted(CODE.rglob("*.py")))
    return [
        str(path)
        for path in found
        if path.name not in DECLARATIVE
        and (path.name != "errors" or path.parent.name == "core")
        and path.parent.name != "versions"
    ]


def mirror(module: str) -> Path:
    """The test file that one looks for."""
    path = Path(module)
    return ROOT / "tests" / path.parent / f"test_{path.name}.py"


@pytest.mark.parametrize("module", modules())
def test_every_module_has_its_tests(module: str) -> None:
    elsewhere = TESTED_ELSEWHERE.get(module)
    if not mirror(module).exists():
        elsewhere = TESTED_TOGETHER.get(str(Path(module).parent), elsewhere)
    expected = ROOT / "tests" / elsewhere if elsewhere else mirror(module)
    assert expected.exists()
    assert "def test_" in expected.read_text()


def test_the_exceptions_are_needed() -> None:
    for module in TESTED_ELSEWHERE:
        assert module in modules()
        assert not mirror(module).exists()
    alone = {str(Path(module).parent) for module in modules() if not mirror(module).exists()}
    assert TESTED_TOGETHER.keys() <= alone


def test_no_module_is_a_drawer_for_anything() -> None:
    names = {part for module in modules() for part in Path(module).parts}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


OWN: defaultdict[str, set[str]] = defaultdict(
    set,
    accounts={"appointment"},
    adverse_events={"cases", "content", "deaths", "reading"},
    audit={
        "chains",
        "sealing",
        "seals",
        "spreadsheet",
        "statements",
        "tables",
        "verify",
        "wording",
    },
    case_reports={
        "assessment",
        "codes",
        "content",
        "hl7",
        "message",
        "treatment",
        "wording",
    },
    deadlines={"cases"},
    eligibility={"facts"},
    endpoint={"explanation"},
    events={"answer", "streams", "watch"},
    exports={"answer", "archive", "extract", "formats", "spool"},
    radiotherapy={"stratification"},
    reports={
        "agreement",
        "arm_pages",
        "arm_schemas",
        "blind_pages",
        "child",
        "completeness",
        "consort",
        "document",
        "endpoints",
        "page",
        "pages",
        "paper",
        "participants",
        "plots",
        "queries",
        "recruitment",
        "render",
        "safety",
        "wording",
    },
    webhooks={"delivery", "payload", "probing", "secrets", "sending"},
    identity={
        "assertions",
        "credentials",
        "door",
        "passwords",
        "sessions",
        "throttle",
        "totp",
        "watch",
    },
    randomization={
        "commands",
        "contributions",
        "generator",
        "merkle",
        "preconditions",
        "secret",
    },
    sandbox={"gate", "scenarios", "stage"},
    visits={"overdue"},
)
"""What a resource has beside the files that all have."""

RESOURCES = sorted(path.parent.name for path in CODE.glob("*/routes.py"))


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_is_a_folder_of_the_same_files(resource: str) -> None:
    names = {path.stem for path in (CODE / resource).glob("*.py")} - {"__init__"}
    assert {"routes", "schemas", "service"} <= names
    assert names <= {"routes", "schemas", "service", "rules", "models", "errors"} | OWN[resource]


@pytest.mark.parametrize("path", sorted(CODE.rglob("*.py")), ids=lambda path: str(path.name))
def test_a_module_says_in_a_sentence_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert path.name == "__init__.py" or text.startswith('"""')

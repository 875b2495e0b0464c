"""A newcomer guesses the file of anything: every module has its test, every resource its files."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
API = ROOT / "services" / "api"
WITHOUT_A_TEST_OF_THEIR_OWN = {"__init__", "schemas", "errors", "models"} | {
    "context",  # every route's test
    "schema",  # protocol/test_consistency.py
    "comparisons",  # protocol/test_consistency.py
}
TESTED_AS = {
    "cli": "test_serve",
    "main": "test_openapi",
    "document": "test_openapi",
    "migrate": "test_migrations",
}
DEMO = {"chance", "events", "trial", "hospital", "screening", "treatment", "safety", "checks"} | {
    "outcomes",
    "table",
}
"""Parts of the demo that its small run exercises whole."""


def test_every_module_has_the_test_file_that_mirrors_it() -> None:
    missing = []
    for module in API.rglob("*.py"):
        name, folder = module.stem, module.parent.relative_to(API)
        if name in WITHOUT_A_TEST_OF_THEIR_OWN or folder.parts[:1] == ("migrations",):
            continue
        if folder.parts == ("demo",) and name in DEMO:
            continue
        test = TESTED_AS.get(name, f"test_{name}") if not folder.parts else f"test_{name}"
        if not (ROOT / "tests" / folder / f"{test}.py").exists():
            missing.append(str(folder / name))
    assert sorted(missing) == []


def test_every_resource_has_the_same_files() -> None:
    for folder in (path.parent for path in API.glob("*/routes.py")):
        files = {path.stem for path in folder.glob("*.py")}
        assert {"__init__", "routes", "service", "schemas"} <= files, folder.name

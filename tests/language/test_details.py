"""Every text in which the code refuses something can be said in Chinese: the source is walked."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from services.api.case_reports.service import LACKS
from services.api.core.errors import ApiError
from services.api.language.catalogue import details
from services.api.language.tags import Language

CODE = Path(__file__).parents[2] / "services" / "api"
CHINESE = details(Language.CHINESE)

TEXT_AT = {
    "at": 2,
    "_fault": -1,
    "_failure": 1,
    "Mistake": 2,
    "_refuse": 2,
    "_FactError": 1,
    "Weakness": 1,
    "Wording": 0,
    "BadKey": 0,
    "ValueError": 0,
    **{kind.__name__: 0 for kind in ApiError.by_code.values()},
}
"""Calls that make a refusal, and which of their arguments is the text."""

TO_NO_CALLER = {
    "cli",
    "connect",
    "demo",
    "embedded",
    "migrations",
    "protocol",
    "settings",
    "statistics",
    "randomization/contributions",
    "randomization/generator",
    "randomization/rules",
    "core/auth",
    "core/deprecation",
    "visits/rules",
}
"""Where a `ValueError` is told to operators and programmers: no request leads to it."""

MADE_OF_PARTS = {
    "eligibility/facts": {
        f"{beginning}{end}"
        for beginning in (
            "text: a date YYYY-MM-DD",
            "a date YYYY-MM-DD",
            "a date from {earliest} to today",
        )
        for end in ("", ' or "never"')
    },
    "locks/rules": {
        f"{asked} not closed, {disputed} open."
        for asked in ("{queries} query is", "{queries} queries are")
        for disputed in ("{disputed} adjudication is", "{disputed} adjudications are")
    },
}
"""Templates that the code puts together, each by the module that does."""


def modules() -> Iterator[str]:
    for path in sorted(CODE.rglob("*.py")):
        name = str(path.relative_to(CODE).with_suffix(""))
        if name not in TO_NO_CALLER and name.split("/")[0] not in TO_NO_CALLER:
            yield name


def texts(name: str) -> Iterator[ast.expr]:
    """What stands where a refusal's text does, with a module's own constants looked up."""
    tree = ast.parse((CODE / f"{name}.py").read_text())
    constants = {
        one.targets[0].id: one.value
        for one in tree.body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = called(call)
        given = [word.value for word in call.keywords if word.arg == "detail"]
        if function == "FieldError":
            found = given
        elif function in TEXT_AT and len(call.args) > TEXT_AT[function]:
            found = [call.args[TEXT_AT[function]]]
        else:
            continue
        for text in found:
            known = constants.get(text.id, text) if isinstance(text, ast.Name) else text
            yield from (known.body, known.orelse) if isinstance(known, ast.IfExp) else (known,)


def called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def written(name: str) -> set[str]:
    """The texts of a module, as they are written."""
    return {
        text.value
        for text in texts(name)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


@pytest.mark.parametrize("name", list(modules()))
def test_every_text_of_a_refusal_has_its_chinese(name: str) -> None:
    assert written(name) | MADE_OF_PARTS.get(name, set()) <= CHINESE.keys()


@pytest.mark.parametrize("name", list(modules()))
def test_a_text_with_values_is_a_wording(name: str) -> None:
    made = [ast.unparse(text) for text in texts(name) if isinstance(text, ast.JoinedStr)]
    assert made == [] or name in MADE_OF_PARTS


def test_nothing_is_translated_that_nobody_says() -> None:
    said = {
        node.value
        for name in modules()
        for node in ast.walk(ast.parse((CODE / f"{name}.py").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ours = {text for text in CHINESE if not text.startswith("pydantic:")}
    assert ours <= said.union(*MADE_OF_PARTS.values())


@pytest.mark.parametrize("text", list(CHINESE))
def test_a_translation_is_chinese_and_holds_the_same_values(text: str) -> None:
    assert any("\u4e00" <= letter <= "\u9fff" for letter in CHINESE[text])
    told, meant = (
        {name for _, name, _, _ in Formatter().parse(one) if name} for one in (CHINESE[text], text)
    )
    assert told == meant or text.startswith("pydantic:")


def test_what_keeps_a_case_from_being_reported_has_its_chinese() -> None:
    assert {detail for _, detail in LACKS.values()} <= CHINESE.keys()

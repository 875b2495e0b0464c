"""Ids and moments come from chance and real time, unless a play has replaced their source."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from services.api.core import making
from services.api.core.making import new_id, recorded_now, replace_source

CODE = Path(making.__file__).parents[1]


class Same:
    """A source of one id and one moment."""

    def new_id(self) -> UUID:
        return UUID(int=7)

    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)


def test_recording_has_real_time() -> None:
    assert abs(recorded_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_replaced_source_gives_until_it_is_put_back() -> None:
    before = replace_source(Same())
    try:
        assert (new_id(), recorded_now().year) == (UUID(int=7), 2026)
    finally:
        replace_source(before)
    assert new_id() != new_id()


def test_nothing_but_a_play_replaces_the_source() -> None:
    """So no production server can: a play runs in a process of its own, for a sandbox."""
    using = {
        str(path.relative_to(CODE))
        for path in CODE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and "replace_source" in {getattr(node, field, "") for field in ("attr", "id", "name")}
    }
    assert using == {"scenarios/repeating.py"}
    importing = {
        str(path.relative_to(CODE))
        for path in CODE.rglob("*.py")
        if "import Repeating" in path.read_text() or "scenarios.making import" in path.read_text()
    }
    assert importing == {"scenarios/making.py"}

"""The Python client takes a subject through the trial, whatever happens to its line."""

import pytest

from tests.clients.hindrance import ORDEALS, Hindrance
from tests.clients.kept import ONCE, TOLD, kept
from tests.clients.story import told
from tests.make import Api


@pytest.mark.parametrize("ordeal", ORDEALS)
def test_the_whole_story_leaves_each_record_once(api: Api, line: Hindrance, ordeal: str) -> None:
    line.meet(*ORDEALS[ordeal])
    assert told(line.address, api.today(), api.move_to) == TOLD
    assert kept(api) == ONCE
    assert len(line.hindered) > len(TOLD)

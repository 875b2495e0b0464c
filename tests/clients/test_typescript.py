"""The TypeScript client takes a subject through the trial, whatever happens to its line."""

import json

import pytest

from tests.clients.hindrance import ORDEALS, Hindrance
from tests.clients.kept import ONCE, TOLD, kept
from tests.clients.speaking import HERE, node
from tests.conftest import Served
from tests.facts import eligible_facts
from tests.make import Api


@pytest.mark.parametrize("ordeal", ORDEALS)
def test_the_whole_story_leaves_each_record_once(
    api: Api, served: Served, line: Hindrance, ordeal: str
) -> None:
    line.meet(*ORDEALS[ordeal])
    today = api.today()
    facts = json.dumps({**eligible_facts(today), "age_at_consent": 52})
    printed = node(HERE / "story.ts", line.address, served.address, str(today), facts)
    assert json.loads(printed) == TOLD
    assert kept(api) == ONCE
    assert len(line.hindered) > len(TOLD)

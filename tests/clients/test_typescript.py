"""The TypeScript client takes a subject through the trial, whatever happens to its line."""

import json

import pytest

from tests.clients.hindrance import ORDEALS, Fault, Hindrance
from tests.clients.kept import ONCE, TOLD, kept
from tests.clients.speaking import HERE, node, typescript
from tests.conftest import Served
from tests.facts import eligible_facts
from tests.make import Api, ok, path, plan


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


def test_what_a_change_clears_is_not_taken_for_done_while_it_stands(
    api: Api, line: Hindrance
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    today = str(api.today())
    cleared = plan(api.today(), first_fraction_on=today, reason="As told")
    for corrected in ({}, {"delivered_dose_gy": 2}):
        wrong = {**cleared, "last_fraction_on": today, **corrected}
        ok(investigator.put(path(subject, "radiotherapy"), wrong))
    line.meet(Fault.CUT_BEFORE)
    given = {"token": investigator.token, "subject": subject["id"], "plan": cleared}
    came = typescript("overtaken", line.address, **given)
    assert (came["status"], came["code"], came["uncertain"]) == (412, "stale_version", True)

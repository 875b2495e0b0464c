"""Stopping rules over HTTP: for the committee and the safety officer, and about nobody."""

import pytest

from services.api.core.permissions import Role
from tests.make import Api, ok, problem
from tests.stopping_rules.reactions import evaluate, reaction

RULES = "/v1/safety/stopping-rules"
EVALUATIONS = f"{RULES}/severe_reactions/evaluations"
READERS = {Role.DMC, Role.SAFETY_OFFICER}


def test_before_the_first_evaluation_a_rule_is_shown_with_its_boundary(unchanged: Api) -> None:
    (rule,) = ok(unchanged.as_("dmc").get(RULES))["items"]
    assert rule["current"] is None
    assert (rule["id"], rule["arm"], rule["method"]) == (
        "severe_reactions",
        "experimental",
        "beta_binomial",
    )
    assert (rule["prior"], rule["threshold"]) == ({"events": 1, "subjects": 20}, 0.05)
    assert rule["counts"] == {"grade_at_least": 4, "related_only": True}
    first, *_, last = rule["boundary"]
    assert first == {"from_subjects": 10, "to_subjects": 16, "events": 3}
    assert last["to_subjects"] == 200
    assert ok(unchanged.as_("dmc").get(EVALUATIONS))["items"] == []


@pytest.mark.parametrize("role", sorted(READERS))
def test_how_a_rule_stands_names_no_subject_and_no_event(api: Api, role: str) -> None:
    investigator = api.as_("investigator")
    evaluate(api)
    subject = investigator.treated()
    evaluate(api)
    event = reaction(investigator, subject)
    evaluate(api)
    reader = api.as_(role)
    answer = reader.get(RULES)
    (rule,) = ok(answer)["items"]
    assert (rule["current"]["subjects"], rule["current"]["events"]) == (1, 1)
    assert rule["current"]["boundary"] == 1
    first = ok(reader.get(EVALUATIONS, params={"limit": 2}))
    rest = ok(reader.get(EVALUATIONS, params={"cursor": first["next_cursor"]}))
    history = [*first["items"], *rest["items"]]
    assert [(one["subjects"], one["events"]) for one in history] == [(0, 0), (1, 0), (1, 1)]
    assert [one["reached"] for one in history] == [False, False, True]
    assert history[-1] == rule["current"]
    told = answer.text + reader.get(EVALUATIONS).text
    for named in (subject["id"], subject["number"], event["id"], '"site"', '"cause"'):
        assert named not in told


@pytest.mark.parametrize("role", sorted(set(Role) - READERS))
@pytest.mark.parametrize("where", [RULES, EVALUATIONS], ids=["rules", "evaluations"])
def test_nobody_else_reads_them(unchanged: Api, role: str, where: str) -> None:
    problem(unchanged.as_(role).get(where), 403, "forbidden")


def test_a_rule_that_the_protocol_does_not_have_is_not_found(unchanged: Api) -> None:
    dmc = unchanged.as_("dmc")
    problem(dmc.get(f"{RULES}/deaths/evaluations"), 404, "not_found")
    problem(dmc.get(EVALUATIONS, params={"cursor": "nonsense"}), 400, "bad_cursor")
    problem(dmc.get(RULES, params={"cursor": "nonsense"}), 400, "bad_cursor")

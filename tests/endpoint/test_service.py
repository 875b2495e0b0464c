"""The measures derived with the endpoint."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.api.core.auth import Principal
from services.api.core.permissions import Role
from services.api.endpoint.service import outcomes
from tests.make import Api, Json, ok, plan

SEVERE = {"grade": 3, "mucosal_appearance": "confluent", "pain_score": 8, "analgesic": "opioid"}
WORST = {**SEVERE, "grade": 4, "mucosal_appearance": "ulcer_hemorrhage_necrosis"}

EVERYWHERE = Principal(
    uuid4(), "Statistician", Role.STATISTICIAN, ("LZ", "NN", "YL"), machine=False, session=uuid4()
)


def path(subject: Json, *parts: str) -> str:
    return "/".join(("/v1/subjects", subject["id"], *parts))


def days(number: int) -> timedelta:
    return timedelta(days=number)


def endpoint(api: Api, subject: Json) -> Json:
    return ok(api.as_("statistician").get(path(subject, "endpoint")))


def test_gradings_that_differ_decide_nothing_until_they_are_adjudicated(api: Api) -> None:
    disputed = api.disputed("RT1A")
    subject = {"id": disputed["subject_id"]}
    derived = endpoint(api, subject)
    assert (derived["primary"]["status"], derived["unresolved"]) == ("pending", ["RT1A"])
    where = f"/v1/adjudications/{disputed['id']}"
    decision = {"grade": 3, "reason": "The photograph shows confluent mucositis"}
    ok(api.as_("investigator").patch(where, decision))
    derived = endpoint(api, subject)
    assert (derived["primary"]["status"], derived["unresolved"]) == ("event", [])
    assert derived["primary"]["deciding_adjudication"] == disputed["id"]
    assert derived["primary"]["deciding_basis"] == "adjudicated"


def test_the_whole_trial_is_derived_as_each_subject_is(api: Api) -> None:
    disputed = api.disputed("RT1A")
    graded = api.as_("coordinator", "LZ").in_radiotherapy(site="LZ")
    severe = api.graded(graded, "RT1A", api.today(), **SEVERE)
    screened = api.as_("coordinator", "YL").screened(site="YL")
    protocol, clock = api.state.loaded.protocol, api.state.clock
    with api.state.database.session(EVERYWHERE) as session:
        found = {
            str(one.subject_id): one.outcome
            for one in outcomes(session, clock, protocol, EVERYWHERE.sites)
        }
    assert set(found) == {disputed["subject_id"], graded["id"], screened["id"]}
    deciding = found[graded["id"]].primary.deciding
    assert deciding is not None
    assert str(deciding.grading) == severe["id"]
    for subject_id, outcome in found.items():
        single = endpoint(api, {"id": subject_id})
        assert single["primary"]["status"] == outcome.primary.status
        assert (single["max_grade"], single["coverage"]) == (outcome.max_grade, outcome.coverage)
        assert single["unresolved"] == list(outcome.unresolved)


def test_days_severe_run_until_the_first_lower_grading(api: Api) -> None:
    subject = api.as_("coordinator").in_radiotherapy()
    first = api.today()
    api.move_to(first + days(30))
    api.graded(subject, "RT2A", first + days(8), **SEVERE)
    api.graded(subject, "RT2B", first + days(11), **WORST)
    api.graded(subject, "RT3A", first + days(15))
    derived = endpoint(api, subject)
    assert (derived["days_to_first_severe"], derived["days_severe"]) == (8, 7)


def test_the_dose_at_onset_is_the_share_of_the_fractions_given_by_then(api: Api) -> None:
    coordinator = api.as_("coordinator")
    start = api.today()
    monday = start + days((7 - start.weekday()) % 7)
    subject = coordinator.consented()
    api.move_to(monday + days(11))
    body = plan(monday, planned_dose_gy=60, planned_fractions=30, first_fraction_on=str(monday))
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    api.graded(subject, "RT2A", monday + days(8), **SEVERE)
    # Monday to Friday, then Monday and Tuesday: seven fractions of 2 Gy.
    assert endpoint(api, subject)["gy_at_onset"] == pytest.approx(14)


def test_gradings_before_the_first_fraction_do_not_count(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    first = api.today() + days(2)
    ok(coordinator.put(path(subject, "radiotherapy"), plan(first)))
    api.graded(subject, "BL", api.today(), **SEVERE)
    api.move_to(first)
    body = plan(first, first_fraction_on=str(first), reason="Started")
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    derived = endpoint(api, subject)
    assert (derived["primary"]["status"], derived["max_grade"]) == ("pending", None)

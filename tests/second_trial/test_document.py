"""Arms, visits, scales and the endpoint's window of the second trial are its document's."""

from datetime import timedelta

from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol
from tests.make import Api, Json, created, mistakes, ok, path, plan
from tests.second_trial.subjects import WEEKLY_DEFINITIVE, calling, randomize, signed

FRACTIONS = 10


def test_the_study_and_its_accounts_are_the_documents(roman: Api) -> None:
    statistician = calling(roman, "statistician")
    study = ok(statistician.get("/v1/study"))
    assert (study["nct_id"], study["masking"]) == ("NCT03689712", "QUADRUPLE")
    assert [arm["type"] for arm in study["arms"]] == ["experimental", "placebo_comparator"]
    assert [site["code"] for site in ok(statistician.get("/v1/sites"))["items"]] == ["HA", "SU"]
    assert ok(statistician.get("/v1/me"))["sites"] == ["HA", "SU"]


def test_the_trial_differs_from_the_first_in_what_the_tests_rest_on(second: Loaded) -> None:
    protocol: Protocol = second.protocol
    assert {factor.source for factor in protocol.randomization.factors} == {"recorded"}
    assert [scale.id for scale in protocol.grading.scales] == ["protocol", "who"]
    assert protocol.randomization.ratio == {"avasopasem": 3, "placebo": 2}
    assert (protocol.endpoint.window_days_after_rt_end, len(protocol.sites)) == (0, 2)
    ruled = {path for ruling in protocol.assumptions for path in ruling.parameters}
    assert {
        "study.masking",
        "treatment.dose_ml",
        "endpoint.coverage_share",
        "randomization.factors",
    } <= ruled


def treated(roman: Api) -> Json:
    """A subject with two weeks of radiotherapy planned, whose first fraction was today."""
    subject = signed(roman, "HA", WEEKLY_DEFINITIVE)
    created(randomize(roman, subject))
    body = {
        **plan(roman.today(), planned_fractions=FRACTIONS, first_fraction_on=str(roman.today())),
        "stratification": WEEKLY_DEFINITIVE,
        "reason": "First fraction delivered",
    }
    ok(roman.as_("investigator", "HA").put(path(subject, "radiotherapy"), body))
    return subject


ULCERS_AND_SOLID_DIET: Json = {"grade": 2, "ulceration": True, "diet": "solid"}


def graded(roman: Api, subject: Json, code: str, **seen: object) -> Json:
    """A grading of today, at ten in the morning in Toronto."""
    at_ten = f"{roman.today()}T14:00:00Z"
    return roman.graded(subject, code, roman.today(), assessed_at=at_ten, **seen)


def test_visits_grades_and_window_follow_the_document(roman: Api) -> None:
    subject = treated(roman)
    start, investigator = roman.today(), roman.as_("investigator", "HA")
    visits = ok(investigator.get(path(subject, "visits")))["items"]
    codes = ["BASE", "W1-1", "W1-2", "W2-1", "W2-2", "POST1", "POST2"]
    assert [one["code"] for one in visits if one["code"] != "SCR"] == codes

    roman.move_to(start + timedelta(days=1))
    during = graded(roman, subject, "W1-1", **ULCERS_AND_SOLID_DIET)
    assert during["derived"] == {"protocol": 2, "who": 2, "rtog": None}
    assert during["flags"] == []

    last = start + timedelta(days=13)
    roman.move_to(last)
    where = path(subject, "radiotherapy")
    known = ok(investigator.get(where))
    body = {name: known[name] for name in (*plan(start), "first_fraction_on", "stratification")}
    reason = {"last_fraction_on": str(last), "reason": "Last fraction delivered"}
    ok(investigator.put(where, {**body, **reason}))

    roman.move_to(last + timedelta(days=7))
    severe = {**ULCERS_AND_SOLID_DIET, "grade": 3, "diet": "liquid"}
    after = graded(roman, subject, "POST1", **severe)
    assert after["derived"]["who"] == after["grade"] == 3
    endpoint = ok(investigator.get(path(subject, "endpoint")))
    assert endpoint["window"] == {"from": str(start), "to": str(last)}
    assert (endpoint["max_grade"], endpoint["secondary"]["status"]) == (2, "event")
    assert endpoint["primary"]["status"] == "not_evaluable", "grade 3 came after the window"


def test_the_first_trials_criteria_are_unknown_here(roman: Api) -> None:
    coordinator = roman.as_("coordinator", "HA")
    subject = coordinator.consented(site="HA")
    where = path(subject, "eligibility")
    given = {"facts": {"head_neck_malignancy_confirmed": True}}
    found = mistakes(coordinator.put(where, given, version=0))
    assert [pointer for pointer, _ in found] == ["/facts/head_neck_malignancy_confirmed"]


def test_an_assessor_learns_no_arm(roman: Api) -> None:
    subject = signed(roman, "SU", WEEKLY_DEFINITIVE)
    created(randomize(roman, subject))
    read = roman.as_("assessor", "SU").get(path(subject, "randomization"))
    assert "arm" not in ok(read)
    assert all(arm not in read.text for arm in ("avasopasem", "placebo"))


def test_grading_takes_the_scale_of_the_document(roman: Api) -> None:
    subject = treated(roman)
    roman.move_to(roman.today() + timedelta(days=1))
    made = graded(roman, subject, "W1-1", **{**ULCERS_AND_SOLID_DIET, "grade": 1})
    assert (made["grade"], made["derived"]["protocol"]) == (1, 2)
    assert made["flags"] == ["differs_from_components"]

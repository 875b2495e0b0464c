"""Reports over HTTP: of whose sites, blind or by arm, and for people."""

import threading
from datetime import timedelta

import pytest

from services.api.core.permissions import Role
from services.api.reports import child
from tests.facts import eligible_facts
from tests.make import (
    WITHOUT_CHEMOTHERAPY,
    Api,
    Json,
    correction,
    created,
    ok,
    path,
    plan,
    problem,
    query,
)

REPORT = "/v1/reports/randomization"
NOTHING: Json = {
    "randomized": 0,
    "wrong_stratum": 0,
    "ineligible": 0,
    "duplicate": 0,
    "duplicate_not_retained": 0,
    "late_randomization": 0,
    "stratum_changed": 0,
}


def record(api: Api, subject: Json, kind: str, **given: object) -> None:
    body = correction(api.today(), kind, **given)
    answer = api.as_("data_manager").post(path(subject, "randomization", "corrections"), body)
    created(answer)


@pytest.fixture
def trial(api: Api) -> Api:
    """Three subjects at NN and one at LZ, with an error of every kind."""
    investigator = api.as_("investigator")
    start = api.today() + timedelta(days=10)
    first, second, third = (investigator.randomized() for _ in range(3))
    other = api.as_("investigator", "LZ").randomized(site="LZ")
    record(api, first, "wrong_stratum", stratum=WITHOUT_CHEMOTHERAPY)
    record(api, first, "ineligible", criteria=["I02"])
    record(api, first, "ineligible", criteria=["I02", "I03a"])
    record(api, second, "duplicate", other_subject=first["id"])
    record(api, second, "duplicate", other_subject=other["id"])
    for changed in (False, True):
        body = plan(start, concurrent_chemotherapy=changed, reason="Read again")
        ok(investigator.put(path(third, "radiotherapy"), body))
    return api


def test_a_report_counts_subjects_for_each_site_and_together(trial: Api) -> None:
    nn = {
        "randomized": 3,
        "wrong_stratum": 1,
        "ineligible": 1,
        "duplicate": 2,
        "duplicate_not_retained": 1,
        "late_randomization": 0,
        "stratum_changed": 1,
    }
    lz = {**NOTHING, "randomized": 1, "duplicate": 1, "duplicate_not_retained": 1}
    together = {name: nn[name] + lz[name] for name in NOTHING}
    assert ok(trial.as_("data_manager").get(REPORT)) == {
        "sites": [{**lz, "site": "LZ"}, {**nn, "site": "NN"}, {**NOTHING, "site": "YL"}],
        "total": together,
    }
    for site, own in (("NN", nn), ("LZ", lz), ("YL", NOTHING)):
        assert ok(trial.as_("coordinator", site).get(REPORT)) == {
            "sites": [{**own, "site": site}],
            "total": own,
        }


def test_a_report_is_tagged_and_its_reading_noted(trial: Api) -> None:
    monitor = trial.as_("monitor")
    first = monitor.get(REPORT)
    again = monitor.get(REPORT, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    told = trial.rows(
        "SELECT role FROM audit_event"
        " WHERE operation = 'READ' AND record = 'read_randomization_report'"
    )
    assert told == [("monitor",), ("monitor",)]


@pytest.mark.parametrize("role", ["assessor", "dmc", "admin"])
def test_who_reads_no_clinical_data_reads_no_report(unchanged: Api, role: str) -> None:
    problem(unchanged.as_(role).get(REPORT), 403, "forbidden")


def test_there_is_no_other_report(unchanged: Api) -> None:
    problem(unchanged.as_("data_manager").get("/v1/reports/no-such"), 404, "not_found")


# --- recruitment, flow, completeness, agreement: blind, of one's own sites -----------------

BLIND = ("recruitment", "consort", "completeness", "agreement")
BY_ARM = ("endpoints", "safety-by-arm")


def report(api: Api, name: str, **asked: str) -> Json:
    return ok(api.get(f"/v1/reports/{name}", params=asked))


def test_recruitment_counts_the_caller_s_sites_and_measures_the_whole_trial_only(
    trial: Api,
) -> None:
    whole = report(trial.as_("data_manager"), "recruitment")
    assert (whole["included"], whole["target"]) == (4, 200)
    assert [(one["site"], one["included"]) for one in whole["by_site"]] == [
        ("LZ", 1),
        ("NN", 3),
        ("YL", 0),
    ]
    own = report(trial.as_("coordinator"), "recruitment")
    assert (own["included"], own["target"], own["forecast"], own["sites"]) == (
        3,
        None,
        None,
        ["NN"],
    )
    one = report(trial.as_("data_manager"), "recruitment", site="LZ")
    assert (one["included"], one["sites"]) == (1, ["LZ"])


def test_the_flow_follows_everyone_screened(api: Api) -> None:
    investigator = api.as_("investigator")
    investigator.screened()
    failed = investigator.evaluated()
    facts = {
        **eligible_facts(api.today()),
        "age_at_consent": api.age(failed),
        "ecog_performance_status": 4,
    }
    body = {"facts": facts, "reason": "Read again"}
    ok(investigator.put(path(failed, "eligibility"), body))
    ok(investigator.patch(path(failed), {"status": "screen_failed", "reason": "Too weak"}))
    investigator.randomized()
    told = report(api.as_("monitor"), "consort")
    assert (told["screened"], told["excluded"], told["waiting"]) == (3, 1, 1)
    assert [(one["id"], one["subjects"]) for one in told["criteria"]] == [("I04a", 1)]
    assert told["flow"]["randomized"] == told["flow"]["under_observation"] == 1


def test_completeness_counts_visits_gradings_queries_and_adjudications(api: Api) -> None:
    opened = api.disputed()
    missed = f"/v1/subjects/{opened['subject_id']}/visits/RT1B"
    ok(api.as_("coordinator").put(missed, {"missed_reason": "Holiday"}))
    created(api.as_("monitor").post("/v1/queries", query({"id": opened["subject_id"]})))
    [nn] = report(api.as_("monitor"), "completeness")["by_site"]
    assert (nn["subjects"], nn["visits_done"], nn["visits_missed"]) == (1, 1, 1)
    assert (nn["gradings"], nn["gradings_signed"], nn["visits_graded_twice"]) == (2, 0, 1)
    assert nn["adjudications_open"] == 1
    assert nn["queries_open"] >= 1
    assert nn["query_days_oldest"] == 0
    assert (nn["subjects_frozen"], nn["subjects_locked"]) == (0, 0)


def test_a_query_ages_by_the_days_of_the_trial(api: Api) -> None:
    first = api.today()
    subject = api.as_("coordinator").screened()
    api.move_to(first + timedelta(days=30))
    created(api.as_("monitor").post("/v1/queries", query(subject)))
    api.move_to(first + timedelta(days=37))

    def oldest() -> int:
        [nn] = report(api.as_("coordinator"), "completeness")["by_site"]
        days: int = nn["query_days_oldest"]
        return days

    assert oldest() == 7
    api.rows("SET session_replication_role = replica; UPDATE data_query SET raised_at = NULL")
    assert oldest() in (36, 37), "a query from before that was kept: by real time"


def test_agreement_tells_pairs_by_site_and_by_assessor(api: Api) -> None:
    api.disputed()
    told = report(api.as_("statistician"), "agreement")
    assert told["together"]["pairs"] == 1
    assert told["together"]["agreeing"] == 0
    assert [(one["site"], one["pairs"]) for one in told["by_site"]] == [
        ("LZ", 0),
        ("NN", 1),
        ("YL", 0),
    ]
    assert [one["pairs"] for one in told["by_assessor"]] == [1, 1]
    assert all(one["name"] != one["assessor"] for one in told["by_assessor"])


def test_a_blind_report_is_the_same_whatever_the_arms(trial: Api) -> None:
    statistician = trial.as_("statistician")
    before = [statistician.get(f"/v1/reports/{name}") for name in BLIND]
    trial.rows("SET session_replication_role = replica; UPDATE allocation SET arm = 'x'")
    for name, first in zip(BLIND, before, strict=True):
        assert statistician.get(f"/v1/reports/{name}").content == first.content
        assert "experimental" not in first.text


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("role", ["assessor", "dmc", "admin"])
def test_who_reads_no_clinical_data_reads_no_blind_report(
    unchanged: Api, role: str, name: str
) -> None:
    problem(unchanged.as_(role).get(f"/v1/reports/{name}"), 403, "forbidden")


@pytest.mark.parametrize("name", BLIND)
def test_another_site_does_not_exist(unchanged: Api, name: str) -> None:
    for site in ("LZ", "ZZ"):
        answer = unchanged.as_("investigator").get(f"/v1/reports/{name}", params={"site": site})
        problem(answer, 404, "not_found")


@pytest.mark.parametrize(
    "asked", [{"format": "xml"}, {"format": "../pdf"}, {"site": "nn"}, {"site": ""}, {"arm": "x"}]
)
def test_a_wrong_parameter_is_named_and_not_repeated(unchanged: Api, asked: dict[str, str]) -> None:
    answer = unchanged.as_("monitor").get("/v1/reports/consort", params=asked)
    [one] = problem(answer, 422, "invalid")["errors"]
    assert one["pointer"] == f"/query/{next(iter(asked))}"


# --- by arm -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_ARM)
@pytest.mark.parametrize("role", sorted({*Role} - {Role.DMC, Role.STATISTICIAN}))
def test_only_the_committee_and_the_statistician_read_by_arm(
    unchanged: Api, role: str, name: str
) -> None:
    problem(unchanged.as_(role).get(f"/v1/reports/{name}"), 403, "forbidden")


def test_the_committee_reads_the_whole_trial_by_arm_and_still_sees_no_subject(
    trial: Api,
) -> None:
    dmc = trial.as_("dmc")
    told = report(dmc, "endpoints")
    assert told == report(trial.as_("statistician"), "endpoints")
    assert told["sites"] == ["LZ", "NN", "YL"]
    assert sum(one["randomized"] for one in told["flow"]) == 4
    assert sum(one["not_retained"] for one in told["flow"]) == 2
    safety = report(dmc, "safety-by-arm")
    assert sum(safety["subjects"].values()) == 2
    for where in ("/v1/subjects", "/v1/randomizations", "/v1/reports/recruitment"):
        problem(dmc.get(where), 403, "forbidden")
    subjects = trial.rows("SELECT id::text, number FROM subject")
    text = f"{told}{safety}"
    assert not any(part in text for row in subjects for part in row)
    noted = trial.rows(
        "SELECT site, subject_id FROM audit_event WHERE operation = 'READ' AND role = 'dmc'"
    )
    assert noted == [(None, None), (None, None)]


@pytest.mark.parametrize("name", BY_ARM)
def test_a_report_by_arm_is_of_the_whole_trial(unchanged: Api, name: str) -> None:
    answer = unchanged.as_("statistician").get(f"/v1/reports/{name}", params={"site": "NN"})
    problem(answer, 422, "invalid")


# --- for people --------------------------------------------------------------------------------


def test_a_report_is_drawn_for_people(unchanged: Api) -> None:
    drawn = unchanged.as_("dmc").get("/v1/reports/safety-by-arm", params={"format": "pdf"})
    assert drawn.status_code == 200
    assert drawn.headers["Content-Type"] == "application/pdf"
    assert drawn.content.startswith(b"%PDF-")
    assert drawn.headers["Cache-Control"] == "private, no-cache"
    page = unchanged.as_("monitor").get("/v1/reports/consort", params={"format": "html"})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Flow of subjects" in page.text


def test_who_waits_for_a_drawing_is_told_how_long(
    unchanged: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_places", threading.BoundedSemaphore(1))
    with child._places:
        answer = unchanged.as_("monitor").get("/v1/reports/consort", params={"format": "pdf"})
    problem(answer, 503, "reports_busy")
    assert answer.headers["Retry-After"] == "5"

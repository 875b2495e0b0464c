"""Reports over HTTP: the caller's sites, blind to arm."""

from datetime import timedelta

import pytest

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

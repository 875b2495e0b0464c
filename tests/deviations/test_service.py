"""Deviations that the service notices."""

from datetime import timedelta

from tests.make import (
    Api,
    Json,
    created,
    ok,
    path,
    plan,
)

REASON = "Corrected from the source record"


def consent(api: Api, subject: Json) -> Json:
    """The subject's only consent."""
    (only,) = ok(api.get(path(subject, "consents")))["items"]
    found: Json = only
    return found


def deviations(api: Api, subject: Json) -> list[tuple[str, str]]:
    listed = ok(api.get(path(subject, "deviations")))["items"]
    return [(item["code"], item["source"]) for item in listed]


def test_chemotherapy_corrected_after_randomization_is_a_deviation_and_the_allocation_stands(
    api: Api,
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    allocation = ok(investigator.get(path(subject, "randomization")))
    start = api.today() + timedelta(days=10)
    body = plan(start, concurrent_chemotherapy=False, reason="Chemotherapy was cancelled before")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    assert deviations(investigator, subject) == [("stratum_changed", "system")]
    assert ok(investigator.get(path(subject, "randomization"))) == allocation
    assert allocation["stratum"] == {"site": "NN", "concurrent_chemotherapy": True}


def test_chemotherapy_corrected_before_randomization_is_no_deviation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    start = api.today() + timedelta(days=10)
    body = plan(start, concurrent_chemotherapy=False, reason="Chemotherapy was cancelled")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    assert deviations(investigator, subject) == []
    allocation = created(investigator.post(path(subject, "randomization")))
    assert allocation["stratum"]["concurrent_chemotherapy"] is False


def test_a_system_deviation_is_audited_beside_the_change_that_caused_it(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    body = plan(api.today(), concurrent_chemotherapy=False, reason=REASON)
    ok(investigator.put(f"/v1/subjects/{subject['id']}/radiotherapy", body))
    radiotherapy, deviation = api.audit(subject)[-2:]
    assert (radiotherapy.record, deviation.record) == ("radiotherapy", "deviation")
    assert radiotherapy.reason == REASON
    assert radiotherapy.transaction == deviation.transaction

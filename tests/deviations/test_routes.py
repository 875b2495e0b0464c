"""Deviations that people report."""

from datetime import timedelta

from tests.make import (
    Api,
    Json,
    created,
    mistakes,
    ok,
    path,
)


def tomorrow(api: Api) -> str:
    return str(api.today() + timedelta(days=1))


def consent(api: Api, subject: Json) -> Json:
    """The subject's only consent."""
    (only,) = ok(api.get(path(subject, "consents")))["items"]
    found: Json = only
    return found


def test_a_monitor_reports_a_deviation(api: Api) -> None:
    subject = api.as_("coordinator").screened()
    monitor = api.as_("monitor")
    body = {
        "code": "consent",
        "description": "Signed in the wrong place",
        "occurred_on": str(api.today()),
    }
    reported = created(monitor.post(path(subject, "deviations"), body))
    assert reported.items() >= {**body, "source": "person"}.items()
    assert ok(monitor.get(path(subject, "deviations")))["items"] == [reported]


def test_a_deviation_has_happened_and_a_person_does_not_speak_for_the_system(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "deviations")
    body = {"code": "visit", "description": "Visit skipped", "occurred_on": tomorrow(api)}
    assert mistakes(coordinator.post(where, body)) == [("/occurred_on", "future")]
    body |= {"code": "late_randomization", "occurred_on": str(api.today())}
    assert mistakes(coordinator.post(where, body)) == [("/code", "literal_error")]
    assert api.count("deviation") == 0

"""Deviations that people report."""

from datetime import timedelta

from services.api.core.permissions import Role
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
    assert mistakes(coordinator.post(where, body)) == [("/code", "enum")]
    assert api.count("deviation") == 0


def test_deviations_of_all_subjects_are_filtered_by_site_code_and_source(api: Api) -> None:
    monitor = api.signed_in(Role.MONITOR, ("NN", "LZ"))
    reported = []
    for site, code in (("NN", "visit"), ("LZ", "visit"), ("NN", "consent")):
        coordinator = api.as_("coordinator", site)
        where = path(coordinator.screened(site=site), "deviations")
        body = {"code": code, "description": "Late", "occurred_on": str(api.today())}
        reported.append(created(coordinator.post(where, body)))

    def listed(query: str) -> list[Json]:
        items: list[Json] = ok(monitor.get(f"/v1/deviations{query}"))["items"]
        return items

    assert listed("") == reported
    assert listed("?site=NN") == [reported[0], reported[2]]
    assert listed("?code=visit") == reported[:2]
    assert listed("?site=LZ&code=consent") == []
    assert listed("?source=person") == reported
    assert listed("?source=system") == []
    assert ok(api.as_("monitor", "LZ").get("/v1/deviations"))["items"] == [reported[1]]
    first = ok(monitor.get("/v1/deviations?limit=2"))
    rest = ok(monitor.get("/v1/deviations", params={"limit": 2, "cursor": first["next_cursor"]}))
    assert first["items"] + rest["items"] == reported
    assert rest["next_cursor"] is None

"""Radiotherapy over HTTP: what callers send and read."""

from datetime import timedelta

from tests.make import (
    Api,
    Json,
    mistakes,
    ok,
    path,
    plan,
)


def tomorrow(api: Api) -> str:
    return str(api.today() + timedelta(days=1))


def consent(api: Api, subject: Json) -> Json:
    """The subject's only consent."""
    (only,) = ok(api.get(path(subject, "consents")))["items"]
    found: Json = only
    return found


def test_radiotherapy_is_empty_at_first_and_then_as_recorded(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "radiotherapy")
    empty = ok(coordinator.get(where))
    assert (empty["version"], empty["planned_dose_gy"]) == (0, None)
    body = plan(api.today() + timedelta(days=14))
    stored = ok(coordinator.put(where, body))
    assert stored.items() >= body.items()
    assert (stored["version"], stored["protocol_version"]) == (1, "1.0")


def test_fractions_are_delivered_in_order_and_not_in_the_future(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "radiotherapy")
    yesterday, today = str(api.today() - timedelta(days=1)), str(api.today())
    for first, last, pointer, code in (
        (tomorrow(api), None, "/first_fraction_on", "future"),
        (today, tomorrow(api), "/last_fraction_on", "future"),
        (today, yesterday, "/last_fraction_on", "order"),
        (None, today, "/last_fraction_on", "order"),
    ):
        body = plan(api.today(), first_fraction_on=first, last_fraction_on=last)
        assert mistakes(coordinator.put(where, body)) == [(pointer, code)]
    assert ok(coordinator.get(where))["version"] == 0


def test_a_corrected_plan_says_why_and_replaces_the_whole(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "radiotherapy")
    ok(coordinator.put(where, plan(api.today(), first_fraction_on=str(api.today()))))
    assert mistakes(coordinator.put(where, plan(api.today()))) == [("/reason", "missing")]
    corrected = ok(
        coordinator.put(where, plan(api.today(), reason="Machine failed, not delivered"))
    )
    assert (corrected["version"], corrected["first_fraction_on"]) == (2, None)
    assert corrected["reason"] == "Machine failed, not delivered"

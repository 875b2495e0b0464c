"""What radiotherapy means for the subject's status."""

from datetime import timedelta

from tests.make import (
    Api,
    Json,
    ok,
    path,
    plan,
)


def consent(api: Api, subject: Json) -> Json:
    """The subject's only consent."""
    (only,) = ok(api.get(path(subject, "consents")))["items"]
    found: Json = only
    return found


def test_the_status_follows_the_delivery_of_radiotherapy(api: Api) -> None:
    coordinator = api.as_("investigator")
    subject = coordinator.randomized()
    first = api.today() + timedelta(days=10)
    last = first + timedelta(days=44)

    def deliver(**delivered: object) -> str:
        ok(coordinator.put(path(subject, "radiotherapy"), plan(first, **delivered)))
        return str(ok(coordinator.get(path(subject)))["status"])

    api.move_to(first)
    assert deliver(first_fraction_on=str(first), reason="Started") == "on_treatment"
    api.move_to(last)
    delivered = {"first_fraction_on": str(first), "last_fraction_on": str(last)}
    assert deliver(**delivered, reason="Ended") == "in_follow_up"
    body = {"status": "completed", "reason": "All visits done"}
    assert ok(coordinator.patch(path(subject), body))["status"] == "completed"


def test_the_first_fraction_of_a_subject_who_is_not_randomized_moves_nobody(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    body = plan(api.today(), first_fraction_on=str(api.today()))
    ok(coordinator.put(path(subject, "radiotherapy"), body))
    assert ok(coordinator.get(path(subject)))["status"] == "screening"

"""Radiotherapy over HTTP: what callers send and read."""

from datetime import date, timedelta

from tests.make import (
    Api,
    Json,
    created,
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


def test_no_fraction_is_delivered_before_consent(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.consented(), "radiotherapy")
    early = api.today() - timedelta(days=1)
    body = plan(early, first_fraction_on=str(early))
    assert mistakes(coordinator.put(where, body)) == [("/first_fraction_on", "before_consent")]
    assert api.count("radiotherapy") == 0
    ok(coordinator.put(where, plan(early, first_fraction_on=str(api.today()))))


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


# --- interruptions ----------------------------------------------------------------------


def interruption(first: date, to: date | None) -> Json:
    return {"from": str(first), "to": str(to) if to else None, "reason": "Machine out of service"}


def test_an_interruption_is_kept_and_moves_what_follows_radiotherapy(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first, where = api.today(), path(subject, "radiotherapy")

    def follow_up() -> date:
        visit = ok(coordinator.get(path(subject, "visits/FU30")))
        return date.fromisoformat(visit["planned_on"])

    assert ok(coordinator.get(where))["interruptions"] == []
    before = follow_up()
    api.move_to(first + timedelta(days=14))
    breaks = [interruption(first + timedelta(days=7), first + timedelta(days=13))]
    body = plan(first, first_fraction_on=str(first), interruptions=breaks, reason="Broken down")
    assert ok(coordinator.put(where, body))["interruptions"] == breaks
    assert ok(coordinator.get(where))["interruptions"] == breaks
    assert follow_up() == before + timedelta(days=7)


def test_recorded_interruptions_are_never_left_out_and_an_empty_list_takes_them_back(
    api: Api,
) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first, where = api.today(), path(subject, "radiotherapy")
    without = plan(first, first_fraction_on=str(first), reason="Revised")
    assert ok(coordinator.put(where, without))["interruptions"] == []  # none is recorded so far
    breaks = [interruption(first, None)]
    ok(coordinator.put(where, {**without, "interruptions": breaks}))
    answer = coordinator.put(where, without)
    assert mistakes(answer) == [("/interruptions", "interruptions_missing")]
    assert ok(coordinator.get(where))["interruptions"] == breaks
    emptied = {**without, "interruptions": []}
    assert mistakes(coordinator.put(where, {**emptied, "reason": None})) == [("/reason", "missing")]
    assert ok(coordinator.put(where, emptied))["interruptions"] == []
    assert ok(coordinator.put(where, without))["version"] == 5


def test_a_wrong_interruption_leaves_nothing_behind(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    first, where = api.today(), path(subject, "radiotherapy")
    for breaks, pointer, code in (
        ([interruption(first - timedelta(days=1), None)], "/from", "before_first_fraction"),
        ([interruption(first, first + timedelta(days=1))], "/to", "future"),
    ):
        body = plan(first, first_fraction_on=str(first), interruptions=breaks, reason="Broken")
        assert mistakes(coordinator.put(where, body)) == [(f"/interruptions/0{pointer}", code)]
    many = plan(first, interruptions=[interruption(first, None)] * 51, reason="Broken")
    assert mistakes(coordinator.put(where, many)) == [("/interruptions", "too_long")]
    assert ok(coordinator.get(where))["version"] == 1


def test_a_version_from_before_interruptions_were_recorded_has_none(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.in_radiotherapy()
    api.rows("ALTER TABLE radiotherapy DISABLE TRIGGER USER")
    api.rows("UPDATE radiotherapy SET interruptions = NULL")
    assert ok(coordinator.get(path(subject, "radiotherapy")))["interruptions"] == []
    assert ok(coordinator.get(path(subject, "visits/RT1A")))["status"] == "due"


def test_a_first_fraction_before_randomization_is_a_deviation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    day = api.today()
    api.move_to(day + timedelta(days=1))
    created(investigator.post(path(subject, "randomization")))
    where = path(subject, "radiotherapy")
    for dose in (66, 60):  # noted once, not with each later correction
        body = plan(day, planned_dose_gy=dose, first_fraction_on=str(day), reason="From the chart")
        ok(investigator.put(where, body))
    noted = ok(investigator.get(path(subject, "deviations")))["items"]
    assert [(one["code"], one["source"], one["occurred_on"]) for one in noted] == [
        ("fraction_before_randomization", "system", str(day))
    ]


def test_a_first_fraction_on_the_day_of_randomization_is_none(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    body = plan(api.today(), first_fraction_on=str(api.today()), reason="Began at once")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    assert ok(investigator.get(path(subject, "deviations")))["items"] == []

"""Subjects, consents, radiotherapy and deviations over HTTP."""

from datetime import date, timedelta

import pytest

from tests.make import (
    SUBJECT,
    Api,
    Json,
    adverse_event,
    created,
    ended,
    grading,
    mistakes,
    ok,
    path,
    plan,
    problem,
)

REASON = "Corrected from the source record"


def tomorrow(api: Api) -> str:
    return str(api.today() + timedelta(days=1))


def consent(api: Api, subject: Json) -> Json:
    """The subject's only consent."""
    (only,) = ok(api.get(path(subject, "consents")))["items"]
    found: Json = only
    return found


def withdraw(api: Api, subject: Json, on: date | None = None) -> Json:
    """The subject's consent, withdrawn today or on that day."""
    where = path(subject, "consents", consent(api, subject)["id"], "withdrawal")
    body = {"withdrawn_on": str(on or api.today()), "reason": "Does not want to go on"}
    return created(api.post(where, body))


# --- subjects ------------------------------------------------------------------------


def test_a_subject_enters_screening_with_a_number_and_a_place(api: Api) -> None:
    coordinator = api.as_("coordinator")
    answer = coordinator.post("/v1/subjects", SUBJECT)
    subject = created(answer)
    assert subject.items() >= {**SUBJECT, "number": "NN-0001", "status": "screening"}.items()
    assert subject["protocol_version"] == "1.0"
    assert subject["created_at"].endswith("Z")
    assert answer.headers["Location"] == path(subject)
    assert ok(coordinator.get(answer.headers["Location"])) == subject


def test_every_link_of_a_new_subject_leads_somewhere(api: Api) -> None:
    investigator = api.as_("investigator")
    links = investigator.screened()["links"]
    problem(investigator.get(links.pop("randomization")), 404, "not_randomized")
    for link in links.values():
        ok(investigator.get(link))


def test_a_site_that_is_not_active_takes_no_subject(api: Api) -> None:
    api.close_site("LZ")
    coordinator = api.as_("coordinator", "LZ")
    problem(coordinator.post("/v1/subjects", {**SUBJECT, "site": "LZ"}), 409, "site_not_active")
    assert api.count("subject") == 0
    api.as_("coordinator").screened()


def test_nobody_enrols_at_a_site_that_is_not_theirs(api: Api) -> None:
    answer = api.as_("coordinator", "LZ").post("/v1/subjects", SUBJECT)
    assert problem(answer, 403, "forbidden")["detail"] == "You may enrol at LZ only."
    assert api.count("subject") == 0


def test_a_year_of_birth_still_to_come_is_refused(api: Api) -> None:
    coordinator = api.as_("coordinator")
    next_year = {**SUBJECT, "year_of_birth": api.today().year + 1}
    assert mistakes(coordinator.post("/v1/subjects", next_year)) == [("/year_of_birth", "future")]
    subject = coordinator.screened()
    body = {"year_of_birth": api.today().year + 1, "reason": REASON}
    assert mistakes(coordinator.patch(path(subject), body)) == [("/year_of_birth", "future")]


def test_the_same_person_at_another_site_is_refused_and_nothing_is_named(api: Api) -> None:
    known = api.as_("coordinator").screened(national_id="45010319710304123x")
    again = {**SUBJECT, "site": "LZ", "national_id": "45010319710304123X"}
    refused = problem(
        api.as_("coordinator", "LZ").post("/v1/subjects", again), 409, "duplicate_subject"
    )
    assert set(refused) == {"type", "title", "status", "detail", "instance"}
    told = refused["title"] + refused["detail"]
    assert not any(clue in told for clue in ("NN", "Nanning", known["id"], "0001", "4501"))
    assert api.count("subject") == 1


def test_a_person_in_screening_leaves_by_hand(api: Api) -> None:
    coordinator = api.as_("coordinator")
    for subject, status in (
        (coordinator.screened(), "screen_failed"),
        (coordinator.screened(), "died"),
        (coordinator.consented(), "withdrawn"),
        (coordinator.consented(), "lost_to_follow_up"),
    ):
        changed = ok(coordinator.patch(path(subject), {"status": status, "reason": REASON}))
        assert (changed["status"], changed["version"]) == (status, subject["version"] + 1)


def test_nobody_leaves_what_they_never_entered(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    for status in ("withdrawn", "lost_to_follow_up", "completed"):
        answer = coordinator.patch(path(subject), {"status": status, "reason": REASON})
        problem(answer, 409, "move_not_allowed")
    assert ok(coordinator.get(path(subject))) == subject


def test_states_that_follow_from_records_are_not_set_by_hand(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    for status in ("screening", "eligible", "randomized", "on_treatment", "in_follow_up"):
        answer = coordinator.patch(path(subject), {"status": status, "reason": REASON})
        assert mistakes(answer) == [("/status", "enum")]


def test_only_death_follows_the_end_and_nothing_follows_death(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()

    def leave(status: str) -> int:
        body = {"status": status, "reason": REASON}
        return coordinator.patch(path(subject), body).status_code

    assert leave("screen_failed") == 200
    assert leave("completed") == 409
    assert leave("died") == 200
    assert [leave(status) for status in ("died", "withdrawn", "completed")] == [409, 409, 409]


def test_a_change_of_a_subject_says_why(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    assert mistakes(coordinator.patch(path(subject), {"sex": "male"})) == [("/reason", "missing")]
    body = {"sex": "male", "year_of_birth": 1970, "reason": REASON}
    changed = ok(coordinator.patch(path(subject), body))
    assert (changed["sex"], changed["year_of_birth"], changed["version"]) == ("male", 1970, 2)


def test_a_subject_is_found_by_number_status_and_site(api: Api) -> None:
    coordinator = api.as_("coordinator")
    first, second = coordinator.screened(), coordinator.screened()
    api.as_("coordinator", "LZ").screened(site="LZ")
    ok(coordinator.patch(path(first), {"status": "screen_failed", "reason": REASON}))

    def numbers(api: Api, query: str) -> list[str]:
        return [item["number"] for item in ok(api.get(f"/v1/subjects?{query}"))["items"]]

    assert numbers(coordinator, "status=screening") == [second["number"]]
    assert numbers(coordinator, f"number={first['number']}") == [first["number"]]
    assert numbers(coordinator, "site=LZ") == []
    assert numbers(api.as_("data_manager"), "site=LZ") == ["LZ-0001"]
    assert numbers(api.as_("data_manager"), "") == ["NN-0001", "NN-0002", "LZ-0001"]


# --- consents ------------------------------------------------------------------------


def test_a_consent_is_listed_with_its_withdrawal(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    assert consent(coordinator, subject)["withdrawal"] is None
    withdraw(coordinator, subject)
    ended = consent(coordinator, subject)["withdrawal"]
    assert ended["withdrawn_on"] == str(api.today())
    assert ended["reason"] == "Does not want to go on"


def test_a_consent_form_counts_from_its_approval_on(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened(), "consents")
    for version, signed_on in (("1.1", "2026-03-01"), ("1.0", "2025-12-31")):
        answer = coordinator.post(where, {"version": version, "signed_on": signed_on})
        problem(answer, 409, "consent_version_not_approved")
    assert api.count("consent") == 0
    created(coordinator.post(where, {"version": "1.0", "signed_on": "2026-01-01"}))


def test_a_consent_signed_tomorrow_is_refused(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    body = {"version": "1.0", "signed_on": tomorrow(api)}
    assert mistakes(coordinator.post(path(subject, "consents"), body)) == [("/signed_on", "future")]


def test_a_consent_version_is_signed_once(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    body = {"version": "1.0", "signed_on": str(api.today())}
    problem(coordinator.post(path(subject, "consents"), body), 409, "already_consented")


def test_a_withdrawal_lies_between_the_signature_and_today(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    where = path(subject, "consents", consent(coordinator, subject)["id"], "withdrawal")
    for days, code in ((-1, "before_consent"), (1, "future")):
        body = {"withdrawn_on": str(api.today() + timedelta(days=days)), "reason": REASON}
        assert mistakes(coordinator.post(where, body)) == [("/withdrawn_on", code)]
    assert ok(coordinator.get(path(subject)))["status"] == "screening"


def test_a_consent_is_withdrawn_once(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    made = withdraw(coordinator, subject)
    where = path(subject, "consents", made["id"], "withdrawal")
    body = {"withdrawn_on": str(api.today()), "reason": REASON}
    problem(coordinator.post(where, body), 409, "already_withdrawn")


def test_the_consent_of_another_subject_is_not_found(api: Api) -> None:
    coordinator = api.as_("coordinator")
    theirs = consent(coordinator, coordinator.consented())
    where = path(coordinator.consented(), "consents", theirs["id"], "withdrawal")
    body = {"withdrawn_on": str(api.today()), "reason": REASON}
    problem(coordinator.post(where, body), 404, "not_found")


def test_what_was_observed_before_a_withdrawal_may_still_be_entered_and_nothing_later(
    api: Api,
) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.on_treatment()
    first = api.today()
    api.move_to(first + timedelta(days=5))
    withdraw(investigator, subject, on=first + timedelta(days=3))
    seen = ok(investigator.get(path(subject)))
    assert (seen["status"], seen["left_on"]) == ("withdrawn", str(first + timedelta(days=3)))
    plan_of = plan(first, first_fraction_on=str(first), reason=REASON)
    ok(assessor.put(path(subject, "visits/RT1A"), {"date": str(first)}))
    created(assessor.post(path(subject, "visits/RT1A/gradings"), grading(first)))
    ok(investigator.put(path(subject, "radiotherapy"), {**plan_of, "planned_dose_gy": 60}))
    created(investigator.post(path(subject, "adverse-events"), adverse_event(first)))
    later = str(first + timedelta(days=4))
    for answer in (
        assessor.put(path(subject, "visits/RT1B"), {"date": later}, version=0),
        investigator.put(path(subject, "radiotherapy"), {**plan_of, "last_fraction_on": later}),
    ):
        problem(answer, 409, "after_leaving")
    body = {"version": "1.0", "signed_on": str(first)}
    problem(investigator.post(path(subject, "consents"), body), 409, "subject_closed")


@pytest.mark.parametrize("status", ["withdrawn", "lost_to_follow_up", "died"])
def test_a_later_death_leaves_the_day_of_leaving_as_it_is(api: Api, status: str) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    assert ok(investigator.get(path(subject)))["left_on"] is None
    left_on = str(api.today())
    ok(investigator.patch(path(subject), {"status": status, "reason": REASON}))
    assert ok(investigator.get(path(subject)))["left_on"] == left_on
    api.move_to(api.today() + timedelta(days=9))
    if status != "died":
        died = ok(investigator.patch(path(subject), {"status": "died", "reason": REASON}))
        assert (died["status"], died["left_on"]) == ("died", left_on)


@pytest.mark.parametrize("status", ["withdrawn", "lost_to_follow_up", "died"])
def test_a_withdrawal_told_late_moves_the_day_of_leaving_back(api: Api, status: str) -> None:
    """Whatever was known before: the earliest day counts, and a death stays."""
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    api.move_to(first + timedelta(days=9))
    ok(investigator.patch(path(subject), {"status": status, "reason": REASON}))
    withdraw(investigator, subject, on=first + timedelta(days=2))
    seen = ok(investigator.get(path(subject)))
    assert seen["status"] == ("died" if status == "died" else "withdrawn")
    assert (seen["left_on"], seen["version"]) == (str(first + timedelta(days=2)), 3)


def test_a_withdrawal_later_than_the_leaving_moves_no_day(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    left_on = api.today()
    lost = {"status": "lost_to_follow_up", "reason": REASON}
    ok(investigator.patch(path(subject), lost))
    api.move_to(left_on + timedelta(days=9))
    withdraw(investigator, subject)
    seen = ok(investigator.get(path(subject)))
    assert (seen["status"], seen["left_on"]) == ("withdrawn", str(left_on))


def test_nobody_withdraws_consent_after_death(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.patch(path(subject), {"status": "died", "reason": REASON}))
    api.move_to(api.today() + timedelta(days=1))
    where = path(subject, "consents", consent(investigator, subject)["id"], "withdrawal")
    body = {"withdrawn_on": str(api.today()), "reason": REASON}
    problem(investigator.post(where, body), 409, "after_leaving")
    assert api.count("consent_withdrawal") == 0


@pytest.mark.parametrize("status", ["lost_to_follow_up", "died"])
def test_no_consent_is_signed_after_leaving(api: Api, status: str) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    left_on = api.today()
    approval = {
        "protocol_version": "1.0",
        "consent_version": "1.1",
        "ethics_reference": "2026-KY-0007",
        "approved_on": "2026-02-01",
    }
    created(api.as_("admin").post("/v1/sites/NN/activations", approval))
    ok(coordinator.patch(path(subject), {"status": status, "reason": REASON}))
    api.move_to(left_on + timedelta(days=1))
    body = {"version": "1.1", "signed_on": str(api.today())}
    where = path(subject, "consents")
    problem(coordinator.post(where, body), 409, "after_leaving")
    assert api.count("consent") == 1
    created(coordinator.post(where, {**body, "signed_on": str(left_on)}))


@pytest.mark.parametrize("then", [("died",), ("withdrawn",), ("withdrawn", "died")])
def test_a_subject_who_failed_screening_stays_closed_whatever_follows(
    api: Api, then: tuple[str, ...]
) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.eligible()
    today = api.today()
    for status in ("screen_failed", *then):
        changed = ok(investigator.patch(path(subject), {"status": status, "reason": REASON}))
        assert (changed["status"], changed["left_on"]) == (status, None)
    day = {"date": str(today)}
    left = {"study": ended(today, "death")}
    for answer in (
        assessor.put(path(subject, "visits/BL"), day, version=0),
        assessor.post(path(subject, "visits/BL/gradings"), grading(today)),
        investigator.put(path(subject, "radiotherapy"), plan(today, reason=REASON)),
        investigator.put(path(subject, "discontinuation"), left),
        investigator.post(path(subject, "consents"), {"version": "1.0", "signed_on": str(today)}),
    ):
        problem(answer, 409, "subject_closed")


def test_a_withdrawal_after_a_screen_failure_has_no_day_of_leaving(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.patch(path(subject), {"status": "screen_failed", "reason": REASON}))
    withdraw(investigator, subject)
    seen = ok(investigator.get(path(subject)))
    assert (seen["status"], seen["left_on"]) == ("withdrawn", None)


def test_a_screen_failure_is_no_day_of_leaving(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    failed = ok(coordinator.patch(path(subject), {"status": "screen_failed", "reason": REASON}))
    assert failed["left_on"] is None


def test_a_subject_who_failed_screening_signs_no_consent(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    ok(coordinator.patch(path(subject), {"status": "screen_failed", "reason": REASON}))
    body = {"version": "1.0", "signed_on": str(api.today())}
    problem(coordinator.post(path(subject, "consents"), body), 409, "subject_closed")

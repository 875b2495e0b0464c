"""Subjects, consents, radiotherapy and deviations over HTTP."""

from datetime import timedelta

from tests.make import (
    SUBJECT,
    Api,
    Json,
    adverse_event,
    created,
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


def withdraw(api: Api, subject: Json) -> Json:
    """The subject's consent, withdrawn today."""
    where = path(subject, "consents", consent(api, subject)["id"], "withdrawal")
    body = {"withdrawn_on": str(api.today()), "reason": "Does not want to go on"}
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


def test_withdrawn_consent_ends_everything_but_the_reporting_of_adverse_events(api: Api) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.on_treatment()
    today = api.today()
    ok(assessor.put(path(subject, "visits/RT1A"), {"date": str(today)}))
    withdraw(investigator, subject)
    assert ok(investigator.get(path(subject)))["status"] == "withdrawn"
    refused = [
        assessor.post(path(subject, "visits/RT1A/gradings"), grading(today)),
        assessor.put(path(subject, "visits/RT1B"), {"date": str(today)}, version=0),
        investigator.put(path(subject, "radiotherapy"), plan(today, reason=REASON)),
        investigator.post(path(subject, "consents"), {"version": "1.0", "signed_on": str(today)}),
    ]
    for answer in refused:
        problem(answer, 409, "subject_closed")
    created(investigator.post(path(subject, "adverse-events"), adverse_event(today)))
    assert ok(investigator.get(path(subject, "visits/RT1A")))["date"] == str(today)


def test_a_subject_who_failed_screening_signs_no_consent(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.screened()
    ok(coordinator.patch(path(subject), {"status": "screen_failed", "reason": REASON}))
    body = {"version": "1.0", "signed_on": str(api.today())}
    problem(coordinator.post(path(subject, "consents"), body), 409, "subject_closed")

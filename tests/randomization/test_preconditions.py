"""What a subject may lack before randomization: each reason is named, and says what to do."""

from datetime import date, timedelta

from services.api.core.errors import ApiError
from tests.facts import eligible_facts
from tests.make import SUBJECT, Api, Json, created, ok, path, plan, problem

REASON = "Corrected from the source record"
SCREENING_WINDOW_DAYS = 28


def randomize(api: Api, subject: Json) -> Json:
    return created(api.post(path(subject, "randomization")))


def publish(api: Api, version: str) -> None:
    """Another version of the protocol beside the one in use."""
    api.rows(
        "INSERT INTO protocol_version (version, sha256, document, published_at)"
        " SELECT :version, sha256, document, published_at FROM protocol_version",
        version=version,
    )


def missing(api: Api, subject: Json) -> list[str]:
    """The preconditions that a refusal names, each with a page of its own."""
    refused = problem(api.post(path(subject, "randomization")), 409, "not_ready")
    for one in refused["errors"]:
        assert one["detail"]
        assert ApiError.by_code[one["code"]].status == 409
        assert ApiError.by_code[one["code"]].title() in api.client.get(
            f"/problems/{one['code']}"
        ).text.replace("&#x27;", "'")
    return [one["code"] for one in refused["errors"]]


def test_everything_that_is_missing_is_named_at_once(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    assert missing(investigator, subject) == [
        "no_consent",
        "eligibility_missing",
        "no_radiotherapy_plan",
    ]
    assert api.count("allocation") == 0


def test_a_plan_alone_may_be_missing(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    created(investigator.sign(subject))
    assert missing(investigator, subject) == ["no_radiotherapy_plan"]


def test_a_signature_alone_may_be_missing(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today() + timedelta(days=10))))
    assert missing(investigator, subject) == ["eligibility_not_signed"]


def test_new_facts_after_the_signature_ask_for_a_new_one(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    facts = ok(investigator.get(path(subject, "eligibility")))["facts"]
    body = {"facts": {**facts, "ecog_performance_status": 2}, "reason": REASON}
    ok(investigator.put(path(subject, "eligibility"), body))
    assert missing(investigator, subject) == ["eligibility_not_signed"]
    created(investigator.sign(subject))
    randomize(investigator, subject)


def test_an_ineligible_or_incomplete_subject_is_refused(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today() + timedelta(days=10))))
    facts = {**eligible_facts(api.today()), "age_at_consent": investigator.age(subject)}
    for changed in ({"cirrhosis": True}, {"haemoglobin": None}):
        body = {"facts": {**facts, **changed}, "reason": REASON}
        ok(investigator.put(path(subject, "eligibility"), body))
        assert missing(investigator, subject) == ["not_eligible", "eligibility_not_signed"]


def test_stale_facts_block_randomization_until_they_are_refreshed_and_signed(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    api.move_to(api.today() + timedelta(days=SCREENING_WINDOW_DAYS))
    answer = investigator.post(path(subject, "randomization"))
    (stale,) = problem(answer, 409, "not_ready")["errors"]
    assert stale["code"] == "eligibility_stale"
    assert "haemoglobin" in stale["detail"]
    facts = {**eligible_facts(api.today()), "age_at_consent": investigator.age(subject)}
    ok(investigator.put(path(subject, "eligibility"), {"facts": facts, "reason": "Refreshed"}))
    assert missing(investigator, subject) == ["eligibility_not_signed"]
    created(investigator.sign(subject))
    assert randomize(investigator, subject)["evaluation_version"] == 2


def test_after_the_first_fraction_it_is_too_late(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    body = plan(api.today(), first_fraction_on=str(api.today()), reason="Started")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    assert missing(investigator, subject) == ["radiotherapy_started"]


def test_a_site_whose_approval_is_gone_randomizes_nobody(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    api.close_site("NN")
    assert missing(investigator, subject) == ["site_not_active"]


def test_a_subject_who_died_or_withdrew_is_not_randomized(api: Api) -> None:
    investigator = api.as_("investigator")
    died, withdrew = investigator.eligible(), investigator.eligible()
    ok(investigator.patch(path(died), {"status": "died", "reason": "Pneumonia"}))
    assert missing(investigator, died) == ["not_in_screening"]
    consent = ok(investigator.get(path(withdrew, "consents")))["items"][0]
    body = {"withdrawn_on": str(api.today()), "reason": "Chose another hospital"}
    created(investigator.post(path(withdrew, "consents", consent["id"], "withdrawal"), body))
    assert missing(investigator, withdrew) == ["no_consent", "not_in_screening"]


def test_a_site_that_approved_another_protocol_version_only_randomizes_nobody(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    publish(api, "0.9")
    api.rows("ALTER TABLE site_activation DISABLE TRIGGER USER")
    api.rows("UPDATE site_activation SET protocol_version = '0.9' WHERE site = 'NN'")
    assert missing(investigator, subject) == ["protocol_not_approved"]
    problem(investigator.post("/v1/subjects", SUBJECT), 409, "protocol_not_approved")


def approve(api: Api, consent: str, on: date, site: str = "NN") -> None:
    """An approval of a consent form for the protocol in use."""
    approval = {
        "protocol_version": "1.0",
        "consent_version": consent,
        "ethics_reference": "2026-KY-0042",
        "approved_on": str(on),
    }
    created(api.as_("admin").post(f"/v1/sites/{site}/activations", approval))


def consent(api: Api, subject: Json, version: str, on: date) -> None:
    body = {"version": version, "signed_on": str(on)}
    created(api.post(path(subject, "consents"), body))


def test_an_outdated_consent_has_to_be_signed_anew(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    approve(api, "1.1", api.today())
    refused = problem(investigator.post(path(subject, "randomization")), 409, "not_ready")
    assert "version 1.1" in refused["errors"][0]["detail"]
    assert missing(investigator, subject) == ["consent_outdated"]
    consent(investigator, subject, "1.1", api.today())
    randomize(investigator, subject)


def test_an_older_paper_that_is_entered_late_outdates_no_consent(api: Api) -> None:
    investigator = api.as_("investigator")
    approve(api, "1.1", api.today())
    subject = investigator.screened()
    consent(investigator, subject, "1.1", api.today())
    consent(investigator, subject, "1.0", api.today() - timedelta(days=9))
    assert missing(investigator, subject) == ["eligibility_missing", "no_radiotherapy_plan"]


def test_a_form_approved_for_a_later_protocol_is_not_outdated(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    publish(api, "1.1")
    approve(api, "2.0", api.today())
    api.rows("ALTER TABLE site_activation DISABLE TRIGGER USER")
    api.rows("UPDATE site_activation SET protocol_version = '1.1' WHERE consent_version = '2.0'")
    consent(investigator, subject, "2.0", api.today())
    randomize(investigator, subject)


def test_an_approval_by_mistake_is_mended_by_renewing_the_right_one(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    approve(api, "7.0", api.today())
    assert missing(investigator, subject) == ["consent_outdated"]
    approve(api, "1.0", api.today())
    randomize(investigator, subject)


def test_an_approval_elsewhere_outdates_no_consent(api: Api) -> None:
    subject = api.as_("investigator").eligible()
    approve(api, "1.1", api.today(), "LZ")
    randomize(api.as_("investigator"), subject)


def test_an_evaluation_under_an_older_protocol_has_to_be_made_and_signed_anew(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    publish(api, "0.9")
    api.rows("ALTER TABLE eligibility_evaluation DISABLE TRIGGER USER")
    api.rows("UPDATE eligibility_evaluation SET protocol_version = '0.9'")
    assert "eligibility_stale" in missing(investigator, subject)
    assert ok(investigator.get(path(subject, "eligibility")))["overall"] == "eligible"
    facts = {**eligible_facts(api.today()), "age_at_consent": investigator.age(subject)}
    ok(investigator.put(path(subject, "eligibility"), {"facts": facts, "reason": "Amendment"}))
    created(investigator.sign(subject))
    assert randomize(investigator, subject)["evaluation_version"] == 2

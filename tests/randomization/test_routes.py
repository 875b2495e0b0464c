"""Randomization over HTTP."""

from datetime import timedelta

import pytest

from services.api.randomization import rules
from services.api.settings import SANDBOX_SEED
from tests.facts import eligible_facts
from tests.make import Api, Json, created, ok, plan, problem

REASON = "Corrected from the source record"
SCREENING_WINDOW_DAYS = 28


def path(subject: Json, *parts: str) -> str:
    return "/".join(("/v1/subjects", subject["id"], *parts))


def randomize(api: Api, subject: Json, **options: str) -> Json:
    return created(api.post(path(subject, "randomization"), **options))


def missing(api: Api, subject: Json) -> list[str]:
    """The preconditions that a refusal names."""
    refused = problem(api.post(path(subject, "randomization")), 409, "not_ready")
    assert all(one["detail"] for one in refused["errors"])
    return [one["code"] for one in refused["errors"]]


# --- what is allocated ------------------------------------------------------------------


def test_an_eligible_subject_gets_an_arm_a_number_and_the_stratum_used(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    answer = randomize(investigator, subject)
    assert answer["stratum"] == {"site": "NN", "concurrent_chemotherapy": True}
    assert answer["randomization_number"] == "NN-C-001"
    assert (answer["protocol_version"], answer["evaluation_version"]) == ("1.0", 1)
    assert answer["randomized_at"].startswith(str(api.state.clock.now().date()))
    assert ok(investigator.get(path(subject, "randomization"))) == answer
    assert ok(investigator.get(path(subject)))["status"] == "randomized"


def test_arms_are_those_of_the_sandbox_list_each_stratum_in_its_own_order(api: Api) -> None:
    section = api.state.loaded.protocol.randomization
    investigator = api.as_("investigator")
    seen: dict[bool, int] = {True: 0, False: 0}
    for chemotherapy in (True, False, True, True):
        subject = investigator.eligible(concurrent_chemotherapy=chemotherapy)
        answer = randomize(investigator, subject)
        seen[chemotherapy] += 1
        stratum = rules.stratum_of(answer["stratum"], section)
        assert answer["arm"] == rules.arm_at(SANDBOX_SEED, section, stratum, seen[chemotherapy])
        assert answer["randomization_number"] == f"{stratum.code}-{seen[chemotherapy]:03d}"


# --- preconditions ----------------------------------------------------------------------


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
    assert missing(investigator, died) == ["status"]
    consent = ok(investigator.get(path(withdrew, "consents")))["items"][0]
    body = {"withdrawn_on": str(api.today()), "reason": "Chose another hospital"}
    created(investigator.post(path(withdrew, "consents", consent["id"], "withdrawal"), body))
    assert missing(investigator, withdrew) == ["no_consent", "status"]


@pytest.mark.parametrize(("lead", "late"), [(7, False), (6, True), (0, True)])
def test_randomizing_less_than_seven_days_before_radiotherapy_is_a_recorded_deviation(
    api: Api, lead: int, late: bool
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    body = plan(api.today() + timedelta(days=lead), reason="Brought forward")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    randomize(investigator, subject)
    noted = ok(investigator.get(path(subject, "deviations")))["items"]
    assert [(one["code"], one["source"]) for one in noted] == (
        [("late_randomization", "system")] if late else []
    )
    assert all(f"Randomized {lead} days" in one["description"] for one in noted)


# --- once and for all -------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_says_so(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    first = investigator.post(path(subject, "randomization"), key="NN-0001-randomize")
    again = investigator.post(path(subject, "randomization"), key="NN-0001-randomize")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.count("allocation") == 1


def test_another_key_never_redraws(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    allocation = ok(investigator.get(path(subject, "randomization")))
    problem(investigator.post(path(subject, "randomization")), 409, "already_randomized")
    assert ok(investigator.get(path(subject, "randomization"))) == allocation
    assert api.count("allocation") == 1


def test_a_refused_randomization_may_be_retried_with_its_key(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today() + timedelta(days=10))))
    refused = investigator.post(path(subject, "randomization"), key="once")
    problem(refused, 409, "not_ready")
    created(investigator.sign(subject))
    randomize(investigator, subject, key="once")


def test_a_subject_who_is_not_randomized_has_no_allocation_to_read(api: Api) -> None:
    investigator = api.as_("investigator")
    answer = investigator.get(path(investigator.screened(), "randomization"))
    problem(answer, 404, "not_randomized")


def test_a_hospital_system_randomizes(api: Api) -> None:
    subject = api.as_("investigator").eligible()
    assert randomize(api.as_("hospital_system"), subject)["arm"] in {"experimental", "control"}


# --- who sees what ----------------------------------------------------------------------


def test_an_assessor_gets_no_arm_anywhere(api: Api) -> None:
    subject = api.as_("investigator").randomized()
    assessor = api.as_("assessor")
    single = assessor.get(path(subject, "randomization"))
    assert "arm" not in ok(single)
    (listed,) = ok(assessor.get("/v1/randomizations"))["items"]
    assert listed == ok(single)
    readable = [
        "/v1/subjects",
        "/v1/randomizations",
        path(subject),
        path(subject, "randomization"),
        path(subject, "radiotherapy"),
        path(subject, "visits"),
    ]
    for where in readable:
        answer = assessor.get(where)
        ok(answer)
        assert "experimental" not in answer.text
        assert "control" not in answer.text


def test_the_list_holds_own_sites_only(api: Api) -> None:
    ours = api.as_("investigator").randomized()
    theirs = api.as_("investigator", "LZ").randomized(site="LZ")

    def subjects(api: Api, query: str = "") -> list[str]:
        return [one["subject_id"] for one in ok(api.get(f"/v1/randomizations{query}"))["items"]]

    assert subjects(api.as_("investigator")) == [ours["id"]]
    assert subjects(api.as_("investigator"), "?site=LZ") == []
    assert subjects(api.as_("investigator", "LZ")) == [theirs["id"]]
    assert subjects(api.as_("statistician")) == [ours["id"], theirs["id"]]
    assert subjects(api.as_("statistician"), "?site=LZ") == [theirs["id"]]


# --- the commitment ---------------------------------------------------------------------


def test_the_commitment_is_public_and_is_the_root_of_the_list(api: Api) -> None:
    section = api.state.loaded.protocol.randomization
    assert api.token is None
    published = ok(api.get("/v1/randomization/commitment"))
    assert published["root"] == rules.root(SANDBOX_SEED, section).hex()
    assert published["algorithm"] == rules.ALGORITHM
    assert published["slots"] == 6 * section.slots_per_stratum
    assert published["protocol_version"] == "1.0"


def test_the_commitment_is_public_only_once_a_site_is_active(api: Api) -> None:
    for site in ("NN", "LZ", "YL"):
        api.close_site(site)
    problem(api.get("/v1/randomization/commitment"), 404, "not_found")

"""Eligibility and its signature over HTTP."""

from datetime import timedelta

from tests.facts import MEASURED_DAYS_BEFORE, eligible_facts
from tests.make import Api, Json, created, mistakes, ok, problem

SCREENING_WINDOW_DAYS = 28
REASON = "New blood count"


def path(subject: Json) -> str:
    return f"/v1/subjects/{subject['id']}/eligibility"


def facts(api: Api, **changed: object) -> Json:
    """The facts of an eligible subject born in 1971, with some changed."""
    return {**eligible_facts(api.today()), "age_at_consent": api.today().year - 1971, **changed}


def verdict(evaluation: Json, criterion: str) -> str:
    found = {one["id"]: one["verdict"] for one in evaluation["criteria"]}
    return str(found[criterion])


# --- facts and verdicts -----------------------------------------------------------------


def test_before_any_facts_everything_is_unknown(api: Api) -> None:
    coordinator = api.as_("coordinator")
    evaluation = ok(coordinator.get(path(coordinator.screened())))
    assert (evaluation["overall"], evaluation["version"]) == ("incomplete", 0)
    assert evaluation["evaluation_hash"] is None
    assert set(evaluation["unknown_facts"]) == set(eligible_facts(api.today()))


def test_complete_facts_get_a_verdict_on_every_criterion(api: Api) -> None:
    coordinator = api.as_("coordinator")
    evaluation = ok(coordinator.put(path(coordinator.consented()), {"facts": facts(api)}))
    assert (evaluation["overall"], evaluation["version"]) == ("eligible", 1)
    assert evaluation["evaluated_on"] == str(api.today())
    document = ok(coordinator.get("/v1/protocol-versions/1.0"))["eligibility"]
    assert [one["id"] for one in evaluation["criteria"]] == [
        one["id"] for one in document["criteria"]
    ]
    assert (verdict(evaluation, "I05b"), verdict(evaluation, "E05b")) == ("met", "not_met")


def test_a_fact_that_is_left_out_is_named_and_makes_incomplete(api: Api) -> None:
    coordinator = api.as_("coordinator")
    given = facts(api, haemoglobin=None)
    evaluation = ok(coordinator.put(path(coordinator.screened()), {"facts": given}))
    assert evaluation["overall"] == "incomplete"
    assert evaluation["unknown_facts"] == ["haemoglobin"]
    assert verdict(evaluation, "I05b") == "unknown"


def test_a_haemoglobin_in_g_per_dl_is_kept_as_given_and_shown_in_g_per_l(api: Api) -> None:
    coordinator = api.as_("coordinator")
    given = {"value": 8.9, "unit": "g/dL", "measured_on": str(api.today())}
    where = path(coordinator.screened())
    ok(coordinator.put(where, {"facts": facts(api, haemoglobin=given)}))
    evaluation = ok(coordinator.get(where))
    assert evaluation["facts"]["haemoglobin"] == given
    assert evaluation["normalised"]["haemoglobin"] == {**given, "value": 89, "unit": "g/L"}
    assert (evaluation["overall"], verdict(evaluation, "I05b")) == ("ineligible", "not_met")


def test_every_mistake_in_the_facts_is_pointed_at_and_nothing_is_stored(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.screened())
    tomorrow = str(api.today() + timedelta(days=1))
    given = facts(
        api,
        haemoglobin={"value": 132, "unit": "stone", "measured_on": tomorrow},
        ecog_performance_status=9,
        favourite_colour="red",
    )
    assert set(mistakes(coordinator.put(where, {"facts": given}))) == {
        ("/facts/haemoglobin/unit", "unknown_unit"),
        ("/facts/haemoglobin/measured_on", "out_of_range"),
        ("/facts/ecog_performance_status", "out_of_range"),
        ("/facts/favourite_colour", "unknown_fact"),
    }
    assert api.count("eligibility_evaluation") == 0


def test_facts_change_with_a_reason_from_the_second_version_on(api: Api) -> None:
    coordinator = api.as_("coordinator")
    where = path(coordinator.evaluated())
    changed = facts(api, ecog_performance_status=2)
    assert mistakes(coordinator.put(where, {"facts": changed})) == [("/reason", "missing")]
    second = ok(coordinator.put(where, {"facts": changed, "reason": REASON}))
    assert (second["version"], second["reason"]) == (2, REASON)
    assert second["facts"]["ecog_performance_status"] == 2


def test_the_age_at_consent_fits_the_year_of_birth(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.consented()
    years = coordinator.age(subject)
    for age in (years - 2, years + 1):
        answer = coordinator.put(path(subject), {"facts": facts(api, age_at_consent=age)})
        assert mistakes(answer) == [("/facts/age_at_consent", "disagrees")]
    for age in (years - 1, years):
        body = {"facts": facts(api, age_at_consent=age), "reason": REASON}
        assert ok(coordinator.put(path(subject), body))["overall"] == "eligible"


def test_facts_older_than_the_screening_window_name_themselves(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.evaluated()
    last = api.today() + timedelta(days=SCREENING_WINDOW_DAYS - MEASURED_DAYS_BEFORE)
    api.move_to(last)
    fresh = ok(coordinator.get(path(subject)))
    assert (fresh["overall"], fresh["stale_facts"]) == ("eligible", [])
    api.move_to(last + timedelta(days=1))
    stale = ok(coordinator.get(path(subject)))
    assert stale["overall"] == "incomplete"
    assert set(stale["stale_facts"]) == {
        name for name, fact in stale["facts"].items() if isinstance(fact, dict)
    }
    assert stale["unknown_facts"] == []


# --- the signature ----------------------------------------------------------------------


def test_a_signature_shows_name_time_and_meaning_and_makes_the_subject_eligible(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    signature = created(investigator.sign(subject))
    assert signature["signed_by"] == "Demo investigator"
    assert signature["meaning"] == "I confirm eligibility"
    assert signature["role"] == "investigator"
    assert signature["signer"] == ok(investigator.get("/v1/me"))["id"]
    assert (signature["version"], signature["valid"]) == (1, True)
    assert signature["signed_at"].startswith(str(api.state.clock.now().date()))
    evaluation = ok(investigator.get(path(subject)))
    assert evaluation["signature"] == signature
    assert signature["evaluation_hash"] == evaluation["evaluation_hash"]
    assert ok(investigator.get(f"/v1/subjects/{subject['id']}"))["status"] == "eligible"


def test_new_facts_void_the_signature_and_bring_the_subject_back_to_screening(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    signed = created(investigator.sign(subject))
    ok(
        investigator.put(
            path(subject),
            {"facts": facts(api, ecog_performance_status=2), "reason": REASON},
        )
    )
    evaluation = ok(investigator.get(path(subject)))
    assert evaluation["signature"] == {**signed, "valid": False}
    assert evaluation["evaluation_hash"] != signed["evaluation_hash"]
    assert ok(investigator.get(f"/v1/subjects/{subject['id']}"))["status"] == "screening"
    old_hash = investigator.sign(subject, evaluation_hash=signed["evaluation_hash"])
    problem(old_hash, 409, "evaluation_changed")
    again = created(investigator.sign(subject))
    assert (again["version"], again["valid"]) == (2, True)
    assert ok(investigator.get(path(subject)))["signature"] == again
    assert api.count("eligibility_signature") == 2


def test_facts_that_grow_stale_do_not_void_the_signature(api: Api) -> None:
    """Randomization asks for fresh facts by itself."""
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    signed = created(investigator.sign(subject))
    api.move_to(api.today() + timedelta(days=SCREENING_WINDOW_DAYS))
    evaluation = ok(investigator.get(path(subject)))
    assert evaluation["stale_facts"]
    assert evaluation["signature"] == signed
    assert signed["valid"] is True


def test_a_voided_signature_does_not_count_as_one(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    ok(investigator.put(path(subject), {"facts": facts(api), "reason": REASON}))
    here = f"/v1/subjects/{subject['id']}"
    refused = problem(investigator.post(f"{here}/randomization"), 409, "not_ready")
    assert [one["code"] for one in refused["errors"]] == ["eligibility_not_signed"]
    assert ok(investigator.get(path(subject)))["signature"]["valid"] is False


def test_a_signature_on_equal_facts_of_another_subject_or_version_is_none_here(api: Api) -> None:
    investigator = api.as_("investigator")
    subject, other = investigator.evaluated(), investigator.evaluated()
    first = ok(investigator.get(path(subject)))
    theirs = ok(investigator.get(path(other)))
    assert first["facts"] == theirs["facts"]
    answer = investigator.sign(subject, evaluation_hash=theirs["evaluation_hash"])
    problem(answer, 409, "evaluation_changed")
    for status in (2, 1):
        given = facts(api, ecog_performance_status=status)
        ok(investigator.put(path(subject), {"facts": given, "reason": REASON}))
    assert ok(investigator.get(path(subject)))["facts"] == first["facts"]
    answer = investigator.sign(subject, evaluation_hash=first["evaluation_hash"])
    problem(answer, 409, "evaluation_changed")
    assert api.count("eligibility_signature") == 0


def test_a_wrong_hash_meaning_or_password_signs_nothing(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    wrong: list[tuple[Json, int, str]] = [
        ({"evaluation_hash": "0" * 64}, 409, "evaluation_changed"),
        ({"meaning": "I confirm ineligibility"}, 409, "cannot_sign"),
        ({"password": "not my password"}, 403, "reauthentication_failed"),
    ]
    for changed, status, code in wrong:
        problem(investigator.sign(subject, **changed), status, code)
    for meaning in ("Looks fine", "I confirm the grading", "I have reviewed the adverse event"):
        assert mistakes(investigator.sign(subject, meaning=meaning)) == [("/meaning", "enum")]
    assert api.count("eligibility_signature") == 0
    assert ok(investigator.get(f"/v1/subjects/{subject['id']}"))["status"] == "screening"


def test_only_an_eligible_evaluation_is_signed_as_eligible(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    wrong: list[tuple[Json, str]] = [
        ({"haemoglobin": None}, "incomplete"),
        ({"cirrhosis": True}, "ineligible"),
    ]
    for changed, overall in wrong:
        body = {"facts": facts(api, **changed), "reason": REASON}
        ok(investigator.put(path(subject), body))
        refused = problem(investigator.sign(subject), 409, "cannot_sign")
        assert refused["detail"] == f"The evaluation is {overall}, not eligible."


def test_eligibility_is_not_signed_without_a_consent(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    ok(investigator.put(path(subject), {"facts": facts(api)}))
    refused = problem(investigator.sign(subject), 409, "cannot_sign")
    assert "consent" in refused["detail"]


def test_signed_ineligibility_is_a_screen_failure_and_closes_the_evaluation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    ok(investigator.put(path(subject), {"facts": facts(api, cirrhosis=True)}))
    created(investigator.sign(subject, meaning="I confirm ineligibility"))
    assert ok(investigator.get(f"/v1/subjects/{subject['id']}"))["status"] == "screen_failed"
    body = {"facts": facts(api), "reason": REASON}
    problem(investigator.put(path(subject), body), 409, "eligibility_closed")
    assert ok(investigator.get(path(subject)))["signature"]["meaning"] == "I confirm ineligibility"


def test_one_evaluation_is_signed_once(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    created(investigator.sign(subject))
    problem(investigator.sign(subject), 409, "already_signed")


def test_nothing_is_signed_before_there_are_facts(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    answer = investigator.sign(subject, evaluation_hash="0" * 64)
    problem(answer, 409, "evaluation_changed")


def test_the_evaluation_of_a_randomized_subject_is_closed_and_no_longer_grows_stale(
    api: Api,
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    body = {"facts": facts(api, ecog_performance_status=2), "reason": REASON}
    problem(investigator.put(path(subject), body), 409, "eligibility_closed")
    before = ok(investigator.get(path(subject)))
    api.move_to(api.today() + timedelta(days=200))
    assert ok(investigator.get(path(subject))) == before
    assert before["overall"] == "eligible"

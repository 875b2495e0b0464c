"""What eligibility keeps: every version, every signature, and what it was judged on."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from tests.facts import eligible_facts
from tests.make import Api, Json, created, ok, problem

REASON = "New blood count"
CHANGES = "audit_event WHERE operation IN ('INSERT', 'UPDATE', 'DELETE')"


def path(subject: Json) -> str:
    return f"/v1/subjects/{subject['id']}/eligibility"


def facts(api: Api, **changed: object) -> Json:
    """The facts of an eligible subject born in 1971, with some changed."""
    return {**eligible_facts(api.today()), "age_at_consent": api.today().year - 1971, **changed}


def test_every_version_of_the_facts_is_kept_as_given(api: Api) -> None:
    coordinator = api.as_("coordinator")
    subject = coordinator.evaluated()
    for status in (2, 0):
        body = {"facts": facts(api, ecog_performance_status=status), "reason": REASON}
        ok(coordinator.put(path(subject), body))
    rows = api.rows("SELECT * FROM eligibility_evaluation ORDER BY version")
    assert [(row.version, row.facts["ecog_performance_status"], row.reason) for row in rows] == [
        (1, 1, None),
        (2, 2, REASON),
        (3, 0, REASON),
    ]
    assert len({row.evaluation_hash for row in rows}) == 3


def test_neither_an_evaluation_nor_a_signature_is_ever_rewritten(api: Api) -> None:
    investigator = api.as_("investigator")
    created(investigator.sign(investigator.evaluated()))
    for table in ("eligibility_evaluation", "eligibility_signature"):
        for statement in (f"UPDATE {table} SET version = version", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
                api.rows(statement)


def test_a_signature_is_audited_with_the_person_and_the_move_it_caused(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    answer = investigator.sign(subject)
    signature = created(answer)
    signed, moved = api.audit(subject)[-2:]
    assert (signed.record, signed.operation, signed.role) == (
        "eligibility_signature",
        "INSERT",
        "investigator",
    )
    assert signed.new["evaluation_hash"] == signature["evaluation_hash"]
    assert signed.new["meaning"] == "I confirm eligibility"
    assert signed.new["signer_role"] == "investigator"
    assert signed.request_id == answer.headers["X-Request-Id"]
    assert (moved.old["status"], moved.new["status"]) == ("screening", "eligible")
    assert "password" not in str(signed.new) + str(moved.new)


def test_a_refused_evaluation_or_signature_changes_nothing(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    before = api.count(CHANGES)
    refused = [
        investigator.put(path(subject), {"facts": facts(api)}),
        investigator.put(path(subject), {"facts": {"x": 1}, "reason": REASON}),
        investigator.put(path(subject), {"facts": facts(api), "reason": REASON}, version=9),
        investigator.sign(subject, password="another"),
        investigator.sign(subject, evaluation_hash="0" * 64),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 412, 403, 409]
    assert api.count(CHANGES) == before


def test_an_age_recorded_before_the_consent_is_checked_when_eligibility_is_signed(
    api: Api,
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    ok(investigator.put(path(subject), {"facts": facts(api, age_at_consent=30)}))
    consent = {"version": "1.0", "signed_on": str(api.today())}
    created(investigator.post(f"/v1/subjects/{subject['id']}/consents", consent))
    refused = problem(investigator.sign(subject), 409, "cannot_sign")
    assert "year of birth" in refused["detail"]


def test_a_year_of_birth_corrected_after_the_signature_blocks_randomization(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    here = f"/v1/subjects/{subject['id']}"
    ok(investigator.patch(here, {"year_of_birth": 1931, "reason": "Misread"}))
    refused = problem(investigator.post(f"{here}/randomization"), 409, "not_ready")
    assert [one["code"] for one in refused["errors"]] == ["age_disagrees"]
    assert api.count("allocation") == 0


def test_a_verdict_that_time_has_turned_is_signed_only_after_a_new_evaluation(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    surgery = str(api.today() - timedelta(days=28))
    given = facts(api, last_head_neck_surgery=surgery)
    assert ok(investigator.put(path(subject), {"facts": given}))["overall"] == "ineligible"
    api.move_to(api.today() + timedelta(days=1))
    assert ok(investigator.get(path(subject)))["overall"] == "eligible"
    refused = problem(investigator.sign(subject), 409, "cannot_sign")
    assert "again" in refused["detail"]
    ok(investigator.put(path(subject), {"facts": given, "reason": "Four weeks have passed"}))
    created(investigator.sign(subject))

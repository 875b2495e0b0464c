"""What a signature shows, when it counts, and what is none (21 CFR 11.50 and 11.70)."""

import json
from datetime import timedelta
from uuid import uuid5

import pytest
from sqlalchemy.exc import DBAPIError

from services.api.core.making import new_id
from services.api.sandbox.service import NAMESPACE, PASSWORD
from tests.make import Api, created, mistakes, ok, problem
from tests.signatures.kinds import EVENT, GRADING, NOTHING, Kind, a_grading, an_event, each_kind

# --- what a signature shows ----------------------------------------------------------------


@each_kind
def test_a_signature_shows_name_role_time_and_meaning(api: Api, kind: Kind) -> None:
    signer = api.as_(kind.signer)
    record = kind.make(api)
    assert record["signature"] is None
    signature = created(kind.sign(signer, record))
    assert signature == {
        "id": signature["id"],
        "meaning": kind.meaning,
        "signed_by": f"Demo {kind.signer}",
        "signer": str(uuid5(NAMESPACE, f"{kind.signer}-nn")),
        "role": kind.signer,
        "signed_at": signature["signed_at"],
        "version": 1,
        "valid": True,
        "content_hash": record["content_hash"],
    }
    assert signature["signed_at"].startswith(str(api.state.clock.now().date()))
    assert ok(signer.get(kind.path(record))) == {**record, "signature": signature}


@each_kind
def test_lists_show_the_signature_too(api: Api, kind: Kind) -> None:
    unsigned = kind.make(api)
    record, signature = kind.signed(api)
    place = "adverse-events" if kind is EVENT else "visits/RT1A/gradings"
    for one, expected in ((record, signature), (unsigned, None)):
        path = f"/v1/subjects/{one['subject_id']}/{place}"
        (item,) = ok(api.as_("monitor").get(path))["items"]
        assert item["signature"] == expected
    if kind is EVENT:
        items = ok(api.as_("monitor").get("/v1/adverse-events"))["items"]
        assert [item["signature"] for item in items] == [None, signature]


def test_the_last_signature_is_that_on_the_highest_version_in_whatever_order_they_lie(
    api: Api,
) -> None:
    made = GRADING.make(api)
    assessor = api.as_("assessor")
    ok(assessor.patch(GRADING.path(made), GRADING.change))
    signature = created(GRADING.sign(assessor, made))
    earlier = {"id": str(new_id()), "version": 1}
    api.rows(
        "INSERT INTO grading_signature SELECT (jsonb_populate_record(s, CAST(:new AS jsonb))).*"
        " FROM grading_signature s",
        new=json.dumps(earlier),
    )
    assert ok(assessor.get(GRADING.path(made)))["signature"] == signature


@each_kind
def test_the_hash_is_the_same_however_the_record_is_read(api: Api, kind: Kind) -> None:
    made = kind.make(api)
    reader = api.as_("monitor")
    (version,) = ok(reader.get(f"{kind.path(made)}/versions"))["items"]
    read = ok(reader.get(kind.path(made)))
    assert made["content_hash"] == read["content_hash"] == version["content_hash"]


@each_kind
def test_a_signature_renews_the_tag_and_makes_no_version_stale(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    tag = signer.get(kind.path(record)).headers["ETag"]
    created(kind.sign(signer, record))
    answer = signer.get(kind.path(record), headers={"If-None-Match": tag})
    assert ok(answer)["signature"]["valid"] is True
    ok(signer.patch(kind.path(record), kind.change, version=tag.strip('"')))


# --- what voids it -------------------------------------------------------------------------


@each_kind
def test_a_change_voids_the_signature_visibly_and_can_be_signed_anew(api: Api, kind: Kind) -> None:
    record, signature = kind.signed(api)
    signer, path = api.as_(kind.signer), kind.path(record)
    changed = ok(signer.patch(path, kind.change))
    assert changed["signature"] == {**signature, "valid": False}
    assert changed["content_hash"] != record["content_hash"]
    assert ok(signer.get(path)) == changed
    again = created(kind.sign(signer, record))
    assert (again["version"], again["content_hash"]) == (2, changed["content_hash"])
    assert ok(signer.get(path))["signature"] == {**again, "valid": True}


@each_kind
def test_each_version_keeps_its_own_signature(api: Api, kind: Kind) -> None:
    record, first = kind.signed(api)
    signer, path = api.as_(kind.signer), kind.path(record)
    ok(signer.patch(path, kind.change))
    ok(signer.patch(path, {**kind.change, "reason": "Once more"}))
    third = created(kind.sign(signer, record))
    versions = ok(signer.get(f"{path}/versions"))["items"]
    assert [one["signature"] for one in versions] == [{**first, "valid": False}, None, third]
    page = ok(signer.get(f"{path}/versions", params={"limit": 1}))
    assert page["items"][0]["signature"]["valid"] is False


def test_the_sponsor_s_assessment_voids_the_review(api: Api) -> None:
    event, _ = EVENT.signed(api)
    judgment = {"expectedness": "unexpected", "reason": "Not in the safety information"}
    assessed = ok(api.as_("safety_officer").patch(EVENT.path(event), judgment))
    assert assessed["signature"]["valid"] is False


@each_kind
def test_a_change_around_the_service_voids_the_signature_too(api: Api, kind: Kind) -> None:
    record, signature = kind.signed(api)
    table = kind.table.removesuffix("_signature")
    api.rows(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    api.rows(f"UPDATE {table} SET grade = 4")
    shown = ok(api.as_(kind.signer).get(kind.path(record)))
    assert shown["version"] == record["version"]
    assert shown["signature"] == {**signature, "valid": False}


def test_facts_changed_around_the_service_void_the_signature_too(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    api.rows("ALTER TABLE eligibility_evaluation DISABLE TRIGGER USER")
    api.rows("UPDATE eligibility_evaluation SET facts = facts || '{\"life_expectancy\": 30}'")
    here = f"/v1/subjects/{subject['id']}"
    assert ok(investigator.get(f"{here}/eligibility"))["signature"]["valid"] is False
    problem(investigator.post(f"{here}/randomization"), 409, "not_ready")


# --- what is no signature here -----------------------------------------------------------------


@each_kind
def test_one_version_is_signed_once(api: Api, kind: Kind) -> None:
    record, _ = kind.signed(api)
    problem(kind.sign(api.as_(kind.signer), record), 409, "already_signed")
    assert api.count(kind.table) == 1


@each_kind
def test_a_signature_on_the_version_before_is_none_on_this_one(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    read_before = record["content_hash"]
    ok(signer.patch(kind.path(record), kind.change))
    answer = kind.sign(signer, record, content_hash=read_before)
    problem(answer, 409, "content_changed")
    assert api.count(kind.table) == 0


@each_kind
def test_a_signature_on_an_equal_record_is_none_on_this_one(api: Api, kind: Kind) -> None:
    """All that they say is equal; they are two records all the same."""
    record, twin = kind.make(api), kind.make(api)
    signer = api.as_(kind.signer)
    answer = kind.sign(signer, record, content_hash=twin["content_hash"])
    problem(answer, 409, "content_changed")
    created(kind.sign(signer, twin))
    assert ok(signer.get(kind.path(record)))["signature"] is None


def test_a_signature_on_an_adverse_event_is_none_on_a_grading(api: Api) -> None:
    made, event = a_grading(api), an_event(api)
    answer = GRADING.sign(api.as_("assessor"), made, content_hash=event["content_hash"])
    problem(answer, 409, "content_changed")


@each_kind
def test_another_meaning_signs_nothing(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    others = {"I confirm eligibility", "I confirm ineligibility", "Looks fine"}
    for meaning in others | {GRADING.meaning, EVENT.meaning} - {kind.meaning}:
        assert mistakes(kind.sign(signer, record, meaning=meaning)) == [("/meaning", "enum")]
    assert api.count(kind.table) == 0


@each_kind
def test_a_signature_names_what_it_covers(api: Api, kind: Kind) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    for content_hash in ("", "0", NOTHING.upper() + "A", record["content_hash"].upper(), None):
        refused = mistakes(kind.sign(signer, record, content_hash=content_hash))
        assert [pointer for pointer, _ in refused] == ["/content_hash"]
    problem(kind.sign(signer, record, content_hash=NOTHING), 409, "content_changed")


# --- what is kept ---------------------------------------------------------------------------


@each_kind
def test_a_signature_is_audited_with_its_signer_and_without_the_password(
    api: Api, kind: Kind
) -> None:
    record = kind.make(api)
    signer = api.as_(kind.signer)
    answer = kind.sign(signer, record)
    signature = created(answer)
    event = api.audit({"id": record["subject_id"]})[-1]
    assert (event.record, event.operation, event.role) == (kind.table, "INSERT", kind.signer)
    assert event.actor == signature["signer"]
    assert event.request_id == answer.headers["X-Request-Id"]
    told = ("id", "version", "meaning", "content_hash", "signed_by")
    assert {name: event.new[name] for name in told} == {name: signature[name] for name in told}
    trail = api.rows("SELECT new::text, old::text FROM audit_event")
    assert PASSWORD not in str(trail)


@each_kind
def test_a_signature_is_never_rewritten(api: Api, kind: Kind) -> None:
    kind.signed(api)
    for statement in (f"UPDATE {kind.table} SET version = 1", f"DELETE FROM {kind.table}"):
        with pytest.raises(DBAPIError, match="its rows are kept as they were written"):
            api.rows(statement)


def test_a_grading_is_signed_also_after_the_subject_left(api: Api) -> None:
    """What was seen stays to be confirmed."""
    made = a_grading(api)
    here = f"/v1/subjects/{made['subject_id']}"
    coordinator = api.as_("coordinator")
    consent = ok(coordinator.get(f"{here}/consents"))["items"][0]["id"]
    withdrawal = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    created(coordinator.post(f"{here}/consents/{consent}/withdrawal", withdrawal))
    created(GRADING.sign(api.as_("assessor"), made))


def test_a_signature_tells_clinical_time(api: Api) -> None:
    made = a_grading(api)
    api.move_to(api.today() + timedelta(days=3))
    signature = created(GRADING.sign(api.as_("assessor"), made))
    assert signature["signed_at"].startswith(str(api.state.clock.now().date()))

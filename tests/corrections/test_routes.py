"""Errors made in randomization over HTTP: each kind, and every refusal."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.make import (
    WITHOUT_CHEMOTHERAPY,
    Api,
    Json,
    correction,
    created,
    mistakes,
    ok,
    path,
    problem,
)

REASON = "Found on source data review"


def corrections(subject: Json) -> str:
    return path(subject, "randomization", "corrections")


def wrong_stratum(api: Api, **changed: object) -> Json:
    given = {"stratum": WITHOUT_CHEMOTHERAPY, **changed}
    return correction(api.today(), "wrong_stratum", **given)


def ineligible(api: Api, *criteria: str) -> Json:
    return correction(api.today(), "ineligible", criteria=list(criteria))


def duplicate(api: Api, other: object, **changed: object) -> Json:
    return correction(api.today(), "duplicate", other_subject=other, **changed)


def deviations(api: Api, subject: Json) -> list[tuple[str, str, str]]:
    listed = ok(api.get(path(subject, "deviations")))["items"]
    return [(one["code"], one["source"], one["occurred_on"]) for one in listed]


# --- each kind ---------------------------------------------------------------------------


def test_the_correct_stratum_is_recorded_beside_the_one_used(api: Api) -> None:
    investigator, manager = api.as_("investigator"), api.as_("data_manager")
    subject = investigator.randomized()
    before = ok(investigator.get(path(subject, "randomization")))
    recorded = created(manager.post(corrections(subject), wrong_stratum(api)))
    assert (
        recorded.items()
        >= {
            "subject_id": subject["id"],
            "site": "NN",
            "kind": "wrong_stratum",
            "stratum": WITHOUT_CHEMOTHERAPY,
            "stratum_used": before["stratum"],
            "reason": REASON,
            "discovered_on": str(api.today()),
            "criteria": None,
            "pair": None,
            "retained": None,
            "other_subject": None,
        }.items()
    )
    assert ok(investigator.get(path(subject, "randomization"))) == before
    assert ok(investigator.get(corrections(subject)))["items"] == [recorded]
    today = str(api.today())
    assert deviations(investigator, subject) == [("randomization_error", "system", today)]


def test_a_mistaken_correction_is_mended_by_a_later_one(api: Api) -> None:
    manager = api.as_("data_manager")
    subject = api.as_("investigator").randomized()
    used = {**WITHOUT_CHEMOTHERAPY, "concurrent_chemotherapy": True}
    problem(
        manager.post(corrections(subject), wrong_stratum(api, stratum=used)), 409, "same_stratum"
    )
    created(manager.post(corrections(subject), wrong_stratum(api)))
    problem(manager.post(corrections(subject), wrong_stratum(api)), 409, "same_stratum")
    created(manager.post(corrections(subject), wrong_stratum(api, stratum=used)))
    listed = ok(manager.get(corrections(subject)))["items"]
    assert [one["stratum"] for one in listed] == [WITHOUT_CHEMOTHERAPY, used]
    assert [one["stratum_used"] for one in listed] == [used, used]


def test_an_ineligible_subject_stays_in_the_trial(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    body = ineligible(api, "I02", "E01")
    recorded = created(api.as_("data_manager").post(corrections(subject), body))
    assert recorded["criteria"] == ["I02", "E01"]
    assert recorded["stratum"] is recorded["stratum_used"] is recorded["pair"] is None
    assert ok(investigator.get(path(subject))) == subject
    (deviation,) = ok(investigator.get(path(subject, "deviations")))["items"]
    assert "(I02, E01)" in deviation["description"]
    randomized_on = api.today() - timedelta(days=10)
    assert deviation["occurred_on"] == str(randomized_on)


@pytest.mark.parametrize("sides", [(0, 1), (1, 0)], ids=["from the first", "from the second"])
def test_of_a_person_randomized_twice_the_first_allocation_is_retained(
    api: Api, sides: tuple[int, int]
) -> None:
    manager = api.as_("data_manager")
    subjects = [api.as_("investigator", site).randomized(site=site) for site in ("NN", "LZ")]
    named, other = (subjects[side] for side in sides)
    recorded = created(manager.post(corrections(named), duplicate(api, other["id"])))
    assert recorded["subject_id"] == named["id"]
    assert recorded["other_subject"] == other["id"]
    rows = [ok(manager.get(corrections(one)))["items"] for one in subjects]
    assert [[row["retained"] for row in one] for one in rows] == [[True], [False]]
    assert rows[0][0]["pair"] == rows[1][0]["pair"]
    assert [rows[0][0]["other_subject"], rows[1][0]["other_subject"]] == [
        subjects[1]["id"],
        subjects[0]["id"],
    ]
    for subject in subjects:
        today = str(api.today())
        assert deviations(manager, subject) == [("randomization_error", "system", today)]
    answer = manager.post(corrections(other), duplicate(api, named["id"]))
    problem(answer, 409, "already_paired")


def test_a_duplicate_comes_to_light_only_after_the_second_randomization(api: Api) -> None:
    manager, first = api.as_("data_manager"), api.as_("investigator").randomized()
    between = api.today()
    api.move_to(between + timedelta(days=3))
    second = api.as_("investigator").randomized()
    body = duplicate(api, second["id"], discovered_on=str(between))
    expected = [("/discovered_on", "before_randomization")]
    assert mistakes(manager.post(corrections(first), body)) == expected
    created(manager.post(corrections(first), duplicate(api, second["id"])))
    days = [deviations(manager, one)[0][2] for one in (first, second)]
    assert days == [str(between), str(api.today())]


def test_a_person_randomized_three_times_is_paired_twice(api: Api) -> None:
    first, second, third = (api.as_("investigator").randomized() for _ in range(3))
    api.paired(second["id"], first["id"])
    api.paired(second["id"], third["id"])
    listed = ok(api.as_("monitor").get(corrections(second)))["items"]
    assert [one["retained"] for one in listed] == [False, True]
    assert [one["other_subject"] for one in listed] == [first["id"], third["id"]]


def test_corrections_are_listed_by_site_and_kind_page_by_page(api: Api) -> None:
    manager = api.as_("data_manager")
    nn, lz = (api.as_("investigator", site).randomized(site=site) for site in ("NN", "LZ"))
    created(manager.post(corrections(nn), wrong_stratum(api)))
    created(manager.post(corrections(nn), ineligible(api, "I02")))
    created(manager.post(corrections(lz), ineligible(api, "I02")))

    def listed(caller: Api, **asked: object) -> list[tuple[str, str]]:
        items = ok(caller.get("/v1/randomization/corrections", params=asked))["items"]
        return [(one["site"], one["kind"]) for one in items]

    everything = [("NN", "wrong_stratum"), ("NN", "ineligible"), ("LZ", "ineligible")]
    assert listed(manager) == everything
    assert listed(manager, kind="ineligible") == everything[1:]
    assert listed(manager, site="LZ") == everything[2:]
    assert listed(manager, site="LZ", kind="duplicate") == []
    assert listed(api.as_("coordinator", "LZ")) == everything[2:]
    page = ok(manager.get("/v1/randomization/corrections", params={"limit": 2}))
    assert listed(manager, cursor=page["next_cursor"]) == everything[2:]


def test_a_retry_records_nothing_more(api: Api) -> None:
    manager = api.as_("data_manager")
    one, other = (api.as_("investigator").randomized() for _ in range(2))
    body, key = duplicate(api, other["id"]), str(uuid4())
    first = manager.post(corrections(one), body, key=key)
    again = manager.post(corrections(one), body, key=key)
    assert created(first) == created(again)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert api.count("randomization_correction") == api.count("deviation") == 2


def test_the_reason_stands_in_the_trail_with_both_rows(api: Api) -> None:
    one, other = (api.as_("investigator").randomized() for _ in range(2))
    api.paired(one["id"], other["id"])
    for subject in (one, other):
        correction_event, deviation = api.audit(subject)[-2:]
        assert correction_event.record == "randomization_correction"
        assert deviation.record == "deviation"
        assert correction_event.reason == deviation.reason == REASON
        assert correction_event.role == "data_manager"


# --- what is refused ------------------------------------------------------------------------


def test_of_a_subject_who_was_not_randomized_nothing_can_be_corrected(api: Api) -> None:
    manager, investigator = api.as_("data_manager"), api.as_("investigator")
    eligible, randomized = investigator.eligible(), investigator.randomized()
    before = api.changes()
    for body in (wrong_stratum(api), ineligible(api, "I02"), duplicate(api, randomized["id"])):
        refused = problem(manager.post(corrections(eligible), body), 409, "nothing_to_correct")
        assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
            ("", "not_randomized")
        ]
    answer = manager.post(corrections(randomized), duplicate(api, eligible["id"]))
    (error,) = problem(answer, 409, "nothing_to_correct")["errors"]
    assert error["pointer"] == "/other_subject"
    assert ok(manager.get(corrections(eligible)))["items"] == []
    assert api.changes() == before


def test_bad_input_is_named_and_stores_nothing(api: Api) -> None:
    manager = api.as_("data_manager")
    subject = api.as_("investigator").randomized()
    tomorrow, yesterday = (str(api.today() + timedelta(days=days)) for days in (1, -1))
    nobody = str(uuid4())
    elsewhere = {**WITHOUT_CHEMOTHERAPY, "site": "LZ"}
    refused: list[tuple[Json, list[tuple[str, str]]]] = [
        (correction(api.today(), "wrong_arm"), [("/kind", "enum")]),
        (correction(api.today(), "wrong_stratum"), [("/stratum", "missing")]),
        (correction(api.today(), "ineligible"), [("/criteria", "missing")]),
        (correction(api.today(), "duplicate"), [("/other_subject", "missing")]),
        (wrong_stratum(api, criteria=["I01"]), [("/criteria", "not_of_kind")]),
        (wrong_stratum(api, criteria=None), [("/criteria", "not_of_kind")]),
        (wrong_stratum(api, stratum=elsewhere), [("/stratum/site", "other_site")]),
        (
            wrong_stratum(api, stratum={"site": "NN"}),
            [("/stratum/concurrent_chemotherapy", "missing")],
        ),
        (wrong_stratum(api, discovered_on=tomorrow), [("/discovered_on", "future")]),
        (
            wrong_stratum(api, discovered_on=yesterday),
            [("/discovered_on", "before_randomization")],
        ),
        (wrong_stratum(api, reason="ab"), [("/reason", "string_too_short")]),
        (wrong_stratum(api, reason="a" * 501), [("/reason", "string_too_long")]),
        (ineligible(api), [("/criteria", "too_short")]),
        (ineligible(api, "I99"), [("/criteria/0", "unknown")]),
        (ineligible(api, "I02", "I02"), [("/criteria/1", "repeated")]),
        (ineligible(api, "x"), [("/criteria/0", "string_pattern_mismatch")]),
        (duplicate(api, subject["id"]), [("/other_subject", "same")]),
        (duplicate(api, nobody), [("/other_subject", "unknown")]),
        (duplicate(api, "NN-0002"), [("/other_subject", "uuid_parsing")]),
    ]
    before = api.changes()
    for body, expected in refused:
        assert mistakes(manager.post(corrections(subject), body)) == expected, body
    assert api.changes() == before
    assert api.count("randomization_correction") == 0


@pytest.mark.parametrize("name", ["LZ-0001", "Liuzhou", "LZ", "NN-0001", "id"])
def test_the_reason_of_a_duplicate_names_no_hospital_s_subject_to_another(
    api: Api, name: str
) -> None:
    """Both sites read it."""
    manager = api.as_("data_manager")
    nn, lz = (api.as_("investigator", site).randomized(site=site) for site in ("NN", "LZ"))
    told = lz["id"] if name == "id" else name
    before = api.changes()
    body = duplicate(api, lz["id"], reason=f"Came as {told} too")
    assert mistakes(manager.post(corrections(nn), body)) == [("/reason", "names_subject")]
    assert api.changes() == before
    again = api.as_("investigator").randomized()
    same_site = duplicate(api, again["id"], reason=f"Came as {again['number']} too")
    created(manager.post(corrections(nn), same_site))


def test_an_unknown_subject_is_not_found_whatever_is_sent(api: Api) -> None:
    manager = api.as_("data_manager")
    randomized = api.as_("investigator").randomized()
    for body in (wrong_stratum(api), duplicate(api, randomized["id"]), duplicate(api, uuid4().hex)):
        problem(manager.post(corrections({"id": str(uuid4())}), body), 404, "not_found")


@pytest.mark.parametrize(
    "role", ["investigator", "coordinator", "monitor", "hospital_system", "statistician", "admin"]
)
def test_only_a_data_manager_records_a_correction(api: Api, role: str) -> None:
    subject = api.as_("investigator").randomized()
    before = api.changes()
    problem(api.as_(role).post(corrections(subject), wrong_stratum(api)), 403, "forbidden")
    assert api.changes() == before

"""What one version of an event holds: its links, its codes, its judgments."""

from datetime import timedelta

import pytest

from tests.make import Api, Json, adverse_event, at_noon, created, mistakes, ok, path, problem

REASON = "Follow-up from the ward"
DOCUMENTS = "/v1/safety/reference-documents"
EXPECTED: Json = {"expectedness": "expected", "reason": "Listed"}
OTHER = "Gastrointestinal disorders - Other, specify"


def at(event: Json) -> str:
    return f"/v1/adverse-events/{event['id']}"


def publish(api: Api, version: str, *listed: tuple[str, int], from_: str = "2020-01-01") -> None:
    """A reference document that lists those terms up to those grades."""
    body = {
        "version": version,
        "title": "Investigator's brochure",
        "effective_on": from_,
        "expected": [{"term": term, "max_grade": grade} for term, grade in listed],
    }
    created(api.as_("safety_officer").post(DOCUMENTS, body))


@pytest.fixture
def subject(api: Api) -> Json:
    """A subject who consented some days ago."""
    subject = api.as_("investigator").consented()
    api.move_to(api.today() + timedelta(days=9))
    return subject


def occurred(api: Api, subject: Json, days_ago: int, **changed: object) -> Json:
    """The subject's event that began so many days ago, of which the site knew at once."""
    day = api.today() - timedelta(days=days_ago)
    body = {"onset_on": str(day), "aware_at": at_noon(day), **changed}
    return api.as_("investigator").reported(subject, **body)


# --- linked occurrences -----------------------------------------------------------------


def test_each_grade_of_an_event_has_its_own_period(api: Api, subject: Json) -> None:
    first = occurred(api, subject, 8, grade=2)
    second = occurred(api, subject, 5, grade=4, continues=first["id"])
    third = occurred(api, subject, 3, grade=1, continues=second["id"], outcome="recovered")
    resolved = {"resolved_on": str(api.today()), "reason": REASON}
    ok(api.as_("investigator").patch(at(third), resolved))
    shown = ok(api.as_("investigator").get(path(subject, "adverse-events")))["items"]
    assert [(one["grade"], one["continues"], one["continued_by"]) for one in shown] == [
        (2, None, second["id"]),
        (4, first["id"], third["id"]),
        (1, second["id"], None),
    ]
    until = [second["onset_on"], third["onset_on"], str(api.today())]
    assert [one["grade_until"] for one in shown] == until
    assert {one["case_id"] for one in shown} == {first["id"]}
    assert ok(api.as_("investigator").get(at(first))) == shown[0]


def test_what_an_occurrence_cannot_continue_is_refused_and_named(api: Api, subject: Json) -> None:
    investigator = api.as_("investigator")
    where = path(subject, "adverse-events")
    today = api.today()
    first = occurred(api, subject, 5, resolved_on=str(today - timedelta(days=2)))
    stranger = investigator.reported(investigator.consented())
    body = {**adverse_event(today), "continues": first["id"], "grade": 2}
    began = str(today - timedelta(days=6))
    cases: list[tuple[Json, list[tuple[str, str]]]] = [
        ({"continues": stranger["id"]}, [("/continues", "unknown")]),
        ({"continues": subject["id"]}, [("/continues", "unknown")]),
        ({"onset_on": first["onset_on"], "term": "Nausea"}, [("/term", "other_term")]),
        ({"onset_on": first["onset_on"], "grade": 3}, [("/grade", "same_grade")]),
        ({"onset_on": began}, [("/onset_on", "before_previous")]),
        ({}, [("/onset_on", "resolved_before")]),
    ]
    for changed, expected in cases:
        assert mistakes(investigator.post(where, {**body, **changed})) == expected, changed
    assert api.count("adverse_event") == 2
    created(investigator.post(where, {**body, "onset_on": first["resolved_on"]}))


def test_an_occurrence_is_continued_once_unless_the_other_is_nullified(
    api: Api, subject: Json
) -> None:
    investigator = api.as_("investigator")
    where = path(subject, "adverse-events")
    first = occurred(api, subject, 5)
    body = {**adverse_event(api.today()), "continues": first["id"], "grade": 2}
    second = created(investigator.post(where, body))
    problem(investigator.post(where, {**body, "grade": 4}), 409, "already_continued")
    void = {"nullified": True, "reason": "The grade had not changed"}
    problem(investigator.patch(at(first), void), 409, "still_continued")
    ok(investigator.patch(at(second), void))
    last = {**body, "continues": second["id"], "grade": 1}
    assert mistakes(investigator.post(where, last)) == [("/continues", "nullified")]
    assert ok(investigator.get(at(first)))["continued_by"] is None
    third = created(investigator.post(where, {**body, "grade": 4}))
    assert ok(investigator.get(at(first)))["continued_by"] == third["id"]


def test_a_correction_keeps_the_chain(api: Api, subject: Json) -> None:
    investigator = api.as_("investigator")
    first = occurred(api, subject, 8, grade=2)
    second = occurred(api, subject, 5, grade=3, continues=first["id"])
    third = occurred(api, subject, 3, grade=1, continues=second["id"])
    before, after = (str(api.today() - timedelta(days=days)) for days in (9, 2))
    cases: list[tuple[Json, Json, list[tuple[str, str]]]] = [
        (first, {"grade": 3}, [("/grade", "same_grade")]),
        (second, {"grade": 1}, [("/grade", "same_grade")]),
        (second, {"onset_on": before}, [("/onset_on", "before_previous")]),
        (
            first,
            {"onset_on": after, "aware_at": at_noon(api.today())},
            [("/onset_on", "after_next")],
        ),
        (first, {"resolved_on": first["onset_on"]}, [("/resolved_on", "before_next")]),
    ]
    for event, changed, expected in cases:
        answer = investigator.patch(at(event), {**changed, "reason": REASON})
        assert mistakes(answer) == expected, changed
    ok(investigator.patch(at(third), {"grade": 2, "reason": REASON}))


def test_a_term_is_that_of_the_whole_case(api: Api, subject: Json) -> None:
    investigator = api.as_("investigator")
    first = occurred(api, subject, 8, grade=2)
    second = occurred(api, subject, 5, grade=4, continues=first["id"])
    missing = investigator.patch(at(first), {"term": "Nausea", "reason": REASON})
    assert mistakes(missing) == [("/grade", "no_such_grade")]
    renamed = ok(investigator.patch(at(first), {"term": "Esophagitis", "reason": "Endoscopy"}))
    followed = ok(investigator.get(at(second)))
    for one, grade in ((renamed, 2), (followed, 4)):
        told = {"term": "Esophagitis", "grade": grade, "version": 2, "reason": "Endoscopy"}
        assert one.items() >= told.items()
    assert renamed["meddra_code"] == followed["meddra_code"] != first["meddra_code"]


# --- codes ------------------------------------------------------------------------------


def test_a_safety_officer_codes_what_the_dictionary_does_not_name(api: Api, subject: Json) -> None:
    officer, investigator = api.as_("safety_officer"), api.as_("investigator")
    event = occurred(api, subject, 1, term=OTHER, term_detail="Trismus")
    assert event["meddra_version"] == "20.1"
    code = {"meddra_code": "10044684", "meddra_version": "28.1"}
    coded = ok(officer.patch(at(event), {**code, "reason": "Coded"}))
    assert coded.items() >= {**code, "term": OTHER, "term_detail": "Trismus"}.items()
    followed = ok(investigator.patch(at(event), {"outcome": "recovered", "reason": REASON}))
    assert followed.items() >= code.items()
    renamed = ok(investigator.patch(at(event), {"term": "Trismus", "reason": "CTCAE has it"}))
    assert (renamed["meddra_code"], renamed["meddra_version"]) == ("10044684", "20.1")
    for half, missing in (("meddra_code", "meddra_version"), ("meddra_version", "meddra_code")):
        answer = officer.patch(at(event), {half: code[half], "reason": "Coded"})
        assert mistakes(answer) == [(f"/{missing}", "missing")]
    for wrong in ({"meddra_code": "1004468"}, {"meddra_version": "28.2"}):
        assert mistakes(officer.patch(at(event), {**code, **wrong, "reason": "Coded"}))
    answer = investigator.patch(at(event), {**code, "reason": "Coded"})
    problem(answer, 403, "not_yours_to_assess")


# --- expectedness -----------------------------------------------------------------------


def test_an_event_is_expected_only_by_the_document_in_force_at_its_onset(
    api: Api, subject: Json
) -> None:
    officer, today = api.as_("safety_officer"), api.today()
    event = occurred(api, subject, 3)
    answer = officer.patch(at(event), EXPECTED)
    assert "reference-documents" in problem(answer, 409, "no_reference_document")["detail"]
    unexpected = {"expectedness": "unexpected", "reason": "Nothing is known of it"}
    assert ok(officer.patch(at(event), unexpected))["reference_version"] is None
    publish(api, "1.0", ("Dysphagia", 2))
    publish(api, "2.0", ("Dysphagia", 5), from_=str(today))
    answer = officer.patch(at(event), EXPECTED)
    assert mistakes(answer) == [("/expectedness", "not_listed")]
    assert "1.0" in answer.json()["errors"][0]["detail"]
    judged = ok(officer.patch(at(event), unexpected))
    assert (judged["expectedness"], judged["reference_version"]) == ("unexpected", "1.0")
    later = occurred(api, subject, 0)
    judged = ok(officer.patch(at(later), EXPECTED))
    assert (judged["expectedness"], judged["reference_version"]) == ("expected", "2.0")
    again = ok(officer.patch(at(later), {"expectedness": None, "reason": "Judged too early"}))
    assert (again["expectedness"], again["reference_version"]) == (None, None)


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"grade": 4}, False),
        ({"term": "Nausea", "grade": 2}, False),
        ({"grade": 2}, True),
        ({"outcome": "recovered"}, True),
    ],
)
def test_what_is_not_listed_any_more_is_to_be_assessed_again(
    api: Api, subject: Json, changed: Json, kept: bool
) -> None:
    publish(api, "1.0", ("Dysphagia", 3))
    event = occurred(api, subject, 3)
    ok(api.as_("safety_officer").patch(at(event), EXPECTED))
    after = ok(api.as_("investigator").patch(at(event), {**changed, "reason": REASON}))
    expected = ("expected", "1.0") if kept else (None, None)
    assert (after["expectedness"], after["reference_version"]) == expected


def test_an_unexpected_event_stays_so_until_it_is_assessed_again(api: Api, subject: Json) -> None:
    publish(api, "1.0", ("Dysphagia", 2))
    event = occurred(api, subject, 3)
    unexpected = {"expectedness": "unexpected", "reason": "Graver than listed"}
    ok(api.as_("safety_officer").patch(at(event), unexpected))
    after = ok(api.as_("investigator").patch(at(event), {"grade": 2, "reason": REASON}))
    assert (after["expectedness"], after["reference_version"]) == ("unexpected", "1.0")

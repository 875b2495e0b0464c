"""The grade that counts at a visit is marked, and an adjudicator's is one of its own."""

from collections import Counter

from services.api.exports.extract import Extract
from tests.exports.conftest import Opener
from tests.exports.dataset_json.reading import records
from tests.lived import Lived
from tests.make import Api, created, grading, ok, path


def test_one_grade_a_visit_is_accepted_at_most(extract: Extract, lived: Lived) -> None:
    grades = [one for one in records(extract, "RS") if one["RSTESTCD"] == "OMGRADE"]
    accepted = Counter((one["USUBJID"], one["VISIT"]) for one in grades if one["RSACPTFL"] == "Y")
    assert set(accepted.values()) == {1}
    disputed = set(
        lived.api.rows(
            "SELECT 'NCT07312656-' || number, visit FROM adjudication"
            " JOIN subject ON subject.id = subject_id WHERE adjudication.version = 1"
        )
    )
    decided = {
        (one["USUBJID"], one["VISIT"]): one for one in grades if one["RSEVAL"] == "ADJUDICATOR"
    }
    for key in map(tuple, disputed):
        if key in decided:
            assert decided[key]["RSACPTFL"] == "Y"
            assert accepted[key] == 1
        else:
            assert accepted[key] == 0
    assert disputed


def test_two_assessors_of_a_visit_are_told_apart(extract: Extract) -> None:
    grades = [
        (one["USUBJID"], one["VISIT"], one["RSEVALID"])
        for one in records(extract, "RS")
        if one["RSTESTCD"] == "OMGRADE" and one["RSEVAL"] != "ADJUDICATOR"
    ]
    assert len(grades) == len(set(grades))


def test_an_assessor_has_one_number_in_the_whole_trial(extract: Extract, lived: Lived) -> None:
    assessors = dict(
        map(tuple, lived.api.rows("SELECT DISTINCT id::text, assessor::text FROM grading"))
    )
    numbers = {
        (assessors[one["RSGRPID"]], one["RSEVALID"])
        for one in records(extract, "RS")
        if one["RSEVAL"] != "ADJUDICATOR"
    }
    people, told = {who for who, _ in numbers}, {number for _, number in numbers}
    assert len(numbers) == len(people) == len(told) > 2
    assert all(number.startswith("ASSESSOR ") for number in told)


def test_an_assessor_keeps_the_number_in_whatever_order_a_visit_is_graded(
    api: Api, open_extract: Opener
) -> None:
    coordinator, today = api.as_("coordinator"), api.today()
    subject = coordinator.in_radiotherapy()
    numbers = []
    for visit, places in (("RT1A", (1, 2)), ("RT1B", (2, 1))):
        ok(coordinator.put(path(subject, "visits", visit), {"date": str(today)}))
        for place in places:
            where = path(subject, "visits", visit, "gradings")
            made = created(api.as_("assessor", place=place).post(where, grading(today)))
            numbers.append((place, made["id"]))
    told = {one["RSGRPID"]: one["RSEVALID"] for one in records(open_extract(api), "RS")}
    assert len({(place, told[made]) for place, made in numbers}) == 2


def test_who_graded_is_told_by_their_role(extract: Extract, lived: Lived) -> None:
    roles = dict(
        map(
            tuple,
            lived.api.rows(
                "SELECT DISTINCT grading.id::text, role FROM grading"
                " JOIN account ON account.id = assessor"
            ),
        )
    )
    words = {"assessor": "INDEPENDENT ASSESSOR", "investigator": "INVESTIGATOR"}
    told = {
        one["RSGRPID"]: one["RSEVAL"]
        for one in records(extract, "RS")
        if one["RSEVAL"] != "ADJUDICATOR"
    }
    assert told == {made: words[role] for made, role in roles.items()}
    assert set(told.values()) == set(words.values())


def test_a_corrected_grade_is_the_last_one(extract: Extract) -> None:
    first = next(
        one
        for one in records(extract, "RS")
        if (one["VISIT"], one["RSTESTCD"]) == ("RT1A", "OMGRADE")
    )
    assert (first["RSORRES"], first["RSSTRESN"], first["VISITNUM"]) == ("3", 3, 101.1)


def test_a_component_is_told_in_words_and_a_number_where_it_is_one(extract: Extract) -> None:
    told = {
        one["RSTESTCD"]: (one["RSORRES"], one["RSSTRESN"], one["RSDRVFL"])
        for one in records(extract, "RS")
        if one["VISIT"] == "RT1A"
    }
    assert told["OMAPPEAR"] == ("PATCHY", None, None)
    assert told["OMULCER"] == ("N", None, None)
    assert told["OMPAIN"] == ("5", 5, None)
    assert told["OMPROT"][2] == told["OMWHO"][2] == "Y"

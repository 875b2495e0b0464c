"""The grade that counts at a visit is marked, and an adjudicator's is one of its own."""

from collections import Counter

from services.api.exports.extract import Extract
from tests.exports.dataset_json.reading import records
from tests.lived import Lived


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
        if one["RSTESTCD"] == "OMGRADE" and one["RSEVAL"] == "INVESTIGATOR"
    ]
    assert len(grades) == len(set(grades))
    assert {evaluator for *_, evaluator in grades} == {"ASSESSOR 1", "ASSESSOR 2"}


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

"""Baseline characteristics add up to the groups that they describe."""

from services.api.exports.registry.baseline import baseline
from tests.exports.registry.persons import PROTOCOL, person
from tests.make import Json

NN, LZ = (
    {"site": site, "concurrent_chemotherapy": with_}
    for site, with_ in (("NN", True), ("LZ", False))
)
PEOPLE = [
    person(1, age=50, levels=NN),
    person(2, age=53, sex="male", levels=LZ),
    person(3, "control", age=None, levels=NN),
    person(4, "control", age=60, sex="male", levels=NN),
    person(5, "control", retained=False),
    person(6, None),
]


def measures(told: Json) -> dict[str, Json]:
    """The measures by their titles."""
    return {one["title"]: one for one in told["measures"]}


def numbers(measure: Json) -> list[list[str]]:
    """The values of every class and category, group by group."""
    return [
        [cell["value"] for cell in category["measurements"]]
        for one in measure["classes"]
        for category in one["categories"]
    ]


def test_the_total_is_the_sum_of_the_arms() -> None:
    told = baseline(PEOPLE, PROTOCOL, "China")
    assert [one["id"] for one in told["groups"]] == ["BG000", "BG001", "BG002"]
    assert [one["value"] for one in told["denoms"][0]["counts"]] == ["2", "2", "4"]
    found = measures(told)
    for title in ("Sex: Female, Male", "Site", "Concurrent chemotherapy", "Region of Enrollment"):
        columns = zip(*numbers(found[title]), strict=True)
        assert [sum(map(int, column)) for column in columns] == [2, 2, 4], title
    assert numbers(found["Sex: Female, Male"]) == [["1", "1", "2"], ["1", "1", "2"]]
    assert numbers(found["Concurrent chemotherapy"]) == [["1", "2", "3"], ["1", "0", "1"]]


def test_age_counts_whose_age_is_known() -> None:
    age = measures(baseline(PEOPLE, PROTOCOL, None))["Age, Continuous"]
    assert [one["value"] for one in age["denoms"][0]["counts"]] == ["2", "1", "3"]
    cells = age["classes"][0]["categories"][0]["measurements"]
    assert [(one["value"], one["spread"]) for one in cells] == [
        ("51.5", "2.1"),
        ("60.0", "NA"),
        ("54.3", "5.1"),
    ]


def test_without_anybody_nothing_is_computed_and_without_a_country_no_region_told() -> None:
    found = measures(baseline([], PROTOCOL, None))
    assert "Region of Enrollment" not in found
    assert numbers(found["Age, Continuous"]) == [["NA", "NA", "NA"]]
    assert numbers(found["Race and Ethnicity Not Collected"]) == [["0", "0", "0"]]

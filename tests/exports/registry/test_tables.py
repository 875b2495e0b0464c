"""Groups of the registry's tables."""

from services.api.exports.registry.tables import by_arm, cells, denominators, number, with_total
from tests.exports.registry.persons import PROTOCOL, person

PEOPLE = [person(1), person(2, "control"), person(3)]


def test_groups_come_in_the_order_of_the_arms_and_sum_up_to_a_total() -> None:
    groups = with_total(by_arm("BG", PEOPLE, PROTOCOL))
    assert [(one.id, one.title, len(one.people)) for one in groups] == [
        ("BG000", "experimental group", 2),
        ("BG001", "control group", 1),
        ("BG002", "Total", 3),
    ]


def test_numbers_are_text() -> None:
    assert cells({"OG000": 3}) == [{"groupId": "OG000", "value": "3"}]
    assert denominators({"OG000": 3})[0]["counts"] == cells({"OG000": 3})
    assert [number(one) for one in (0.123456, -0.3, 12.0)] == ["0.1235", "-0.3", "12"]

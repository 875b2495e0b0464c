import pytest

from services.api.protocol.paths import dotted, value_at

DOCUMENT = {
    "laboratory": {"sizes": [4, 6]},
    "criteria": [{"id": "I07", "when": {"at_most": 2}}],
    "schedule": [{"code": "RT{n}A", "day": 1}],
}


def test_indices_stand_in_brackets_and_names_after_dots() -> None:
    assert dotted(["laboratory", "sizes", 1]) == "laboratory.sizes[1]"
    assert dotted(["criteria", 0, "when"]) == "criteria[0].when"
    assert dotted([]) == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("laboratory.sizes[1]", 6),
        ("laboratory.sizes", [4, 6]),
        ("criteria[I07].when.at_most", 2),
        ("schedule[RT{n}A].day", 1),
    ],
)
def test_a_path_names_a_value_by_index_id_or_code(path: str, value: object) -> None:
    assert value_at(DOCUMENT, path) == value


@pytest.mark.parametrize(
    "path",
    [
        "",
        "labs",
        "laboratory.sizes[2]",
        "laboratory.sizes.size",
        "laboratory[0]",
        "criteria[I08]",
        "criteria[I07].when.at_most.more",
        "criteria[I07] .when",
        "laboratory..sizes",
        "laboratory.sizes[1]!",
    ],
)
def test_a_path_to_nothing_is_a_key_error(path: str) -> None:
    with pytest.raises(KeyError):
        value_at(DOCUMENT, path)

"""The dictionary knows every column, and the codelists every value."""

from services.api.core.permissions import Role
from services.api.exports.csv.dictionary import HEADING, codelists, dictionary, used
from services.api.exports.csv.files import FILES
from tests.first_trial import FIRST_TRIAL

PROTOCOL = FIRST_TRIAL.protocol


def test_every_column_of_every_file_has_its_line() -> None:
    heading, *lines = dictionary()
    assert heading == HEADING
    assert [(one[0], one[1]) for one in lines] == [
        (file.name, column.name) for file in FILES for column in file.columns
    ]
    for line in lines:
        told = dict(zip(heading, line, strict=True))
        assert told["label"]
        assert told["type"]
        assert told["source"]


def test_every_codelist_that_is_named_is_there_with_words_for_its_values() -> None:
    _, *lines = codelists(PROTOCOL)
    assert {one[0] for one in lines} == set(used())
    assert all(one[2] for one in lines)
    assert {one[1] for one in lines if one[0] == "Role"} >= {role.value for role in Role}
    assert ["Arm", "control", "control group", ""] in lines


def test_a_unit_stands_where_a_number_has_one() -> None:
    units = {column.name: column.unit for file in FILES for column in file.columns}
    assert units["planned_dose_gy"] == units["delivered_dose_gy"] == units["gy_at_onset"] == "Gy"
    assert units["days_severe"] == "d"

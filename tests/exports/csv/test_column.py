"""A cell is the value, and no spreadsheet runs it."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.exports.csv.column import Kind, cell

SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        pytest.param(Kind.TEXT, None, "", id="nothing"),
        pytest.param(Kind.TEXT, "", "", id="empty"),
        pytest.param(Kind.BOOLEAN, True, "true", id="true"),
        pytest.param(Kind.BOOLEAN, False, "false", id="false"),
        pytest.param(Kind.INTEGER, 0, "0", id="zero"),
        pytest.param(Kind.INTEGER, -3, "-3", id="negative number"),
        pytest.param(Kind.DECIMAL, 66.0, "66.0", id="decimal"),
        pytest.param(Kind.DATE, date(2026, 3, 1), "2026-03-01", id="date"),
        pytest.param(
            Kind.DATETIME, datetime(2026, 3, 1, 2, tzinfo=UTC), "2026-03-01T02:00:00Z", id="UTC"
        ),
        pytest.param(
            Kind.DATETIME,
            datetime(2026, 3, 1, 2, tzinfo=SHANGHAI),
            "2026-02-28T18:00:00Z",
            id="another zone",
        ),
        pytest.param(Kind.ID, UUID(int=1), "00000000-0000-0000-0000-000000000001", id="id"),
        pytest.param(Kind.CODE, ["b", "a"], "a;b", id="several"),
        pytest.param(Kind.CODE, [], "", id="none of several"),
        pytest.param(Kind.JSON, {"b": "口", "a": [1]}, '{"a":[1],"b":"口"}', id="JSON"),
        pytest.param(Kind.TEXT, "口腔 🙂", "口腔 🙂", id="unicode"),
        pytest.param(Kind.TEXT, "=1+1", "'=1+1", id="formula"),
        pytest.param(Kind.TEXT, "＝1+1", "'＝1+1", id="formula in full width"),
        pytest.param(Kind.TEXT, "@SUM(A1)", "'@SUM(A1)", id="function"),
        pytest.param(Kind.TEXT, "\t=1", "'\t=1", id="tab"),
        pytest.param(Kind.TEXT, "'quoted'", "''quoted'", id="apostrophe"),
    ],
)
def test_a_value_as_a_cell(kind: Kind, value: object, text: str) -> None:
    assert cell(kind, value) == text


@given(st.text())
def test_a_text_comes_back_when_one_apostrophe_is_taken_away(text: str) -> None:
    assert cell(Kind.TEXT, text).removeprefix("'") == text

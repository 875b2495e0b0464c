"""Which form of an answer a caller takes, by RFC 9110."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.accept import chosen

OFFERED = ("application/json", "application/xml")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/xml", "application/xml"),
        ("APPLICATION/XML ; charset=utf-8", "application/xml"),
        ("application/json;q=0.5, application/xml", "application/xml"),
        ("application/xml;q=0.5, */*;q=0.1", "application/xml"),
        ("application/xml;q=0.5, application/json;q=0.5", "application/json"),
        ("application/json;q=0, */*", "application/xml"),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        ("text/html", None),
        ("*/*;q=0", None),
        ("application/json;q=0.000", None),
        ("nonsense", None),
        ("nonsense, application/xml", "application/xml"),
        (",,", None),
    ],
)
def test_the_form_that_weighs_most_is_chosen(header: str, expected: str | None) -> None:
    assert chosen(header, OFFERED) == expected


def test_a_weight_that_is_none_counts_as_not_given() -> None:
    assert chosen("application/xml;q=7, application/json;q=0.9", OFFERED) == "application/xml"


@given(st.text())
def test_any_header_has_an_answer(header: str) -> None:
    assert chosen(header, OFFERED) in {*OFFERED, None}

"""What is written is read back by a parser, and what XML cannot hold is replaced."""

from hypothesis import given
from hypothesis import strategies as some
from lxml import etree

from services.api.exports.odm.xml import element, leaf, start

LEGAL = some.text(
    some.characters(exclude_categories=("Cc", "Cs", "Cn")) | some.sampled_from("\t\n\r&<>]\"'")
)


@given(LEGAL)
def test_every_text_is_read_back_as_it_was(content: str) -> None:
    read = etree.fromstring(leaf("a", content, b=content))
    assert (read.text or "") == content
    assert read.get("b") == content


def test_what_xml_has_not_is_replaced() -> None:
    read = etree.fromstring(leaf("a", "\x00\x0b\ud800\uffff]]>", b="\x1b"))
    assert read.text == "\ufffd\ufffd\ufffd\ufffd]]>"
    assert read.get("b") == "\ufffd"


def test_attributes_without_a_value_are_left_out() -> None:
    assert start("a", b=None, c="") == '<a c="">'
    assert element("a") == "<a/>"

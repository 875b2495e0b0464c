"""A report for people: one page that loads nothing, a PDF, the same bytes every time."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from matplotlib.colors import to_rgb

from services.api.reports import pages
from services.api.reports.document import Bars, Block, Document, Heading, Paragraph, Table
from services.api.reports.plots import LOOKS, SHADES, STYLE
from services.api.reports.render import render
from tests.reports.generated import PROTOCOL, reports

EMPTY = {name: pages.document(report, PROTOCOL) for name, report in reports(0).items()}
FULL = {name: pages.document(report, PROTOCOL) for name, report in reports(200).items()}


def sent(document: Document) -> Mapping[str, Any]:
    """As the program gets it."""
    plain: Mapping[str, Any] = json.loads(json.dumps(document.plain()))
    return plain


@pytest.mark.parametrize("name", FULL)
def test_a_page_loads_and_runs_nothing(name: str) -> None:
    page = render(sent(FULL[name]), "html").decode()
    assert page.startswith("<!doctype html>")
    loads = re.sub(r'xmlns(:\w+)?="[^"]*"|xlink:href="#[^"]*"|url\(#[^)]*\)', "", page)
    assert not re.search(r"src=|href=|url\(|@import|<script|<link| on\w+=", loads)


@pytest.mark.parametrize("name", EMPTY)
def test_a_trial_without_subjects_has_its_pages_too(name: str) -> None:
    assert render(sent(EMPTY[name]), "html").startswith(b"<!doctype")


@pytest.mark.parametrize(("kind", "begins"), [("html", b"<!doctype"), ("pdf", b"%PDF-")])
def test_a_drawing_is_the_same_bytes_every_time(kind: str, begins: bytes) -> None:
    bars = next(block for block in FULL["completeness"].blocks if isinstance(block, Bars))
    short = replace(FULL["completeness"], blocks=[*FULL["completeness"].blocks[:2], bars])
    first = render(sent(short), kind)
    assert first.startswith(begins)
    assert render(sent(short), kind) == first


def test_every_text_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    blocks: list[Block] = [Heading(evil), Paragraph(evil), Table(evil, [evil], [[evil]])]
    page = render(sent(Document(evil, evil, "2026-01-01", blocks)), "html").decode()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 8


def test_a_report_says_what_it_rests_on() -> None:
    for document in FULL.values():
        told = json.dumps(document.plain())
        assert "Data cut-off 2027-03-01" in told
        assert "Protocol version 1.0" in told
        assert "Methods" in told


def luminance(colour: str) -> float:
    red, green, blue = to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_parts_of_bars_differ_in_grey_and_lines_in_their_dashes() -> None:
    greys = [luminance(shade) for shade in SHADES]
    assert greys == sorted(greys, reverse=True)
    assert all(one - other > 0.1 for one, other in pairwise(greys))
    assert len({look["linestyle"] for look in LOOKS}) == len(LOOKS)


def test_no_letter_of_a_plot_is_smaller_than_nine_points() -> None:
    sizes = [size for name, size in STYLE.items() if name.endswith("size")]
    assert min(sizes) >= 9

"""A document as a PDF for A4 paper."""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

FONT = "DejaVu"
SIZE = 9
"""Points: the smallest letters."""
MARGIN = 16
"""Millimetres."""
PLOT, PLOTS = 90, ("lines", "bars", "forest")
"""About how high plots are, and which blocks are plots."""


class Paper(FPDF):
    """A4 with a foot that tells the report and the page."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        self.add_font(FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, 18)

    def footer(self) -> None:
        """The foot of every page; fpdf2 calls it."""
        self.set_y(-14)
        self.set_font(FONT, size=SIZE)
        self.cell(0, 6, self._foot)
        self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="R")


def paper(document: Mapping[str, Any], draw: Callable[[Mapping[str, Any]], bytes]) -> bytes:
    """The PDF; `draw` makes a PNG of a plot. The same bytes for the same document."""
    pdf = Paper(f"{document['title']} · data cut-off {document['day']}")
    pdf.set_title(document["title"])
    pdf.set_lang("en")
    pdf.set_creation_date(datetime.fromisoformat(document["day"]).replace(tzinfo=UTC))
    pdf.set_draw_color(150)
    pdf.set_line_width(0.1)
    pdf.add_page()
    _write(pdf, document["title"], 17, bold=True)
    _write(pdf, document["subtitle"], 10)
    pdf.ln(3)
    blocks = document["blocks"]
    for block, after in zip(blocks, [*blocks[1:], {"kind": "none"}], strict=True):
        _block(pdf, block, after, draw)
    return bytes(pdf.output())


def _block(
    pdf: FPDF,
    block: Mapping[str, Any],
    after: Mapping[str, Any],
    draw: Callable[[Mapping[str, Any]], bytes],
) -> None:
    match block["kind"]:
        case "heading":
            _room(pdf, 20 + (PLOT if after["kind"] in PLOTS else 20))
            pdf.ln(4)
            _write(pdf, block["text"], 12, bold=True)
            pdf.ln(1)
        case "paragraph":
            _write(pdf, block["text"], 10)
            pdf.ln(2)
        case "items":
            for item in block["items"]:
                _write(pdf, f"•  {item}", SIZE)
                pdf.ln(1)
        case "table":
            _table(pdf, block)
        case _:
            _plot(pdf, block, draw(block))


def _write(pdf: FPDF, text: str, size: int, *, bold: bool = False) -> None:
    pdf.set_font(FONT, "B" if bold else "", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _table(pdf: FPDF, block: Mapping[str, Any]) -> None:
    rows = block["rows"] or [["None"] + [""] * (len(block["columns"]) - 1)]
    _room(pdf, 14 + 7 * min(len(rows), 6))
    pdf.ln(1)
    _write(pdf, block["title"], SIZE, bold=True)
    pdf.set_font(FONT, "B", SIZE)
    widths = [
        max(pdf.get_string_width(text) for text in column) + 4
        for column in zip(block["columns"], *rows, strict=True)
    ]
    # What the figures leave belongs to the names; names that are longer are folded.
    widths[0] = max(pdf.epw - sum(widths[1:]), pdf.epw / 4)
    pdf.set_font(FONT, size=SIZE)
    with pdf.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=widths,
        headings_style=FontFace(emphasis="BOLD"),
        text_align=("LEFT", *["RIGHT"] * (len(widths) - 1)),
        line_height=4.6,
        padding=(0.6, 1),
    ) as table:
        for row in (block["columns"], *rows):
            table.row([row[0].replace("    ", "\u2003\u2003"), *row[1:]])
    pdf.ln(3)


def _plot(pdf: FPDF, block: Mapping[str, Any], image: bytes) -> None:
    width, height = struct.unpack(">II", image[16:24])  # as the head of a PNG tells them
    _room(pdf, 8 + pdf.epw * height / width)
    _write(pdf, block["title"], SIZE, bold=True)
    pdf.image(BytesIO(image), w=pdf.epw, alt_text=block["alt"])
    pdf.ln(2)


def _room(pdf: FPDF, height: float) -> None:
    """Begin a page if there is less than so many millimetres left on this one."""
    if pdf.will_page_break(height):
        pdf.add_page()

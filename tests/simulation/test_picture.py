"""The picture: print-legible, the same each time, without a display or a trace in matplotlib."""

import struct
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from services.api.simulation import picture
from services.api.simulation.trials import Figures, Scenario, simulate
from tests.first_trial import FIRST_TRIAL

SECTION = FIRST_TRIAL.protocol.randomization
SCENARIO = Scenario.of(SECTION, 30)


@pytest.fixture(scope="module")
def figures() -> list[Figures]:
    """Three choices, simulated a little."""
    return [simulate(SCENARIO, sizes, 20, 1) for sizes in ((), (2,), (4, 6))]


def test_the_files_are_a_png_for_print_and_an_svg(figures: list[Figures], tmp_path: Path) -> None:
    picture.save(tmp_path / "it", figures, SCENARIO, 20)
    png = (tmp_path / "it.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, _ = struct.unpack(">II", png[16:24])
    assert width >= 1800  # 16 cm across a page at 285 dots per inch
    assert ET.fromstring((tmp_path / "it.svg").read_text()).tag.endswith("svg")


def test_the_files_tell_no_date_and_no_machine(figures: list[Figures], tmp_path: Path) -> None:
    picture.save(tmp_path / "it", figures, SCENARIO, 20)
    assert b"<dc:date>" not in (tmp_path / "it.svg").read_bytes()
    png = (tmp_path / "it.png").read_bytes()
    assert not any(chunk in png for chunk in (b"tEXt", b"iTXt", b"tIME"))


def test_nothing_is_left_in_matplotlib(figures: list[Figures], tmp_path: Path) -> None:
    before = mpl.rcParams.copy()
    picture.save(tmp_path / "it", figures, SCENARIO, 20)
    assert mpl.rcParams.copy() == before
    assert "matplotlib.pyplot" not in sys.modules


def test_a_trial_without_sites_is_drawn_too(tmp_path: Path) -> None:
    elsewhere = SECTION.model_copy(update={"factors": SECTION.factors[1:]})
    scenario = Scenario.of(elsewhere, 10)
    picture.save(tmp_path / "it", [simulate(scenario, (2,), 20, 1)], scenario, 20)
    assert (tmp_path / "it.svg").exists()


def test_block_sizes_are_called_as_they_are_written() -> None:
    assert picture.label((4, 6)) == "4, 6"
    assert picture.label(()) == "simple"

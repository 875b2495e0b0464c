"""Versions: at which study event each stands."""

import pytest

from services.api.exports.odm.versions import COMMON, Place, place_of
from services.api.protocol.load import load
from services.api.settings import Settings

PROTOCOL = load(Settings().protocol_document).protocol


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("BL", Place("BL")),
        ("RT1A", Place("RT{n}A", "1")),
        ("RT12B", Place("RT{n}B", "12")),
        ("RT0A", Place(COMMON)),
        ("FU180", Place(COMMON)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_visit_stands_at_its_study_event(code: str, place: Place) -> None:
    assert place_of(PROTOCOL.visits.schedule, code) == place

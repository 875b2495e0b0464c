"""The labels of a trial whose protocol is kept in English alone."""

from pathlib import Path

from services.api.labels.service import labels
from services.api.language.tags import Language
from services.api.protocol.load import load

SECOND_TRIAL = Path(__file__).parents[1] / "second_trial" / "nct03689712-1.0.yaml"


def test_a_protocol_without_chinese_is_told_in_english_and_the_rest_in_chinese() -> None:
    told = labels(load(SECOND_TRIAL), Language.CHINESE)
    assert (told.language, told.protocol.language) == (Language.CHINESE, Language.ENGLISH)
    assert told.enumerations["Sex"]["female"].label == "女"
    assert told.protocol.facts
    assert told.protocol.factors["cisplatin_schedule"].label == "Cisplatin schedule"
    assert "weekly" in told.protocol.factors["cisplatin_schedule"].levels

"""A text with values is its English, and can be told in another language."""

from services.api.language.catalogue import details, translated
from services.api.language.tags import Language
from services.api.language.wording import Wording


def test_a_wording_is_the_english_text() -> None:
    text = Wording("one of {choices}, at most {most}", choices=("I", "II"), most=2)
    assert text == "one of I, II, at most 2"
    assert isinstance(text, str)


def test_a_wording_is_told_with_its_values() -> None:
    text = Wording("one of {choices}", choices=("I", "II"))
    assert translated(text, Language.CHINESE) == "应为以下之一：I、II"


def test_a_text_of_others_is_told_by_its_key() -> None:
    text = Wording.keyed("pydantic:less_than_equal", "Input should be at most 4", {"le": 4})
    assert text == "Input should be at most 4"
    assert translated(text, Language.CHINESE) == "应小于或等于4"


def test_what_nobody_has_translated_is_known_to_be_missing() -> None:
    assert translated("Nobody has translated this", Language.CHINESE) is None
    assert translated(Wording("{n} texts without Chinese", n=2), Language.CHINESE) is None
    assert details(Language.ENGLISH) == {}

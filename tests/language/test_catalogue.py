"""The catalogue's texts, read as they are kept."""

import re

import pytest

from services.api.core.errors import ApiError
from services.api.language.catalogue import DIRECTORY, enumerations, problems
from services.api.language.tags import Language


@pytest.mark.parametrize("language", list(Language))
def test_every_label_is_a_short_text_and_every_meaning_a_sentence(language: Language) -> None:
    for values in enumerations(language).values():
        for value, label in values.items():
            assert label.label.strip() == label.label != "", value
            assert not label.label.endswith((".", "。")), value
            assert label.meaning.endswith((".", "。")), value
            assert len(label.label) <= 60, value


def test_no_key_is_given_twice() -> None:
    for path in DIRECTORY.glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        section = ""
        seen: set[tuple[str, str]] = set()
        for line in lines:
            if not line or line.startswith("#"):
                continue
            if not line.startswith(" "):
                section = line
            assert section, line
            key = (section, line.partition(": ")[0])
            assert key not in seen, key
            seen.add(key)


NAMES = {"English", "简体中文", "JSON", "HTML", "PDF", "CSV", "EC", "RSA", "P-256", "P-384"}
NAMES |= {"ES256", "ES384", "RS256", "RS384"}
"""Labels that are the same in every language."""


def test_both_languages_label_the_same_values() -> None:
    english, chinese = (enumerations(language) for language in Language)
    assert {name: set(values) for name, values in chinese.items()} == {
        name: set(values) for name, values in english.items()
    }


def test_no_label_is_left_in_english() -> None:
    english, chinese = (enumerations(language) for language in Language)
    for name, values in chinese.items():
        for value, label in values.items():
            assert label.meaning != english[name][value].meaning
            assert is_chinese(label.meaning), value
            assert is_chinese(label.label) or label.label in NAMES, value


def test_every_problem_has_a_chinese_title_and_remedy() -> None:
    told = problems(Language.CHINESE)
    assert told.keys() == ApiError.by_code.keys()
    for one in told.values():
        assert is_chinese(one.title)
        assert not one.title.endswith("。")
        assert is_chinese(one.remedy)
        assert one.remedy.endswith("。")


LATIN = re.compile(r"[A-Za-z][A-Za-z0-9_/{}.?=-]{2,}")
FOR_PROGRAMS = re.compile(r"`[^`]+`|/v1/[^ ,;.:)]*|[a-z]+_[a-z_]+|If-Match|ETag|[A-Z]\w+-[A-Z]\w+")


def test_a_problem_names_the_same_fields_and_addresses_in_both_languages() -> None:
    """What a program reads or sends is never translated."""
    for code, kind in ApiError.by_code.items():
        english = f"{kind.title()} {kind.remedy()}"
        chinese = f"{kind.title(Language.CHINESE)} {kind.remedy(Language.CHINESE)}"
        assert all(name in chinese for name in FOR_PROGRAMS.findall(english)), code
        assert all(name.lower() in english.lower() for name in LATIN.findall(chinese)), code


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)

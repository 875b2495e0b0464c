"""Which language a caller is answered in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.language.tags import LONGEST, Language, chosen

CHINESE = [
    "zh",
    "zh-CN",
    "zh-Hans",
    "zh-hans-cn",
    "zh-SG",
    "ZH-cn",
    "zh-CN,zh;q=0.9,en;q=0.8",
    "en;q=0.8, zh-CN",
    "fr, zh;q=0.1",
    "zh, en",
    "en;q=0, zh;q=0.001",
    "not a tag!, zh",
    "\tzh ; q = 1.000",
]
ENGLISH = [
    "",
    "en",
    "en-GB",
    "fr",
    "*",
    "zh-TW",
    "zh-Hant-CN",
    "zh;q=0",
    "en, zh",
    "en;q=0.9, zh;q=0.8",
    "*;q=0.5, zh;q=0.4",
    "zh;q=2",
    "zh;q=0.1234",
    "zhh",
    "zh-",
    "中文",
    ",,;",
]


@pytest.mark.parametrize("header", CHINESE)
def test_simplified_chinese_is_spoken_to_whoever_prefers_it(header: str) -> None:
    assert chosen(header) is Language.CHINESE


@pytest.mark.parametrize("header", ENGLISH)
def test_english_is_spoken_to_everyone_else(header: str) -> None:
    assert chosen(header) is Language.ENGLISH


@given(st.text(max_size=60))
def test_no_header_is_refused(header: str) -> None:
    assert chosen(header) in Language


def test_a_header_without_end_is_read_so_far() -> None:
    assert chosen("fr," * LONGEST + "zh") is Language.ENGLISH

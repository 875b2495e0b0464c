"""A front-end reads every text it shows in the language of whoever sits before it."""

import re

import pytest

from services.api.core.errors import ApiError
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from tests.make import Api, Json, ok

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}
SAME = {"English", "简体中文", "JSON", "HTML", "PDF", "CSV", "EC", "RSA", "P-256", "P-384"} | {
    "ES256",
    "ES384",
    "RS256",
    "RS384",
}
"""Labels that are names, the same in every language."""


@pytest.fixture
def both(unchanged: Api) -> tuple[Json, Json]:
    """The labels in English and in Chinese."""
    assessor = unchanged.as_("assessor")
    return ok(assessor.get("/v1/labels")), ok(assessor.get("/v1/labels", headers=CHINESE))


def texts(node: object, path: str = "") -> dict[str, str]:
    """Every text of an answer by its place."""
    if isinstance(node, dict):
        return {
            place: text
            for key, value in node.items()
            for place, text in texts(value, f"{path}/{key}").items()
        }
    return {path: node} if isinstance(node, str) else {}


def test_every_text_is_there_in_both_languages_and_none_stays_english(
    both: tuple[Json, Json],
) -> None:
    english, chinese = map(texts, both)
    assert english.keys() == chinese.keys()
    assert len(english) > 1000
    named = {"/language", "/protocol/language", "/protocol/version"}
    alike = {place for place in english if english[place] == chinese[place]} - named
    assert {english[place] for place in alike} <= SAME
    for place, text in chinese.items():
        assert re.search("[一-鿿]", text) or place in named | alike, place


def test_the_answer_says_its_language_and_that_another_header_brings_another(
    unchanged: Api,
) -> None:
    assessor = unchanged.as_("assessor")
    for header, language in (("en", "en"), ("zh-SG", "zh-Hans"), ("zh-TW", "en"), ("fr", "en")):
        answer = assessor.get("/v1/labels", headers={"Accept-Language": header})
        assert answer.headers["Content-Language"] == language
        assert answer.json()["language"] == answer.json()["protocol"]["language"] == language
        assert "Accept-Language" in answer.headers["Vary"].split(", ")


def test_a_front_end_keeps_them_and_asks_again_by_their_tag(unchanged: Api) -> None:
    assessor = unchanged.as_("assessor")
    held = assessor.get("/v1/labels", headers=CHINESE)
    assert held.headers["Cache-Control"] == "private, max-age=600"
    again = assessor.get("/v1/labels", headers=CHINESE | {"If-None-Match": held.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    english = assessor.get("/v1/labels", headers={"If-None-Match": held.headers["ETag"]})
    assert english.status_code == 200


def test_what_a_form_needs_stands_under_the_ids_of_the_protocol(
    both: tuple[Json, Json], unchanged: Api
) -> None:
    document = ok(unchanged.as_("assessor").get("/v1/protocol-versions/1.0"))["document"]
    for labels in (one["protocol"] for one in both):
        eligibility, grading = document["eligibility"], document["grading"]
        assert list(labels["facts"]) == [one["id"] for one in eligibility["facts"]]
        assert list(labels["criteria"]) == [one["id"] for one in eligibility["criteria"]]
        assert list(labels["visits"]) == [one["code"] for one in document["visits"]["schedule"]]
        assert list(labels["components"]) == [one["id"] for one in grading["components"]]
        assert list(labels["arms"]) == [one["code"] for one in document["arms"]]
        assert list(labels["sites"]) == [one["code"] for one in document["sites"]]
        assert labels["factors"]["concurrent_chemotherapy"]["levels"].keys() == {"true", "false"}
        assert labels["facts"]["nyha_class"]["choices"].keys() == {"none", "I", "II", "III", "IV"}
        assert labels["scales"]["who"]["grades"].keys() == {"0", "1", "2", "3", "4"}
        assert labels["version"] == document["version"]


def test_the_words_are_those_of_the_hospitals(both: tuple[Json, Json]) -> None:
    _, chinese = both
    assert chinese["enumerations"]["Seriousness"]["life_threatening"]["label"] == "危及生命"
    assert chinese["enumerations"]["Role"]["investigator"]["label"] == "研究者"
    assert chinese["problems"]["not_ready"]["title"] == "该受试者尚不能随机"
    assert chinese["protocol"]["criteria"]["I10"]["text"] == "已签署知情同意书"
    assert chinese["protocol"]["criteria"]["I07"]["flag_text"]
    assert chinese["protocol"]["criteria"]["I08"]["flag_text"] is None
    assert chinese["protocol"]["factors"]["concurrent_chemotherapy"]["label"] == "同步化疗"


def test_every_enumeration_and_problem_is_labelled(both: tuple[Json, Json]) -> None:
    for labels, language in zip(both, Language, strict=True):
        assert labels["enumerations"].keys() == enumerations(language).keys()
        assert labels["problems"].keys() == ApiError.by_code.keys()

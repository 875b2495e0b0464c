"""A problem is told in the caller's language, and says that it would read otherwise in another."""

import httpx
import pytest

from services.api.core.errors import ApiError
from services.api.language.tags import Language
from tests.lived import Lived
from tests.make import Api, problem

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


@pytest.mark.parametrize(
    ("header", "language", "title"),
    [
        (None, "en", "There is no such record"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "没有该记录"),
        ("zh-TW", "en", "There is no such record"),
        ("fr-CH, de;q=0.5", "en", "There is no such record"),
        ("fr, *;q=0", "en", "There is no such record"),
        ("%%%", "en", "There is no such record"),
    ],
)
def test_a_problem_is_told_in_the_callers_language(
    unchanged: Api, header: str | None, language: str, title: str
) -> None:
    headers = {} if header is None else {"Accept-Language": header}
    answer = unchanged.client.get("/v1/no-such-path", headers=headers)
    assert problem(answer, 404, "not_found")["title"] == title
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"].split(", ")[0] == "Accept-Language"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/me", 401, "unauthorized"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
        ("POST", "/v1/oauth/token", 415, "unsupported_media_type"),
        ("GET", "/v1/study?unknown=1", 422, "invalid"),
    ],
)
def test_every_layer_that_refuses_speaks_it(
    unchanged: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = unchanged.client.request(method, path, headers=CHINESE)
    body = problem(answer, status, code)
    kind = ApiError.by_code[code]
    assert (body["title"], body["detail"]) == (
        kind.title(Language.CHINESE),
        kind.remedy(Language.CHINESE),
    )


def test_each_thing_that_is_wrong_is_told_too(unchanged: Api) -> None:
    coordinator = unchanged.as_("coordinator", "NN")
    body = {"site": "NN", "year_of_birth": 1800, "sex": "neither", "name": "Li", "national_id": 7}
    answer = coordinator.post("/v1/subjects", body, headers=CHINESE)
    told = {one["pointer"]: one["detail"] for one in problem(answer, 422, "invalid")["errors"]}
    assert told == {
        "/year_of_birth": "应大于或等于1900",
        "/sex": "应为以下之一：'female'、'male'",
        "/name": "不允许有此字段",
        "/national_id": "应为文本",
    }


def test_a_refusal_that_names_other_problems_tells_them_too(unchanged: Api) -> None:
    answer = unchanged.client.get("/readyz", headers=CHINESE)
    first = problem(answer, 503, "not_ready_to_serve")["errors"][0]
    assert first == {
        "pointer": "",
        "code": "durability",
        "detail": "fsync已关闭：已确认的记录可能丢失",
    }


@pytest.mark.parametrize("header", ["en", "zh-CN"])
def test_another_sites_record_does_not_exist_in_any_language(lived: Lived, header: str) -> None:
    headers = {"Accept-Language": header, "X-Request-Id": "the-same"}
    with lived.served() as api:
        caller = api.as_("investigator", "LZ")
        assert caller.get(f"/v1/subjects/{lived.subjects['LZ']}").status_code == 200
        foreign, unknown = (
            caller.get(f"/v1/subjects/{subject}", headers=headers)
            for subject in (lived.subjects["NN"], "019c8a52-7d10-7c3e-9a41-000000000000")
        )
    problem(foreign, 404, "not_found")
    assert foreign.content == unknown.content
    assert told(foreign) == told(unknown)


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    """The headers of an answer, but when it was made."""
    return [(name, value) for name, value in answer.headers.items() if name != "date"]

"""Health, readiness and problem pages: public, cheap, and clear about what is wrong."""

import pytest

from tests.make import Api, ok, problem


def test_health_is_of_the_process_alone(unchanged: Api) -> None:
    unchanged.state.database = None
    assert ok(unchanged.client.get("/healthz")) == {"status": "ok"}


def test_readiness_names_what_is_wrong_and_when_to_ask_again(unchanged: Api) -> None:
    """The tests' own server spares the disk, which a server of a trial must not."""
    answer = unchanged.client.get("/readyz")
    body = problem(answer, 503, "not_ready_to_serve")
    assert answer.headers["Retry-After"] == "5"
    assert [error["code"] for error in body["errors"]] == ["durability", "durability"]
    assert [error["detail"].split()[0] for error in body["errors"]] == ["fsync", "full_page_writes"]


def test_the_page_is_in_the_callers_language(unchanged: Api) -> None:
    english = unchanged.client.get("/problems/not_ready")
    chinese = unchanged.client.get("/problems/not_ready", headers={"Accept-Language": "zh-CN"})
    assert english.headers["Content-Language"] == "en"
    assert chinese.headers["Content-Language"] == "zh-Hans"
    assert english.headers["Vary"].split(", ")[0] == "Accept-Language"
    assert chinese.headers["Vary"] == english.headers["Vary"]
    assert "The subject cannot be randomized yet" in english.text
    assert "该受试者尚不能随机" in chinese.text
    assert 'lang="zh-Hans"' in chinese.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/problems/no_such_problem", 404, "not_found"),
        ("/problems/error", 404, "not_found"),
        ("/problems/", 404, "not_found"),
        ("/problems/<script>", 422, "invalid"),
        ("/problems/%2e%2e%2fetc", 404, "not_found"),
        ("/problems/" + "a" * 65, 422, "invalid"),
    ],
)
def test_a_page_of_no_problem_is_a_problem(
    unchanged: Api, path: str, status: int, code: str
) -> None:
    answer = unchanged.client.get(path)
    problem(answer, status, code)
    assert "script" not in answer.text

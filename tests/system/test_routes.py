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

"""A retried POST gets the first answer, never a second effect (Idempotency-Key)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from services.api.core.permissions import Role
from tests.make import SUBJECT, Api, created, ok, problem

MAN = {**SUBJECT, "sex": "male"}


def test_the_same_key_and_body_replay_the_first_answer(api: Api) -> None:
    investigator = api.as_("investigator")
    first = investigator.post("/v1/subjects", SUBJECT, key="k")
    created(first)
    assert "Idempotency-Replayed" not in first.headers
    for _ in range(3):
        again = investigator.post("/v1/subjects", SUBJECT, key="k")
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (again.status_code, again.content) == (201, first.content)
        for name in ("ETag", "Location", "Content-Type"):
            assert again.headers[name] == first.headers[name]
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert api.count("subject") == 1


def test_a_replay_is_the_first_answer_whatever_happened_since(api: Api) -> None:
    investigator = api.as_("investigator")
    first = investigator.post("/v1/subjects", SUBJECT, key="k")
    here = first.headers["Location"]
    investigator.patch(here, {"sex": "male", "reason": "Misread the source"})
    again = investigator.post("/v1/subjects", SUBJECT, key="k")
    assert again.content == first.content
    assert again.headers["ETag"] != investigator.get(here).headers["ETag"]


@pytest.mark.parametrize("body", [MAN, {**SUBJECT, "national_id": "450103"}])
def test_a_key_stands_for_one_body(api: Api, body: dict[str, object]) -> None:
    investigator = api.as_("investigator")
    created(investigator.post("/v1/subjects", SUBJECT, key="k"))
    problem(investigator.post("/v1/subjects", body, key="k"), 422, "idempotency_key_reused")
    assert api.count("subject") == 1


def test_a_key_stands_for_one_operation(api: Api) -> None:
    investigator = api.as_("investigator")
    one, other = investigator.screened(), investigator.screened()
    signed = {"version": "1.0", "signed_on": str(api.today())}
    created(investigator.post(f"/v1/subjects/{one['id']}/consents", signed, key="k"))
    answer = investigator.post(f"/v1/subjects/{other['id']}/consents", signed, key="k")
    problem(answer, 422, "idempotency_key_reused")
    assert api.count("consent") == 1


def test_the_key_of_one_caller_is_not_anothers(api: Api) -> None:
    ours = created(api.as_("investigator").post("/v1/subjects", SUBJECT, key="k"))
    theirs = created(api.as_("coordinator").post("/v1/subjects", SUBJECT, key="k"))
    assert ours["id"] != theirs["id"]
    problem(api.as_("monitor").post("/v1/subjects", SUBJECT, key="k"), 403, "forbidden")


@pytest.mark.parametrize("key", [None, "", "x" * 256, "two words", "schlüssel", "tab\there"])
def test_a_post_that_creates_needs_a_key(unchanged: Api, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key.encode("latin-1")}
    answer = unchanged.as_("investigator").request(
        "POST", "/v1/subjects", json=SUBJECT, headers=headers
    )
    problem(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
def test_a_key_is_any_printable_text_up_to_255_characters(api: Api, key: str) -> None:
    investigator = api.as_("investigator")
    created(investigator.post("/v1/subjects", SUBJECT, key=key))
    again = investigator.post("/v1/subjects", SUBJECT, key=key)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    investigator = api.as_("investigator")
    problem(investigator.post("/v1/subjects", {**SUBJECT, "sex": "?"}, key="k"), 422, "invalid")
    problem(investigator.post("/v1/subjects", {**SUBJECT, "site": "LZ"}, key="k"), 403, "forbidden")
    assert api.count("idempotent_answer") == 0
    created(investigator.post("/v1/subjects", SUBJECT, key="k"))


def test_a_duplicate_in_flight_is_told_to_wait(api: Api) -> None:
    investigator = api.as_("investigator")
    with (
        psycopg.connect(api.admin_url.replace("+psycopg", "")) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("SELECT 1 FROM site FOR UPDATE")
        first = pool.submit(investigator.post, "/v1/subjects", SUBJECT, key="k")
        while not api.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert not first.done()
        second = investigator.post("/v1/subjects", SUBJECT, key="k")
        problem(second, 409, "still_in_flight")
        assert second.headers["Retry-After"] == "1"
        other.rollback()
        number = created(first.result())["number"]
    third = investigator.post("/v1/subjects", SUBJECT, key="k")
    assert (created(third)["number"], third.headers["Idempotency-Replayed"]) == (number, "true")


def test_many_duplicates_at_once_have_one_effect(api: Api) -> None:
    investigator = api.as_("investigator")
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(investigator.post, "/v1/subjects", SUBJECT, key="k") for _ in range(24)
        ]
    answers = [one.result() for one in tries]
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert api.count("subject") == 1


def age(api: Api, days: float) -> None:
    """Let every stored answer be that much older."""
    api.rows(f"UPDATE idempotent_answer SET expires_at = expires_at - interval '{days} days'")


def test_an_answer_is_kept_for_30_days_of_real_time(api: Api) -> None:
    investigator = api.as_("investigator")
    api.move_to(api.today() + timedelta(days=300))
    created(investigator.post("/v1/subjects", SUBJECT, key="k"))
    ((kept, made),) = api.rows(
        "SELECT expires_at - created_at, now() - created_at FROM idempotent_answer"
    )
    assert kept == timedelta(days=30)
    assert timedelta(0) <= made < timedelta(minutes=1)
    age(api, 29.99)
    again = investigator.post("/v1/subjects", SUBJECT, key="k")
    assert again.headers["Idempotency-Replayed"] == "true"


def test_after_30_days_the_key_is_fresh_again(api: Api) -> None:
    investigator = api.as_("investigator")
    created(investigator.post("/v1/subjects", SUBJECT, key="k"))
    age(api, 30)
    answer = investigator.post("/v1/subjects", MAN, key="k")
    assert "Idempotency-Replayed" not in answer.headers
    assert created(answer)["number"] == "NN-0002"
    again = investigator.post("/v1/subjects", MAN, key="k")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (answer.content, "true")
    assert api.count("idempotent_answer") == 1


def test_a_randomization_is_replayed_for_the_life_of_the_trial(api: Api) -> None:
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.eligible()['id']}/randomization"
    first = investigator.post(path, key="k")
    created(first)
    assert api.rows("SELECT expires_at FROM idempotent_answer WHERE key = 'k'") == [(None,)]
    age(api, 3650)
    api.rows("UPDATE idempotent_answer SET created_at = created_at - interval '10 years'")
    again = investigator.post(path, key="k")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    problem(investigator.post(path, key="other"), 409, "already_randomized")


def test_a_stored_answer_does_not_reveal_its_request(api: Api) -> None:
    """The fingerprint of a body with a national identifier cannot be searched without the key."""
    person = {**SUBJECT, "national_id": "450103197101010011"}
    created(api.as_("investigator").post("/v1/subjects", person, key="k"))
    ((fingerprint, body),) = api.rows("SELECT fingerprint, body FROM idempotent_answer")
    assert len(bytes(fingerprint)) == 32
    assert b"450103197101010011" not in bytes(body)
    assert api.rows("SELECT 1 FROM audit_event WHERE new::text LIKE '%450103197101010011%'") == []


def test_an_answer_is_repeated_to_its_caller_in_the_same_place_alone(api: Api) -> None:
    """Who has moved to another hospital is told nothing of the one before."""
    here = api.signed_in(Role.INVESTIGATOR, ("NN",))
    created(here.post("/v1/subjects", SUBJECT, key="before"))
    moved = replace(api, token=_token(api, here, ("LZ",)))
    problem(moved.post("/v1/subjects", SUBJECT, key="before"), 422, "idempotency_key_reused")
    again = here.post("/v1/subjects", SUBJECT, key="before")
    assert again.headers["Idempotency-Replayed"] == "true"


def _token(api: Api, like: Api, sites: tuple[str, ...]) -> str:
    token: str = api.state.issuer.issue(
        subject=UUID(ok(like.get("/v1/me"))["id"]),
        role=Role.INVESTIGATOR,
        sites=sites,
        name="Demo",
        machine=False,
    )
    return token

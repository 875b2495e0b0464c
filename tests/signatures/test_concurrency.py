"""Signing at the same time as others sign or correct: one signature, on what its signer read."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.lived import plain
from tests.make import Api, Json, adverse_event, created, grading, ok, problem
from tests.randomization.test_concurrency import at_once, outcomes

ROUNDS = 5
CHECKING = 2.0
"""Seconds, more than enough to check a password."""

MEANINGS = {
    "gradings": "I confirm the grading",
    "adverse-events": "I have reviewed the adverse event",
}


def events(api: Api, number: int) -> list[Json]:
    path = f"/v1/subjects/{api.consented()['id']}/adverse-events"
    return [created(api.post(path, adverse_event(api.today()))) for _ in range(number)]


def gradings(api: Api, number: int) -> list[Json]:
    subject, made = api.in_radiotherapy(), []
    for code in ("RT1A", "RT1B", "RT2A")[:number]:
        visit = f"/v1/subjects/{subject['id']}/visits/{code}"
        ok(api.put(visit, {"date": str(api.today())}))
        made.append(created(api.post(f"{visit}/gradings", grading(api.today()))))
    return made


def test_two_signers_at_once_give_one_signature(api: Api) -> None:
    investigator = api.as_("investigator")
    for event in events(investigator, ROUNDS):
        answers = at_once([partial(investigator.sign_adverse_event, event) for _ in range(4)])
        assert outcomes(answers) == {"201": 1, "already_signed": 3}
    assert api.count("adverse_event_signature") == ROUNDS


def delayed(pause: float, call: Callable[[], httpx.Response]) -> httpx.Response:
    """The call after a while: checking the password takes about a third of a second."""
    time.sleep(pause)
    return call()


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.4])
@pytest.mark.parametrize("kind", MEANINGS)
def test_a_signature_stands_on_what_it_was_given_for_whoever_comes_first(
    api: Api, kind: str, pause: float
) -> None:
    investigator = api.as_("investigator")
    records = (gradings if kind == "gradings" else events)(investigator, 3)
    for record in records:
        path = f"/v1/{kind}/{record['id']}"
        stated = {"meaning": MEANINGS[kind], "content_hash": record["content_hash"]}
        change = {"grade": 2, "reason": "Misread"}
        signed, corrected = at_once(
            [
                partial(investigator.sign_record, path, **stated),
                partial(delayed, pause, partial(investigator.patch, path, change, version=1)),
            ]
        )
        ok(corrected)
        first, second = ok(investigator.get(f"{path}/versions"))["items"]
        assert second["signature"] is None
        order = [
            event.record
            for event in api.audit({"id": record["subject_id"]})
            if record["id"] in str(event.new) and event.record != "safety_deadline"
        ]
        if signed.is_success:
            assert first["signature"] == {**created(signed), "valid": False}
            assert first["signature"]["content_hash"] == first["content_hash"]
            assert order[1].endswith("_signature"), "signed after it was corrected"
        else:
            problem(signed, 409, "content_changed")
            assert first["signature"] is None
            assert len(order) == 2


NEXT_VERSION = {
    "gradings": "INSERT INTO grading SELECT (jsonb_populate_record("
    'g, \'{"version": 2, "reason": "Misread", "grade": 3}\')).* FROM grading g',
    "adverse-events": "INSERT INTO adverse_event SELECT (jsonb_populate_record("
    'e, \'{"version": 2, "reason": "Misread", "grade": 2}\')).* FROM adverse_event e',
}


@pytest.mark.parametrize("kind", MEANINGS)
def test_a_signature_waits_for_a_correction_under_way_and_is_then_refused(
    api: Api, kind: str
) -> None:
    investigator = api.as_("investigator")
    (record,) = (gradings if kind == "gradings" else events)(investigator, 1)
    path = f"/v1/{kind}/{record['id']}"
    with ThreadPoolExecutor(1) as thread, psycopg.connect(plain(api.admin_url)) as correcting:
        subject = UUID(record["subject_id"])
        correcting.execute("SELECT 1 FROM subject WHERE id = %s FOR UPDATE", (subject,))
        signing = thread.submit(investigator.sign_record, path, meaning=MEANINGS[kind])
        time.sleep(CHECKING)
        assert not signing.done(), "it did not wait"
        correcting.execute(NEXT_VERSION[kind].encode())
        correcting.commit()
        problem(signing.result(), 409, "content_changed")
    assert ok(investigator.get(path))["signature"] is None

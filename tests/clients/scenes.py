"""What a caller meets beside the story, played with the Python client; `scenes.ts` plays the same.

Each takes the client's line and what the test gives it, and tells what came of it.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from trial_client import (
    AccessToken,
    ClientSecret,
    Password,
    RefreshToken,
    Retries,
    Trial,
    TrialProblem,
    Unreachable,
    etag_of,
)
from trial_client.models import RadiotherapyPut, SubjectCreate

Given = Mapping[str, Any]
Scene = Callable[[str, Given], Any]

PROMPT = Retries(pause=0.01, longest=0.02)
SUBJECT: SubjectCreate = {"site": "NN", "year_of_birth": 1971, "sex": "female"}
LATER = 870.0
"""Seconds after which a token is about to expire."""


def calling(line: str, given: Given, retries: Retries = PROMPT) -> Trial:
    """A client with a token that the test made."""
    return Trial(line, AccessToken(lambda: str(given["token"])), retries=retries)


def told(error: TrialProblem) -> dict[str, Any]:
    """A refusal, as both clients tell of it."""
    return {
        "status": error.status,
        "code": error.code,
        "pointers": [one["pointer"] for one in error.errors],
        "quotable": bool(error.request_id),
        "uncertain": error.uncertain,
        "retry_after": error.retry_after,
        "key": error.idempotency_key,
    }


def refused(line: str, given: Given) -> Any:
    """A request that is not valid."""
    with calling(line, given) as trial, pytest.raises(TrialProblem) as refusal:
        trial.create_subject({**SUBJECT, "year_of_birth": 1800}, idempotency_key="a-key")
    return told(refusal.value)


def repeated(line: str, given: Given) -> Any:
    """A request that was not answered, sent again later with its key."""
    with calling(line, given, Retries(attempts=1)) as trial:
        with pytest.raises(Unreachable) as silence:
            trial.create_subject(SUBJECT)
        again = trial.create_subject(SUBJECT, idempotency_key=silence.value.idempotency_key)
    return {"replayed": again.replayed, "number": again.body["number"]}


def unkeyed(line: str, _: Given) -> Any:
    """A request that nothing makes safe to repeat."""
    with Trial(line, retries=PROMPT) as trial, pytest.raises(Unreachable) as silence:
        trial.move_clock({"now": "2026-01-01T00:00:00Z"})
    return {"key": silence.value.idempotency_key}


def impatient(line: str, given: Given) -> Any:
    """A service that asks for a longer pause than the caller waits."""
    hurried = Retries(patience=0.5)
    with calling(line, given, hurried) as trial, pytest.raises(TrialProblem) as refusal:
        trial.create_subject(SUBJECT, idempotency_key="a-key")
    return told(refusal.value)


def patient(line: str, given: Given) -> Any:
    """A service that asks for a pause."""
    with calling(line, given) as trial:
        return trial.read_me().body["role"]


def overtaken(line: str, given: Given) -> Any:
    """A change that was not answered, while another made the next version."""
    plan: RadiotherapyPut = given["plan"]
    with calling(line, given) as trial, pytest.raises(TrialProblem) as refusal:
        trial.record_radiotherapy(given["subject"], plan, if_match='"1"')
    return told(refusal.value)


def listed(line: str, given: Given) -> Any:
    """Every subject, two to a page, and the tag of the last."""
    with calling(line, given) as trial:
        numbers = [subject["number"] for subject in trial.iterate_subjects(limit=2)]
    return numbers, etag_of({"version": 7})


def followed(line: str, given: Given) -> Any:
    """The first three events, and later those after them until there are enough."""
    with calling(line, given) as trial:
        first = list(itertools.islice(trial.feed(), 3))
        rest = trial.feed(after=first[-1]["id"], pause=0.05)
        later = itertools.islice(rest, given["events"] - 3)
        return [event["id"] for event in (*first, *later)]


def renewed(line: str, _: Given) -> Any:
    """Four calls at once when the token is about to expire, and the end of the session."""
    with Trial(line, Password("investigator-nn", "sandbox-only"), retries=PROMPT) as trial:
        trial.read_me()
        began = time.monotonic()
        later = mock.Mock(monotonic=lambda: began + LATER)
        with mock.patch("trial_client.credentials.time", later), ThreadPoolExecutor() as pool:
            roles = [me.body["role"] for me in pool.map(lambda _: trial.read_me(), range(4))]
        trial.sign_out()
    return roles


def interrupted(line: str, given: Given) -> Any:
    """A renewal that does not succeed, and the call after it."""
    known = given["credentials"]
    credentials = RefreshToken(known["refreshToken"]) if len(known) == 1 else Password(**known)
    came: list[str] = []
    began = time.monotonic()
    with Trial(line, credentials, retries=Retries(attempts=1)) as trial:
        for renewals in (0, 1, 2, 2):
            later = mock.Mock(monotonic=lambda now=began + renewals * LATER: now)
            with mock.patch("trial_client.credentials.time", later):
                try:
                    came.append(trial.read_me().body["role"])
                except (TrialProblem, Unreachable) as error:
                    came.append(type(error).__name__)
    return came


def denied(line: str, given: Given) -> Any:
    """A token that the service refuses, and the next that it takes."""
    tokens = iter(["not.a.token", given["token"]])
    with Trial(line, AccessToken(lambda: next(tokens))) as trial:
        return trial.read_me().body["role"]


def machine(line: str, given: Given) -> Any:
    """A system with a secret, and with a wrong one."""
    with Trial(line, ClientSecret("his-nn", "sandbox-only")) as known:
        role = known.read_me().body["role"]
    guessed = ClientSecret("his-nn", "wrong")
    with Trial(line, guessed) as unknown, pytest.raises(TrialProblem) as refusal:
        unknown.read_me()
    return role, refusal.value.code


def downloaded(line: str, given: Given) -> Any:
    """A report as a file."""
    with calling(line, given) as trial, trial.read_consort_report_as_file("html") as report:
        return b"".join(report)[:9].decode().lower()


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        refused,
        repeated,
        unkeyed,
        impatient,
        patient,
        overtaken,
        listed,
        followed,
        renewed,
        interrupted,
        denied,
        machine,
        downloaded,
    )
}

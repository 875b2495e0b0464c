"""What the contract refuses, tried on purpose: each person meets one check of every kind.

A check sends what must not succeed and verifies the refusal; it leaves nothing
behind.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar
from uuid import uuid4

from services.api.demo.client import (
    Answer,
    Json,
    Unexpected,
    expect_refusal,
)
from services.api.demo.course import components
from services.api.demo.hospital import Hospital, Subject

Check = TypeVar("Check")

GUESSED_FOR = 60
"""Only the first people meet a wrong password: an account that guesses more has to wait."""


def _one(checks: Sequence[Check], subject: Subject) -> Check:
    """The check of this person: they take turns."""
    return checks[subject.person.index % len(checks)]


def _points_at(problem: Json, pointer: str) -> None:
    pointers = [error["pointer"] for error in problem.get("errors", [])]
    if pointer not in pointers:
        raise Unexpected(f"a problem pointed at {pointers}, not at {pointer}")


# --- before the investigator signs --------------------------------------------------------


def before_signature(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    """One refusal about a subject whose eligibility is recorded and not signed."""
    _one(_BEFORE_SIGNATURE, subject)(hospital, subject, recorded)


def _not_ready(hospital: Hospital, subject: Subject, _: Answer) -> None:
    path = f"{subject.path}/randomization"
    problem = hospital.randomizer.refused(409, "not_ready", "POST", path)
    missing = {error["code"] for error in problem.get("errors", [])}
    if missing != {"eligibility_not_signed", "no_radiotherapy_plan"}:
        raise Unexpected(f"POST {path}: not ready because of {sorted(missing)}")


def _wrong_password(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    if subject.person.index > GUESSED_FOR:
        return
    path = f"{subject.path}/eligibility/signature"
    body = _signature(recorded["evaluation_hash"], "not my password")
    hospital.investigator.refused(403, "reauthentication_failed", "POST", path, body)


def _clerk_signs(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    path = f"{subject.path}/eligibility/signature"
    body = _signature(recorded["evaluation_hash"], hospital.clerk.password)
    hospital.clerk.refused(403, "forbidden", "POST", path, body)


def _other_evaluation(hospital: Hospital, subject: Subject, _: Answer) -> None:
    path = f"{subject.path}/eligibility/signature"
    body = _signature("0" * 64, hospital.investigator.password)
    hospital.investigator.refused(409, "evaluation_changed", "POST", path, body)


def _signature(evaluation_hash: str, password: str) -> Json:
    meaning = "I confirm eligibility"
    return {"evaluation_hash": evaluation_hash, "meaning": meaning, "password": password}


def _no_if_match(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    path, body = f"{subject.path}/eligibility", {"facts": recorded["facts"]}
    hospital.clerk.refused(428, "if_match_missing", "PUT", path, body)


def _unknown_fact(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    path, body = f"{subject.path}/eligibility", {"facts": {"shoe_size": 42}}
    problem = hospital.clerk.refused(422, "invalid", "PUT", path, body, tag=recorded.tag)
    _points_at(problem, "/facts/shoe_size")


def _known_person(hospital: Hospital, subject: Subject, _: Answer) -> None:
    person = subject.person
    body = {
        "site": person.site,
        "sex": person.sex,
        "year_of_birth": person.year_of_birth,
        "national_id": person.national_id.lower(),
    }
    hospital.clerk.refused(409, "duplicate_subject", "POST", "/v1/subjects", body)


def _no_key(hospital: Hospital, subject: Subject, _: Answer) -> None:
    path = f"{subject.path}/randomization"
    hospital.randomizer.refused(400, "idempotency_key_missing", "POST", path, key="")


_BEFORE_SIGNATURE: tuple[Callable[[Hospital, Subject, Answer], None], ...] = (
    _not_ready,
    _wrong_password,
    _no_if_match,
    _known_person,
    _clerk_signs,
    _unknown_fact,
    _other_evaluation,
    _no_key,
)


# --- after randomization ---------------------------------------------------------------


def after_randomization(hospital: Hospital, subject: Subject) -> None:
    """One refusal about a subject who holds an allocation."""
    _one(_AFTER_RANDOMIZATION, subject)(hospital, subject)


def _second_allocation(hospital: Hospital, subject: Subject) -> None:
    path = f"{subject.path}/randomization"
    hospital.randomizer.refused(409, "already_randomized", "POST", path)


def _assessor_is_blind(hospital: Hospital, subject: Subject) -> None:
    path = f"{subject.path}/randomization"
    if "arm" in hospital.assessor.get(path).body:
        raise Unexpected(f"GET {path}: an assessor sees the arm")
    hospital.assessor.refused(403, "forbidden", "POST", path)


def _stranger_sees_nothing(hospital: Hospital, subject: Subject) -> None:
    hidden = hospital.stranger.refused(404, "not_found", "GET", subject.path)
    unknown = hospital.stranger.refused(404, "not_found", "GET", f"/v1/subjects/{uuid4()}")
    if {**hidden, "instance": ""} != {**unknown, "instance": ""}:
        raise Unexpected(f"GET {subject.path}: another site's record is not like an unknown one")


def _no_token(hospital: Hospital, subject: Subject) -> None:
    answer = hospital.clerk.http.get(subject.path)
    expect_refusal(answer, 401, "unauthorized")
    if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
        raise Unexpected(f"GET {subject.path}: a 401 without WWW-Authenticate: Bearer")
    hospital.clerk.counts["refusals"] += 1


def _closed_evaluation(hospital: Hospital, subject: Subject) -> None:
    path = f"{subject.path}/eligibility"
    body = {"facts": {}, "reason": "After the fact"}
    hospital.clerk.refused(409, "eligibility_closed", "PUT", path, body, tag='"1"')


def _unchanged(hospital: Hospital, subject: Subject) -> None:
    tag = hospital.clerk.get(subject.path).tag
    answer = hospital.clerk.send("GET", subject.path, headers={"If-None-Match": tag})
    if answer.status_code != 304 or answer.content:
        raise Unexpected(f"GET {subject.path}: If-None-Match got {answer.status_code}, not 304")


def _status_by_hand(hospital: Hospital, subject: Subject) -> None:
    tag = hospital.clerk.get(subject.path).tag
    body = {"status": "completed", "reason": "Too early"}
    hospital.clerk.refused(409, "move_not_allowed", "PATCH", subject.path, body, tag=tag)


_AFTER_RANDOMIZATION: tuple[Callable[[Hospital, Subject], None], ...] = (
    _second_allocation,
    _stranger_sees_nothing,
    _assessor_is_blind,
    _no_token,
    _closed_evaluation,
    _unchanged,
    _status_by_hand,
)


# --- at a visit -----------------------------------------------------------------------


def at_visit(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    """One refusal at the subject's first graded visit."""
    if len(subject.grades) == 1:
        _one(_AT_VISIT, subject)(hospital, subject, day, code)


def _grade_of_five(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    path, body = f"{subject.path}/visits/{code}/gradings", _grading(hospital, subject, day)
    problem = hospital.assessor.refused(422, "invalid", "POST", path, {**body, "grade": 5})
    _points_at(problem, "/grade")


def _graded_twice(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    path, body = f"{subject.path}/visits/{code}/gradings", _grading(hospital, subject, day)
    hospital.assessor.refused(409, "already_graded", "POST", path, body)


def _clerk_grades(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    path, body = f"{subject.path}/visits/{code}/gradings", _grading(hospital, subject, day)
    hospital.clerk.refused(403, "forbidden", "POST", path, body)


def _graded_at_screening(hospital: Hospital, subject: Subject, day: date, _: str) -> None:
    path = f"{subject.path}/visits/{subject.ungraded_visit}/gradings"
    body = _grading(hospital, subject, day)
    hospital.assessor.refused(409, "visit_not_graded", "POST", path, body)


def _tomorrow(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    path = f"{subject.path}/visits/{code}"
    body = {"date": str(day + timedelta(days=1)), "reason": "Not yet"}
    problem = hospital.assessor.refused(422, "invalid", "PUT", path, body, tag='"1"')
    _points_at(problem, "/date")


def _missed_after_all(hospital: Hospital, subject: Subject, _: date, code: str) -> None:
    path = f"{subject.path}/visits/{code}"
    body = {"missed_reason": "Was not here", "reason": "It was graded all the same"}
    hospital.assessor.refused(409, "visit_has_gradings", "PUT", path, body, tag='"1"')


_AT_VISIT: tuple[Callable[[Hospital, Subject, date, str], None], ...] = (
    _grade_of_five,
    _clerk_grades,
    _graded_twice,
    _tomorrow,
    _graded_at_screening,
    _missed_after_all,
)


def _grading(hospital: Hospital, subject: Subject, day: date) -> Json:
    seen = components(0, subject.chance("check"), hospital.trial.scale)
    return {"assessed_at": hospital.trial.moment(day, 8), "grade": 0, **seen}


# --- after a report of an adverse event --------------------------------------------------


def after_report(hospital: Hospital, subject: Subject, reported: Answer) -> None:
    """One refusal about an adverse event."""
    _one(_AFTER_REPORT, subject)(hospital, subject, reported)


def _unknown_term(hospital: Hospital, subject: Subject, reported: Answer) -> None:
    _refused_report(hospital, subject, reported, "/term", term="Common cold of the soul")


def _graded_instead(hospital: Hospital, subject: Subject, reported: Answer) -> None:
    for term in hospital.trial.protocol.adverse_events.graded_instead:
        changed = {"term": term, "grade": 3, "serious": False, "seriousness": []}
        _refused_report(hospital, subject, reported, "/term", **changed)


def _serious_without_criterion(hospital: Hospital, subject: Subject, reported: Answer) -> None:
    _refused_report(hospital, subject, reported, "/seriousness", serious=True, seriousness=[])


def _refused_report(
    hospital: Hospital, subject: Subject, reported: Answer, pointer: str, **changed: object
) -> None:
    body = {name: reported[name] for name in _REPORT} | changed
    path = f"{subject.path}/adverse-events"
    _points_at(hospital.clerk.refused(422, "invalid", "POST", path, body), pointer)


_REPORT = (
    "term",
    "grade",
    "onset_on",
    "aware_at",
    "serious",
    "seriousness",
    "causality",
    "action_taken",
    "outcome",
)


def _site_assesses(hospital: Hospital, _: Subject, reported: Answer) -> None:
    path = f"/v1/adverse-events/{reported['id']}"
    body = {"expectedness": "expected", "reason": "Looks expected"}
    hospital.clerk.refused(403, "not_yours_to_assess", "PATCH", path, body, tag=reported.tag)


_AFTER_REPORT: tuple[Callable[[Hospital, Subject, Answer], None], ...] = (
    _unknown_term,
    _graded_instead,
    _serious_without_criterion,
    _site_assesses,
)


# --- after the end -------------------------------------------------------------------------


def after_the_end(hospital: Hospital, subject: Subject, status: str) -> None:
    """A subject who has left the trial does not move on to another state."""
    tag = hospital.clerk.get(subject.path).tag
    body = {"status": status, "reason": "Once more"}
    hospital.clerk.refused(409, "move_not_allowed", "PATCH", subject.path, body, tag=tag)

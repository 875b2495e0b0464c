"""What happens to data once they are recorded: asked about, verified, frozen, locked.

The monitor asks and verifies, the site answers, the data manager freezes and
locks; a locked record refuses everybody, which is tried on purpose.
"""

from services.api.demo.client import NEW, Answer, Caller, Json
from services.api.demo.hospital import Hospital, Subject

VERIFIED_EVERY = 3
"""One grading in so many is compared with its source: monitoring is by risk, not of everything."""


def discuss(monitor: Caller, hospital: Hospital, subject: Subject, visit: str) -> None:
    """A query about the date of a visit: the monitor asks, the coordinator answers, it is closed.

    On the way the monitor may not answer, nor the coordinator close.
    """
    asked = monitor.post(
        "/v1/queries",
        {
            "subject_id": subject.id,
            "record": "visit",
            "record_id": visit,
            "field": "date",
            "text": "The appointment book has another day; please check the date.",
        },
    ).holds(status="open", site=hospital.site, origin="person")
    path = f"/v1/queries/{asked['id']}"
    answer = _step("answer", "Checked against the source record: the date is right.")
    close = _step("close", "Agreed.")
    monitor.refused(403, "site_answers", "PATCH", path, answer, tag=asked.tag)
    hospital.coordinator.refused(403, "not_the_opener", "PATCH", path, close, tag=asked.tag)
    answered = hospital.coordinator.patch(path, answer, asked.tag).holds(status="answered")
    closed = monitor.patch(path, close, answered.tag).holds(status="closed", version=3)
    hospital.coordinator.refused(
        409, "query_move_not_allowed", "PATCH", path, answer, tag=closed.tag
    )


def _step(action: str, text: str) -> Json:
    return {"action": action, "text": text}


def verify(monitor: Caller, hospital: Hospital) -> int:
    """Compare every third grading of a hospital with its source; answers how many that were."""
    waiting = list(monitor.pages("/v1/verifications", site=hospital.site, state="missing"))
    chosen = waiting[::VERIFIED_EVERY]
    for grading in chosen:
        path = f"/v1/gradings/{grading['grading_id']}/verifications"
        body = {"version": grading["current"], "note": "Agrees with the grading sheet"}
        monitor.post(path, body).holds(version=grading["current"])
    for grading in chosen[:1]:
        path = f"/v1/gradings/{grading['grading_id']}/verifications"
        monitor.refused(409, "already_verified", "POST", path, {"version": grading["current"]})
    return len(chosen)


def settle(reviewer: Caller, hospital: Hospital, subject: Subject) -> int:
    """Have every query about a subject answered and closed; answers how many there were.

    What the service noticed by itself is asked until someone at the site answers it.
    """
    left = [
        query
        for status in ("open", "answered")
        for query in reviewer.pages("/v1/queries", subject_id=subject.id, status=status)
    ]
    for query in left:
        path = f"/v1/queries/{query['id']}"
        found = reviewer.get(path)
        if query["status"] == "open":
            answer = _step("answer", "Checked against the source record.")
            found = hospital.coordinator.patch(path, answer, found.tag)
        reviewer.patch(path, _step("close", "Agreed."), found.tag).holds(status="closed")
    return len(left)


def lock(manager: Caller, hospital: Hospital, subject: Subject) -> Answer:
    """Freeze and lock the record of a subject who has completed; every query is closed first.

    A frozen record refuses the site, a locked one everybody; both are tried.
    """
    path = f"{subject.path}/lock"
    frozen = manager.put(path, _state("frozen"), manager.get(path).tag).holds(state="frozen")
    _refused(hospital, subject, "record_frozen")
    settle(manager, hospital, subject)
    locked = manager.put(path, _state("locked"), frozen.tag).holds(state="locked")
    _refused(hospital, subject, "record_locked")
    body = {
        "subject_id": subject.id,
        "record": "subject",
        "field": "sex",
        "text": "Asked too late: the record is locked.",
    }
    manager.refused(409, "record_locked", "POST", "/v1/queries", body)
    return locked


def unlock(manager: Caller, subject: Subject) -> Answer:
    """Open a locked record again, which needs a reason."""
    path = f"{subject.path}/lock"
    found = manager.get(path)
    manager.refused(422, "invalid", "PUT", path, {"state": "open"}, tag=found.tag)
    manager.refused(412, "stale_version", "PUT", path, _state("open"), tag=NEW)
    return manager.put(path, _state("open"), found.tag).holds(state="open")


def _state(state: str) -> Json:
    return {"state": state, "reason": f"Data review: the record is now {state}"}


def _refused(hospital: Hospital, subject: Subject, code: str) -> None:
    """The site cannot correct the subject any more."""
    tag = hospital.coordinator.get(subject.path).tag
    body = {"sex": subject.person.sex, "reason": "After the review"}
    hospital.coordinator.refused(409, code, "PATCH", subject.path, body, tag=tag)

"""What is asked about the data in a play, and how they are closed."""

from services.api.core.permissions import Role
from services.api.demo.client import Answer, Json
from services.api.scenarios.hospital import Hospital, Subject
from services.api.scenarios.play import Play

VERIFIED_EVERY = 3


def ask(subject: Subject, visit: str) -> Answer:
    """The monitor asks about the date of a visit."""
    body = {
        "subject_id": subject.id,
        "record": "visit",
        "record_id": visit,
        "field": "date",
        "text": "The appointment book has another day; please check the date.",
    }
    return subject.hospital.monitor.post("/v1/queries", body)


def answer(subject: Subject, query: Answer | Json) -> None:
    """The coordinator answers a query."""
    _move(subject.hospital, query, "answer", "Checked against the source record.")


def close(subject: Subject, query: Answer) -> None:
    """The monitor is content with the answer."""
    path = f"/v1/queries/{query['id']}"
    monitor = subject.hospital.monitor
    monitor.patch(path, {"action": "close", "text": "Agreed."}, monitor.get(path).tag)


def _move(hospital: Hospital, query: Answer | Json, action: str, text: str) -> None:
    path = f"/v1/queries/{query['id']}"
    clerk = hospital.coordinator
    clerk.patch(path, {"action": action, "text": text}, clerk.get(path).tag)


def settle(subject: Subject) -> None:
    """Answer and close every query about a subject, also what the service noticed by itself."""
    manager = subject.play.account(Role.DATA_MANAGER)
    for status in ("open", "answered"):
        for query in list(manager.pages("/v1/queries", subject_id=subject.id, status=status)):
            path = f"/v1/queries/{query['id']}"
            if status == "open":
                answer(subject, query)
            manager.patch(path, {"action": "close", "text": "Agreed."}, manager.get(path).tag)


def verify(hospital: Hospital) -> None:
    """Compare every third grading with its source: monitoring is by risk, not of everything."""
    waiting = list(hospital.monitor.pages("/v1/verifications", site=hospital.site, state="missing"))
    for grading in waiting[::VERIFIED_EVERY]:
        path = f"/v1/gradings/{grading['grading_id']}/verifications"
        body = {"version": grading["current"], "note": "Agrees with the grading sheet"}
        hospital.monitor.post(path, body)


def lock(subject: Subject) -> None:
    """Freeze and lock a record whose queries are closed."""
    _close_record(subject.play, f"{subject.path}/lock")


def lock_trial(play: Play) -> None:
    """Freeze and lock the trial: the database is closed for the analysis."""
    _close_record(play, "/v1/study/lock")


def _close_record(play: Play, path: str) -> None:
    manager = play.account(Role.DATA_MANAGER)
    for state in ("frozen", "locked"):
        body = {"state": state, "reason": f"Data review: the record is now {state}"}
        manager.put(path, body, manager.get(path).tag).holds(state=state)

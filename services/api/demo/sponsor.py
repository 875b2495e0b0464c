"""The sponsor's safety officer: acknowledges serious events, assesses them, reports reactions."""

import time
from datetime import date

from services.api.demo.client import Answer, Caller, Json, Unexpected
from services.api.demo.hospital import Hospital, Subject

AUTHORITIES = ("regulator", "ethics_committee")
EXPECTED = "1.0"
"""The version of the reference safety information that the demo publishes."""
PATIENCE = 60
"""Seconds to wait for the worker, who looks at the clocks every few seconds."""


def publish_reference(officer: Caller, effective_on: date) -> None:
    """Publish what is expected of the study drug, unless that was done before."""
    path = "/v1/safety/reference-documents"
    if any(known["version"] == EXPECTED for known in officer.pages(path)):
        return
    body: Json = {
        "version": EXPECTED,
        "title": "Investigator's brochure, section 6",
        "effective_on": str(effective_on),
        "expected": [{"term": "Dysgeusia", "max_grade": 2}, {"term": "Dry mouth", "max_grade": 1}],
    }
    officer.post(path, body).holds(**body)


def receive(hospital: Hospital, day: date, event: Answer) -> None:
    """Acknowledge a serious event on the day on which the site reports it."""
    path = f"/v1/adverse-events/{event['id']}/submissions"
    too_early: Json = {
        "recipient": "sponsor",
        "kind": "initial",
        "submitted_at": hospital.trial.moment(day, 0),
        "receipt": "Before the site knew of it",
    }
    problem = hospital.officer.refused(422, "invalid", "POST", path, too_early)
    if problem["errors"][0]["code"] != "before_awareness":
        raise Unexpected(f"POST {path}: {problem['errors']}")
    sent = too_early | {
        "submitted_at": hospital.trial.moment(day, 17),
        "receipt": "Acknowledged by the safety desk",
    }
    hospital.officer.post(path, sent).holds(**sent)
    of_sponsor = _deadlines(hospital.officer, event, "sponsor")
    if [(one["state"], one["late"]) for one in of_sponsor] != [("met", False)]:
        raise Unexpected(f"the site told the sponsor in time, and the clock says {of_sponsor}")


def assess(hospital: Hospital, event: Answer) -> Answer:
    """Judge a reaction: related, and not in the reference safety information."""
    path = f"/v1/adverse-events/{event['id']}"
    officer = hospital.officer
    as_expected = {"expectedness": "expected", "reason": "Assessment"}
    officer.refused(422, "invalid", "PATCH", path, as_expected, tag=event.tag)
    body = {"sponsor_causality": "probably", "expectedness": "unexpected"}
    assessed = officer.patch(path, {**body, "reason": "Assessment"}, event.tag)
    assessed.holds(**body, susar=True)
    for recipient in AUTHORITIES:
        if {one["provisional"] for one in _deadlines(officer, event, recipient)} != {False}:
            raise Unexpected(f"{path}: the clocks to the {recipient} are provisional")
    return assessed


def send(
    hospital: Hospital, _: Subject, day: date, event: Answer, kind: str, *, missed: bool = False
) -> None:
    """Send the case report to the authorities and keep their receipts."""
    path = f"/v1/adverse-events/{event['id']}"
    if missed:
        _everybody_knows(hospital, event)
    xml = hospital.officer.download(f"{path}/case-report", "application/xml")
    if b"MCCI_IN200100UV01" not in xml:
        raise Unexpected(f"GET {path}/case-report: no E2B(R3) message")
    for recipient in AUTHORITIES:
        body: Json = {
            "recipient": recipient,
            "kind": kind,
            "submitted_at": hospital.trial.moment(day, 17),
            "receipt": f"{kind} received under no. {day:%y%m%d}",
        }
        hospital.officer.post(f"{path}/submissions", body).holds(**body)
        for one in _deadlines(hospital.officer, event, recipient):
            if one["follow_up"] == (kind == "follow_up"):
                state = (one["state"], one["late"])
                if state not in {("met", missed), ("lapsed", False)}:
                    raise Unexpected(f"{path}: sent to the {recipient}, and the clock says {one}")
    hospital.counts["submissions"] += len(AUTHORITIES)


def _deadlines(reader: Caller, event: Answer, recipient: str) -> list[Json]:
    return list(reader.pages("/v1/safety/deadlines", case_id=event["case_id"], recipient=recipient))


def _everybody_knows(hospital: Hospital, event: Answer) -> None:
    """The deadline is overdue, and all who have to know hear of it; another hospital does not."""
    overdue = [
        one["id"]
        for recipient in AUTHORITIES
        for one in _deadlines(hospital.officer, event, recipient)
        if one["state"] == "overdue"
    ]
    if len(overdue) != len(AUTHORITIES):
        raise Unexpected(f"{event.asked}: {len(overdue)} deadlines are overdue")
    for reader in (hospital.officer, hospital.investigator, hospital.clerk):
        _hears(reader, set(overdue))
    if set(overdue) & _missed(hospital.stranger):
        raise Unexpected("GET /v1/events: another hospital hears of a missed deadline")
    hospital.counts["missed deadlines"] += len(overdue)


def _hears(reader: Caller, overdue: set[str]) -> None:
    until = time.monotonic() + PATIENCE
    while not overdue <= _missed(reader):
        if time.monotonic() > until:
            raise Unexpected(f"GET /v1/events: {reader.account} hears of no missed deadline")
        time.sleep(1)


def _missed(reader: Caller) -> set[str]:
    events = reader.feed("/v1/events", type="deadline.missed")
    return {event["record"]["id"] for event in events}

"""Adverse events as a hospital reports and follows them up."""

from datetime import date, timedelta
from functools import partial

from services.api.demo import checks, signing, sponsor
from services.api.demo.client import Answer, Json
from services.api.demo.events import Event, events
from services.api.demo.hospital import Hospital, Subject

CUT = 0.03
"""How often the answer to a report is lost on the way."""


def plan_events(hospital: Hospital, subject: Subject, first_on: date) -> None:
    """Note when each of the subject's events is reported."""
    for event in events(subject.chance("adverse events")):
        onset_on = first_on + timedelta(days=event.onset)
        reported_on = onset_on + timedelta(days=event.reported_after)
        hospital.note(reported_on, subject, partial(report, event=event, onset_on=onset_on))


def report(hospital: Hospital, subject: Subject, day: date, event: Event, onset_on: date) -> None:
    """Report an event, and note its follow-up."""
    aware_on = onset_on + timedelta(days=event.aware_after)
    treated = hospital.trial.receives_drug(str(subject.arm))
    interrupted = treated and event.serious
    body: Json = {
        "term": event.term,
        "grade": event.grade,
        "onset_on": str(onset_on),
        "aware_at": hospital.trial.moment(aware_on, 10),
        "serious": event.serious,
        "seriousness": ["hospitalisation"] if event.serious else [],
        "causality": {
            "study_drug": "unlikely" if treated else "not_related",
            "radiotherapy": event.radiotherapy,
        },
        "action_taken": _action(treated=treated, interrupted=interrupted),
        "outcome": "not_recovered",
    }
    if event.serious:
        body["narrative"] = f"Admitted for {event.term.lower()} of grade {event.grade}."
    reported = _send(hospital, subject, body, str(onset_on))
    checks.after_report(hospital, subject, reported)
    if event.serious:
        sponsor.receive(hospital, aware_on, reported)
        signing.review(hospital.investigator, reported)
    if event.recovers:
        resolved_on = onset_on + timedelta(days=event.days)
        task = partial(follow_up, reported=reported, resolved_on=resolved_on)
        hospital.note(max(resolved_on, day + timedelta(days=1)), subject, task)


def _action(*, treated: bool, interrupted: bool) -> str:
    if not treated:
        return "not_applicable"
    return "interrupted" if interrupted else "none"


def _send(hospital: Hospital, subject: Subject, body: Json, question: str) -> Answer:
    path = f"{subject.path}/adverse-events"
    chance = subject.chance(f"cut report of {body['term']} on {question}")
    if chance.happens(CUT):
        unread = chance.happens(0.5)
        reported = hospital.clerk.post_through_a_cut(path, body, unread=unread)
    else:
        reported = hospital.clerk.post(path, body)
    reported.has("meddra_code", "ctcae_version", "resolved_on")
    assessed = {"sponsor_causality": None, "expectedness": None}
    known = {"subject_id": subject.id, "site": hospital.site, "version": 1}
    return reported.holds(**body, **assessed, **known)


def follow_up(
    hospital: Hospital, subject: Subject, _: date, reported: Answer, resolved_on: date
) -> None:
    """The event is over."""
    path = f"/v1/adverse-events/{reported['id']}"
    resolved = {"resolved_on": str(resolved_on), "outcome": "recovered"}
    body = {**resolved, "reason": "Follow-up: resolved"}
    followed = hospital.clerk.patch(path, body, reported.tag)
    followed.holds(**resolved, version=2, subject_id=subject.id)
    if reported["serious"]:
        signing.voided(followed)
        signing.review(hospital.investigator, followed)


def report_death(hospital: Hospital, subject: Subject, day: date) -> None:
    """A death of pneumonia, which radiotherapy may have favoured."""
    body: Json = {
        "term": "Lung infection",
        "grade": 5,
        "onset_on": str(day - timedelta(days=3)),
        "aware_at": hospital.trial.moment(day, 9),
        "serious": True,
        "seriousness": ["hospitalisation", "death"],
        "causality": {"study_drug": "not_related", "radiotherapy": "possibly"},
        "action_taken": "not_applicable",
        "outcome": "fatal",
        "narrative": "Pneumonia with respiratory failure; died on the ward.",
    }
    sponsor.receive(hospital, day, _send(hospital, subject, body, str(day)))

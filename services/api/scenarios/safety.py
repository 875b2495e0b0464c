"""Adverse events in a play, from the site's report to the sponsor's."""

from datetime import timedelta

from services.api.core.permissions import Role
from services.api.demo.client import Answer, Json
from services.api.demo.events import KINDS
from services.api.scenarios.hospital import Subject
from services.api.scenarios.play import Play

REFERENCE = "1.0"
SIGNED = "I have reviewed the adverse event"


def publish_reference(play: Play) -> None:
    """Publish what is expected of the study drug."""
    body: Json = {
        "version": REFERENCE,
        "title": "Investigator's brochure, section 6",
        "effective_on": str(play.today),
        "expected": [{"term": "Dysgeusia", "max_grade": 2}, {"term": "Dry mouth", "max_grade": 1}],
    }
    play.account(Role.SAFETY_OFFICER).post("/v1/safety/reference-documents", body)


def report(subject: Subject, term: str, *, onset_days_ago: int = 1) -> Answer:
    """Report an event that radiotherapy usually brings, of grade 1 or 2."""
    kind, play = KINDS[term], subject.play
    grade = min(kind.grades)
    body: Json = {
        "term": term,
        "grade": grade,
        "onset_on": str(play.today - timedelta(days=onset_days_ago)),
        "aware_at": play.moment(),
        "serious": False,
        "seriousness": [],
        "causality": {
            "study_drug": "unlikely" if subject.treated else "not_related",
            "radiotherapy": kind.radiotherapy,
        },
        "action_taken": "none" if subject.treated else "not_applicable",
        "outcome": "not_recovered",
    }
    return subject.hospital.coordinator.post(f"{subject.path}/adverse-events", body)


def recover(subject: Subject, event: Answer) -> None:
    """The event is over."""
    coordinator, path = subject.hospital.coordinator, f"/v1/adverse-events/{event['id']}"
    body = {
        "resolved_on": str(subject.play.today),
        "outcome": "recovered",
        "reason": "Follow-up: resolved",
    }
    coordinator.patch(path, body, coordinator.get(path).tag)


def report_serious(
    subject: Subject, term: str, grade: int, criterion: str, **told: object
) -> Answer:
    """Report a serious event; the investigator signs it and the sponsor acknowledges it."""
    play, investigator = subject.play, subject.hospital.investigator
    body: Json = {
        "term": term,
        "grade": grade,
        "onset_on": str(play.today),
        "aware_at": play.moment(),
        "serious": True,
        "seriousness": [criterion],
        "causality": {"study_drug": "not_related", "radiotherapy": "possibly"},
        "action_taken": "none" if subject.treated else "not_applicable",
        "outcome": "recovering",
        "narrative": f"{term} of grade {grade}; admitted and treated at once.",
        **told,
    }
    event = investigator.post(f"{subject.path}/adverse-events", body)
    _review(subject, event)
    submit(play, event, "sponsor")
    return event


def report_reaction(subject: Subject) -> Answer:
    """A life-threatening reaction that nobody expected: seven days for the authorities.

    The sponsor finds it related, and tells the ethics committee at once.
    """
    event = report_serious(
        subject,
        "Anaphylaxis",
        4,
        "life_threatening",
        causality={"study_drug": "possibly", "radiotherapy": "unlikely"},
        action_taken="interrupted",
        narrative="Anaphylaxis two hours after the evening's spray; treated at once.",
    )
    officer, path = subject.play.account(Role.SAFETY_OFFICER), f"/v1/adverse-events/{event['id']}"
    assessed = officer.patch(
        path,
        {"sponsor_causality": "probably", "expectedness": "unexpected", "reason": "Assessment"},
        officer.get(path).tag,
    ).holds(susar=True)
    _review(subject, assessed)
    submit(subject.play, event, "ethics_committee")
    return event


def report_death(subject: Subject) -> None:
    """A death of pneumonia, which radiotherapy may have favoured."""
    report_serious(
        subject,
        "Lung infection",
        5,
        "death",
        action_taken="not_applicable",
        outcome="fatal",
        narrative="Pneumonia with respiratory failure; died on the ward.",
    )


def submit(play: Play, event: Answer, recipient: str, kind: str = "initial") -> None:
    """Keep the receipt of a report that was sent."""
    body = {
        "recipient": recipient,
        "kind": kind,
        "submitted_at": play.moment(),
        "receipt": f"Received under no. {play.today:%y%m%d}",
    }
    officer = play.account(Role.SAFETY_OFFICER)
    officer.post(f"/v1/adverse-events/{event['id']}/submissions", body)


def _review(subject: Subject, event: Answer) -> None:
    investigator, path = subject.hospital.investigator, f"/v1/adverse-events/{event['id']}"
    read = investigator.get(path)
    body = {
        "content_hash": read["content_hash"],
        "meaning": SIGNED,
        "password": investigator.password,
    }
    investigator.post(f"{path}/signature", body)

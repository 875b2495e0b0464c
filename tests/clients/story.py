"""The life of a subject, told with the Python client."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from services.api.sandbox.service import PASSWORD
from tests.facts import eligible_facts
from trial_client import NEW, Password, Retries, Trial
from trial_client.models import AdverseEventRead, GradingRead, RandomizationRead

PROMPT = Retries(pause=0.01, longest=0.02)


def at(address: str, account: str) -> Trial:
    """The client of a demo account."""
    return Trial(address, Password(account, PASSWORD), retries=PROMPT)


def until_randomized(trial: Trial, today: date) -> tuple[str, RandomizationRead]:
    """A subject from screening to allocation, with the first fraction in ten days."""
    born = today.year - 52
    subject = trial.create_subject({"site": "NN", "year_of_birth": born, "sex": "female"}).body
    who = subject["id"]
    trial.record_consent(who, {"version": "1.0", "signed_on": str(today)})
    facts: dict[str, Any] = {**eligible_facts(today), "age_at_consent": 52}
    evaluation = trial.record_eligibility(who, {"facts": facts}, if_match=NEW).body
    assert evaluation["overall"] == "eligible"
    trial.sign_eligibility(
        who,
        {
            "evaluation_hash": evaluation["evaluation_hash"] or "",
            "meaning": "I confirm eligibility",
            "password": PASSWORD,
        },
    )
    trial.record_radiotherapy(
        who,
        {
            "planned_dose_gy": 66,
            "planned_fractions": 33,
            "planned_start": str(today + timedelta(days=10)),
            "concurrent_chemotherapy": True,
        },
        if_match=NEW,
    )
    return who, trial.randomize(who).body


def until_graded(trial: Trial, assessor: Trial, who: str, today: date) -> GradingRead:
    """The first fraction, and the day after it the first visit with its grading."""
    plan = trial.read_radiotherapy(who)
    trial.record_radiotherapy(
        who,
        {
            "planned_dose_gy": 66,
            "planned_fractions": 33,
            "planned_start": str(today - timedelta(days=1)),
            "concurrent_chemotherapy": True,
            "first_fraction_on": str(today - timedelta(days=1)),
            "reason": "First fraction delivered",
        },
        if_match=plan.etag,
    )
    due = [
        visit["code"] for visit in trial.list_visits(who).body["items"] if visit["status"] == "due"
    ]
    assert "RT1A" in due
    assessor.record_visit(who, "RT1A", {"date": str(today)}, if_match=NEW)
    return assessor.create_grading(
        who,
        "RT1A",
        {
            "assessed_at": f"{today}T01:30:00Z",
            "grade": 1,
            "mucosal_appearance": "erythema",
            "ulceration": False,
            "pain_score": 2,
            "analgesic": "none",
            "diet": "solid",
        },
    ).body


def reported(trial: Trial, who: str, today: date) -> AdverseEventRead:
    """A serious adverse event of that day."""
    return trial.report_adverse_event(
        who,
        {
            "term": "Nausea",
            "grade": 3,
            "onset_on": str(today),
            "aware_at": f"{today}T01:45:00Z",
            "serious": True,
            "seriousness": ["hospitalisation"],
            "causality": {"study_drug": "unlikely", "radiotherapy": "possibly"},
            "action_taken": "none",
            "outcome": "recovering",
        },
    ).body


def told(address: str, today: date, move_to: Callable[[date], None]) -> list[str]:
    """The whole story; the types of what the feed tells of it."""
    with at(address, "investigator-nn") as trial, at(address, "assessor-nn") as assessor:
        who, allocation = until_randomized(trial, today)
        assert allocation["arm"] in {"experimental", "control"}
        later = today + timedelta(days=11)
        move_to(later)
        graded = until_graded(trial, assessor, who, later)
        assert graded["derived"]["protocol"] == 1
        event = reported(trial, who, later)
        assert event["meddra_code"]
        return [one["type"] for one in trial.feed(pause=None) if one["subject_id"] == who]

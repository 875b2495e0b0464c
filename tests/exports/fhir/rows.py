"""Rows as an extract reads them, of what seldom happens."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from services.api.exports.extract import EVERYTHING, Part, SubjectRecord, User
from services.api.exports.fhir.elements import Names
from services.api.exports.fhir.people import People
from tests.first_trial import FIRST_TRIAL

SUBJECT, ASSESSOR, INVESTIGATOR = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
DAY = date(2026, 3, 2)

PROTOCOL = FIRST_TRIAL.protocol
NAMES = Names(PROTOCOL.study.nct_id)


def people() -> People:
    """An assessor and an investigator, both in Nanning."""
    users = [
        User(ASSESSOR, "assessor", ("NN",), machine=False),
        User(INVESTIGATOR, "investigator", ("NN",), machine=False),
    ]
    return People(NAMES, {user.id: user for user in users})


def row(**columns: Any) -> Any:
    """A row about the subject."""
    common = {"site": "NN", "subject_id": SUBJECT, "recorded_by": INVESTIGATOR, "recorded_at": AT}
    return SimpleNamespace(**common | columns)


def subject(**columns: Any) -> Any:
    """The subject's own row."""
    found = {
        "id": SUBJECT,
        "number": "NN-0001",
        "year_of_birth": 1974,
        "sex": "female",
        "status": "screening",
        "left_on": None,
        "died_on": None,
        "version": 1,
        "created_at": AT,
    }
    return row(**found | columns)


def record(own: Any = None, parts: dict[Part, list[Any]] | None = None) -> SubjectRecord:
    """A subject with these rows, and none in every other part."""
    rows = {part: tuple((parts or {}).get(part, ())) for part in EVERYTHING}
    return SubjectRecord(own or subject(), rows)


def grading(number: int = 10, **columns: Any) -> Any:
    """A grading, in its first version."""
    found = {
        "id": UUID(int=number),
        "version": 1,
        "visit": "RT1A",
        "assessor": ASSESSOR,
        "assessed_at": AT,
        "assessed_on": DAY,
        "grade": 2,
        "mucosal_appearance": "patchy",
        "ulceration": False,
        "pain_score": 4,
        "analgesic": "none",
        "diet": "soft",
        "derived_protocol": 2,
        "derived_who": 1,
        "derived_rtog": None,
    }
    return row(**found | columns)


def event(**columns: Any) -> Any:
    """An adverse event, in its first version."""
    found = {
        "id": UUID(int=20),
        "version": 1,
        "first_id": None,
        "continues": None,
        "nullified": None,
        "term": "Nausea",
        "meddra_code": "10028813",
        "meddra_version": "20.1",
        "term_detail": None,
        "ctcae_version": "5.0",
        "grade": 3,
        "onset_on": DAY,
        "resolved_on": None,
        "aware_at": AT,
        "serious": True,
        "seriousness": ["hospitalisation", "disability"],
        "causality_study_drug": "not_related",
        "causality_radiotherapy": "possibly",
        "sponsor_causality": None,
        "expectedness": None,
        "action_taken": "none",
        "outcome": "recovering",
    }
    return row(**found | columns)


def course(**columns: Any) -> Any:
    """Radiotherapy that is planned."""
    found = {
        "version": 1,
        "planned_dose_gy": 66.0,
        "planned_fractions": 33,
        "planned_start": DAY,
        "concurrent_chemotherapy": True,
        "first_fraction_on": None,
        "last_fraction_on": None,
        "delivered_dose_gy": None,
        "delivered_fractions": None,
    }
    return row(**found | columns)

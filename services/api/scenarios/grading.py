"""Visits and gradings in a play: attended, missed, graded twice, adjudicated, corrected."""

from services.api.demo.client import Answer, Json
from services.api.demo.course import components
from services.api.scenarios.hospital import Subject
from services.api.scenarios.play import TimedCaller


def attend(subject: Subject, code: str) -> Answer:
    """The subject comes and is graded; answers the grading."""
    subject.attended.append(code)
    today = str(subject.play.today)
    subject.hospital.assessor.put(f"{subject.path}/visits/{code}", {"date": today})
    return _grade(subject, code, subject.hospital.assessor, true_grade(subject))


def miss(subject: Subject, code: str) -> None:
    """The subject does not come."""
    subject.attended.append(code)
    body = {"missed_reason": "Did not come and could not be reached"}
    subject.hospital.assessor.put(f"{subject.path}/visits/{code}", body)


def true_grade(subject: Subject) -> int:
    """What there is to see today."""
    if subject.first_on is None:
        return 0
    return subject.course.grade((subject.play.today - subject.first_on).days)


def grade_again(subject: Subject, code: str, *, differing: bool) -> Answer:
    """A second assessor grades the visit, the same or another grade."""
    grade = true_grade(subject)
    if differing:
        highest = subject.play.trial.protocol.grading.maximum
        grade = grade + 1 if grade < highest else grade - 1
    return _grade(subject, code, subject.hospital.second_assessor, grade)


def decide(subject: Subject) -> None:
    """The investigator decides what two assessors saw differently."""
    investigator = subject.hospital.investigator
    listed: Json = {"subject_id": subject.id, "status": "open"}
    for opened in investigator.get("/v1/adjudications", **listed)["items"]:
        path = f"/v1/adjudications/{opened['id']}"
        body = {"grade": true_grade(subject), "reason": "Looked at the photograph of the visit"}
        investigator.patch(path, body, investigator.get(path).tag).holds(status="decided")


def correct(subject: Subject, grading: Answer) -> None:
    """The assessor corrects a pain score; both versions stay readable."""
    score = grading["pain_score"]
    body = {
        "pain_score": score - 1 if score else score + 1,
        "reason": "Slip of the pen: another score stands on the grading sheet",
    }
    path = f"/v1/gradings/{grading['id']}"
    subject.hospital.assessor.patch(path, body, grading.tag).holds(version=2)


def _grade(subject: Subject, code: str, assessor: TimedCaller, grade: int) -> Answer:
    chance = subject.chance(f"grading {code} {assessor.account}")
    seen = components(grade, chance, subject.play.trial.scale)
    body = {"assessed_at": subject.play.moment(), "grade": grade, **seen}
    return assessor.post(f"{subject.path}/visits/{code}/gradings", body)

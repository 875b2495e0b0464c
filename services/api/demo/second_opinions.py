"""Second gradings by another assessor, and the investigator's decision where the two differ."""

from datetime import date

from services.api.demo.chance import Chance
from services.api.demo.client import Answer, Json
from services.api.demo.course import components
from services.api.demo.hospital import Hospital, Subject

ASKED = 0.06
"""How many graded visits a second assessor grades too."""
DIFFERS = 0.3
"""How many of those who see a changed mucosa conclude another grade than the first assessor."""
HOUR = 17
"""Local; the first assessor has graded before."""


def ask(hospital: Hospital, subject: Subject, day: date, first: Answer, true: int) -> None:
    """Now and then a second assessor grades the visit, without seeing the first grading.

    `true` is the grade there is to see; whoever concludes another one sees what
    goes with it. Where the two entered grades differ the investigator decides,
    and that grade counts for the subject.
    """
    code = first["visit"]
    chance = subject.chance(f"second opinion {code}")
    if not chance.happens(ASKED):
        return
    path = f"{subject.path}/visits/{code}/gradings"
    _learns_nothing(hospital, path, first)
    mistaken = first["grade"] != true  # and corrected later: one disagreement is enough
    differs = true > 0 and not mistaken and chance.happens(DIFFERS)
    grade = _other(true, chance, hospital) if differs else true
    seen = {
        "assessed_at": hospital.trial.moment(day, HOUR, chance.randint(0, 59)),
        "grade": grade,
        **components(grade, chance, hospital.trial.scale),
    }
    hospital.investigator.refused(409, "second_grading_by_assessor", "POST", path, seen)
    second = hospital.second_assessor.post(path, seen).holds(**seen, visit=code, flags=[])
    both = hospital.assessor.get(path)["items"]
    first.holds(**both[0])
    second.holds(**both[1])
    hospital.assessor.counts["second gradings"] += 1
    if grade != first["grade"]:
        decided = chance.choice([true, grade])
        _decide(hospital, subject, code, decided)
        subject.grades[first["id"]] = (day, decided)


def _other(true: int, chance: Chance, hospital: Hospital) -> int:
    """A neighbouring grade, above the lowest so that it is plausible at every visit."""
    highest = hospital.trial.protocol.grading.maximum
    return chance.choice([grade for grade in (true - 1, true + 1) if 0 < grade <= highest])


def _learns_nothing(hospital: Hospital, path: str, first: Answer) -> None:
    """Before grading, the second assessor is not shown the first grading."""
    hospital.second_assessor.get(path).holds(items=[], next_cursor=None)
    hospital.second_assessor.refused(404, "not_found", "GET", f"/v1/gradings/{first['id']}")


def _decide(hospital: Hospital, subject: Subject, code: str, grade: int) -> None:
    """The investigator adjudicates; the gradings stay as they are."""
    listed: Json = {"subject_id": subject.id, "status": "open"}
    [opened] = hospital.investigator.get("/v1/adjudications", **listed)["items"]
    path = f"/v1/adjudications/{opened['id']}"
    found = hospital.investigator.get(path).holds(visit=code, grade=None, version=1)
    body: Json = {"grade": grade, "reason": "Looked at the photograph of the visit"}
    hospital.investigator.patch(path, body, found.tag).holds(**body, status="decided", version=2)
    hospital.investigator.get("/v1/adjudications", **listed).holds(items=[])
    hospital.assessor.counts["adjudications"] += 1

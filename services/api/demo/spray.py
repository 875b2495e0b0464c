"""The study drug: who takes it day by day, who stops it, and who leaves the study."""

from datetime import date, timedelta

from services.api.demo.chance import Chance, working_day
from services.api.demo.client import Json, Unexpected
from services.api.demo.hospital import Hospital, Subject
from services.api.demo.person import Leaving

TOLD = 0.15
"""The share of the treated whose days are entered; all of them would be thousands of requests."""
FORGOTTEN = 0.08
"""How often an application of a day is left out."""
STOPS = 0.06
"""How many of the treated give the study drug up; their follow-up goes on."""
DAY = timedelta(days=1)

WHY_LEFT = {
    Leaving.WITHDRAWN: ("consent_withdrawn", "Does not want to come any more"),
    Leaving.LOST_TO_FOLLOW_UP: ("lost_to_follow_up", "Three calls and a letter unanswered"),
    Leaving.DIED: ("death", "Death certificate received"),
}


def begin(hospital: Hospital, subject: Subject, day: date) -> None:
    """After randomization: whoever receives no study drug has none to record."""
    if not hospital.trial.receives_drug(str(subject.arm)):
        body = {"day": str(day), "applications": 1, "missed_reason": "Entered for another subject"}
        hospital.coordinator.refused(
            409, "no_study_drug", "POST", f"{subject.path}/exposures", body
        )
        return
    chance = subject.chance("study drug")
    if chance.happens(STOPS):
        on = working_day(subject.planned_start + timedelta(days=chance.randint(12, 35)))
        hospital.note(on, subject, stop)


def record(hospital: Hospital, subject: Subject, day: date) -> None:
    """At a visit the subject tells what they took on the days before it."""
    told = subject.chance("diary").happens(TOLD)
    if not told or not hospital.trial.receives_drug(str(subject.arm)):
        return
    treatment = hospital.trial.protocol.treatment
    start = subject.first_on or subject.planned_start
    first = start - timedelta(days=treatment.starts_days_before_rt)
    last = day - DAY
    if subject.last_on is not None:
        last = min(last, subject.last_on + timedelta(days=treatment.ends_days_after_rt))
    if subject.stopped_on is not None:
        last = min(last, subject.stopped_on)
    on = max(first, subject.drug_from)
    while on <= last:
        _take(hospital, subject, on)
        on += DAY
    subject.drug_from = max(on, subject.drug_from)


def _take(hospital: Hospital, subject: Subject, on: date) -> None:
    treatment = hospital.trial.protocol.treatment
    body = _taken(subject.chance(f"study drug of {on}"), on, treatment.applications_per_day)
    volume = round(body["applications"] * treatment.dose_ml, 3)
    path = f"{subject.path}/exposures"
    hospital.coordinator.post(path, body).holds(**body, volume_ml=volume, flags=[], version=1)


def _taken(chance: Chance, on: date, planned: int) -> Json:
    body: Json = {"day": str(on), "applications": planned}
    if chance.happens(FORGOTTEN):
        body |= {"applications": planned - 1, "missed_reason": "Forgot the one at noon"}
    return body


def stop(hospital: Hospital, subject: Subject, day: date) -> None:
    """The subject gives the study drug up, and stays in the study."""
    path = f"{subject.path}/discontinuation"
    end = {"on": str(day), "cause": "subject_decision", "detail": "It burns after each spray"}
    stopped = hospital.investigator.put(path, {"treatment": end})
    stopped.holds(treatment=end, study=None, treatment_ended_on=str(day), version=1)
    hospital.read(subject, subject.status)
    subject.stopped_on, subject.stopped_tag = day, stopped.tag
    if "discontinuation" in hospital.assessor.refused(403, "forbidden", "GET", path)["detail"]:
        raise Unexpected(f"GET {path}: an assessor is told of it")


def leave(hospital: Hospital, subject: Subject, day: date, leaving: Leaving) -> None:
    """The investigator records that, and why, the subject left the study."""
    path = f"{subject.path}/discontinuation"
    cause, detail = WHY_LEFT[leaving]
    body: Json = {"study": {"on": str(day), "cause": cause, "detail": detail}}
    if subject.stopped_on is not None:
        body |= {
            "treatment": hospital.investigator.get(path)["treatment"],
            "reason": "Left the study after the end of treatment",
        }
    left = hospital.investigator.put(path, body, subject.stopped_tag)
    left.holds(**body, treatment_ended_on=str(subject.stopped_on or day))
    hospital.read(subject, leaving.value).holds(left_on=str(day))
    # What was observed until that day may still be entered, and nothing later.
    taken_back = {"treatment": None, "reason": "Comes again after all"}
    hospital.investigator.refused(409, "left_for_good", "PUT", path, taken_back, tag=left.tag)

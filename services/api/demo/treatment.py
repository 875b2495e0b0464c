"""From the first fraction to the last follow-up: radiotherapy, visits, gradings, leaving."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

from services.api.demo import checks, reactions, safety, second_opinions, signing, spray
from services.api.demo.chance import Chance, working_day, working_days_after
from services.api.demo.client import Answer, Json, Unexpected
from services.api.demo.course import components, course
from services.api.demo.hospital import Hospital, Subject, Task
from services.api.demo.person import Leaving, Person
from services.api.protocol.schema import Anchor

MISSED = 0.025
"""How many visits do not take place."""
ELSEWHEN = 0.1
"""How many visits fall on any day of their window instead of the planned one."""
MISTAKEN = 0.02
"""How many gradings are entered with a wrong grade and corrected later."""
BEFORE_BREAK = 9
"""Working days after the first fraction that pass before an interruption."""
CUT = 0.01
"""How often the answer to a grading is lost on the way."""


def first_fraction_on(person: Person, planned_start: date) -> date:
    """The day of the first fraction, a few days late for some."""
    return working_days_after(planned_start, person.start_delay)


def begin(hospital: Hospital, subject: Subject, day: date) -> None:
    """After randomization: the visits before radiotherapy, and the day it starts."""
    treated = hospital.trial.benefits(str(subject.arm))
    subject.course = course(subject.chance(f"course, treated: {treated}"), treated=treated)
    start = subject.planned_start
    visits = hospital.assessor.get(f"{subject.path}/visits")["items"]
    screening = next(visit for visit in visits if not visit["graded"])
    subject.ungraded_visit = screening["code"]
    held = {"date": str(subject.person.screened_on)}
    path = f"{subject.path}/visits/{screening['code']}"
    hospital.clerk.put(path, held).holds(**held, status="done")
    subject.attended.add(screening["code"])
    plan_visits(hospital, subject, day, until=start - timedelta(days=1))
    subject.drug_from = day
    spray.begin(hospital, subject, day)
    hospital.note(first_fraction_on(subject.person, start), subject, start_radiotherapy)


def start_radiotherapy(hospital: Hospital, subject: Subject, day: date) -> None:
    """Record the first fraction; from here on the calendar follows it."""
    subject.first_on = day
    delivered = {"first_fraction_on": str(day)}
    _deliver(hospital, subject, delivered, "First fraction delivered")
    hospital.read(subject, "on_treatment")
    planned_end = working_days_after(day, subject.person.fractions - 1)
    plan_visits(hospital, subject, day, until=planned_end)
    if subject.person.interruption:
        resumes_on = working_days_after(day, BEFORE_BREAK + subject.person.interruption + 1)
        hospital.note(resumes_on, subject, resume_radiotherapy)
    hospital.note(subject.person.last_fraction_on(day), subject, end_radiotherapy)
    safety.plan_events(hospital, subject, day)
    reactions.plan_reaction(hospital, subject, day)


def resume_radiotherapy(hospital: Hospital, subject: Subject, day: date) -> None:
    """Record the days without fractions that are over; the calendar moves with them."""
    started = _started(subject)
    stopped_on = working_days_after(started, BEFORE_BREAK + 1)
    span = {
        "from": str(stopped_on),
        "to": str(day - timedelta(days=1)),
        "reason": "The accelerator was out of service",
    }
    _deliver(hospital, subject, {"interruptions": [span]}, "Radiotherapy was interrupted")
    ends_on = subject.person.last_fraction_on(started)
    _check_end(hospital, subject, ends_on)
    plan_visits(hospital, subject, day, until=ends_on)


def _started(subject: Subject) -> date:
    if subject.first_on is None:
        raise Unexpected(f"{subject.number}: interrupted before the first fraction")
    return subject.first_on


def _check_end(hospital: Hospital, subject: Subject, ends_on: date) -> None:
    """What follows radiotherapy is planned so many days after the day on which it will end."""
    visits = hospital.assessor.get(f"{subject.path}/visits")["items"]
    planned = {visit["code"]: visit["planned_on"] for visit in visits}
    for rule in hospital.trial.protocol.visits.schedule:
        if rule.anchor is Anchor.RT_END:
            expected = str(ends_on + timedelta(days=rule.day))
            if planned[rule.code] != expected:
                raise Unexpected(
                    f"{subject.number}: {rule.code} is on {planned[rule.code]}, not on {expected}"
                )


def end_radiotherapy(hospital: Hospital, subject: Subject, day: date) -> None:
    """Record the last fraction, and plan the follow-up."""
    subject.last_on = day
    delivered = {
        "last_fraction_on": str(day),
        "delivered_dose_gy": subject.person.dose_gy,
        "delivered_fractions": subject.person.fractions,
    }
    _deliver(hospital, subject, delivered, "Last fraction delivered")
    hospital.read(subject, "in_follow_up")
    plan_visits(hospital, subject, day, until=date.max)
    last_visit = max([day, *subject.visits.values()])
    hospital.note(working_days_after(last_visit, 1), subject, complete)


def _deliver(hospital: Hospital, subject: Subject, delivered: Json, reason: str) -> None:
    path = f"{subject.path}/radiotherapy"
    subject.plan |= delivered
    hospital.clerk.refused(422, "invalid", "PUT", path, subject.plan, tag=subject.plan_tag)
    body = {**subject.plan, "reason": reason}
    recorded = hospital.clerk.put(path, body, subject.plan_tag).holds(**body)
    subject.plan_tag = recorded.tag


# --- visits ----------------------------------------------------------------------------


def plan_visits(hospital: Hospital, subject: Subject, day: date, until: date) -> None:
    """Read the schedule and plan what it asks for, as far as it is planned until a day."""
    for visit in hospital.assessor.get(f"{subject.path}/visits")["items"]:
        code = visit["code"]
        if visit["status"] not in ("planned", "due") or visit["planned_on"] > str(until):
            continue
        on = visit_day(visit, day, subject.chance(f"day of {code}"))
        if subject.visits.get(code) != on:
            subject.visits[code] = on
            hospital.note(on, subject, partial(attend, code=code))


def visit_day(visit: Json, today: date, chance: Chance) -> date:
    """A day for a visit: usually the last working day of its window up to the planned one."""
    planned = date.fromisoformat(visit["planned_on"])
    first = max(today, date.fromisoformat(visit["window"]["from"]))
    days = (date.fromisoformat(visit["window"]["to"]) - first).days + 1
    window = [first + timedelta(days=ahead) for ahead in range(days)]
    working = [day for day in window if day == working_day(day)]
    if not working:
        return max(today, planned)
    if chance.happens(ELSEWHEN):
        return chance.choice(working)
    return max((day for day in working if day <= planned), default=working[0])


def attend(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    """The subject comes and is graded, or does not come."""
    if subject.visits[code] != day or code in subject.attended:
        return  # planned anew for another day when radiotherapy took longer
    subject.attended.add(code)
    path = f"{subject.path}/visits/{code}"
    if subject.first_on is not None and subject.chance(f"missed {code}").happens(MISSED):
        missed = {"missed_reason": "Did not come and could not be reached"}
        hospital.assessor.put(path, missed).holds(**missed, status="missed", date=None)
        return
    hospital.assessor.put(path, {"date": str(day)}).holds(status="done", date=str(day))
    grade(hospital, subject, day, code)
    spray.record(hospital, subject, day)
    checks.at_visit(hospital, subject, day, code)


def grade(hospital: Hospital, subject: Subject, day: date, code: str) -> None:
    """The assessor grades what there is to see, now and then with a slip of the pen."""
    chance = subject.chance(f"grading {code}")
    since_start = -1 if subject.first_on is None else (day - subject.first_on).days
    true = subject.course.grade(since_start)
    mistaken = true > 0 and chance.happens(MISTAKEN)
    entered = true - 1 if mistaken else true
    seen = {
        "assessed_at": hospital.trial.moment(day, chance.randint(8, 16), chance.randint(0, 59)),
        "grade": entered,
        **components(true, chance, hospital.trial.scale),
    }
    path = f"{subject.path}/visits/{code}/gradings"
    if chance.happens(CUT):
        unread = chance.happens(0.5)
        made = hospital.assessor.post_through_a_cut(path, seen, unread=unread)
    else:
        made = hospital.assessor.post(path, seen)
    made.holds(
        **seen,
        subject_id=subject.id,
        visit=code,
        flags=["differs_from_components"] if mistaken else [],
    )
    if made["derived"]["protocol"] != true:
        raise Unexpected(f"{made.asked}: {seen} was derived as {made['derived']}, not {true}")
    subject.grades[made["id"]] = (day, entered)
    second_opinions.ask(hospital, subject, day, made, true)
    if mistaken:
        task = partial(correct, grading=made, true=true)
        hospital.note(working_days_after(day, 1), subject, task)


def correct(hospital: Hospital, subject: Subject, _: date, grading: Answer, true: int) -> None:
    """The assessor corrects a wrong grade; both versions stay readable."""
    path = f"/v1/gradings/{grading['id']}"
    body = {"grade": true, "reason": "Slip of the pen: the components were right"}
    corrected = hospital.assessor.patch(path, body, grading.tag).holds(**body, version=2, flags=[])
    versions = hospital.assessor.get(f"{path}/versions")["items"]
    corrected.holds(**versions[-1])
    signing.confirm_grading(hospital.assessor, corrected)
    grading.holds(**versions[0])
    seen_on = subject.grades[grading["id"]][0]
    subject.grades[grading["id"]] = (seen_on, true)
    hospital.assessor.counts["corrections"] += 1


# --- the end -----------------------------------------------------------------------------


def complete(hospital: Hospital, subject: Subject, _: date) -> None:
    """The last visit is over."""
    reason = "All visits are over"
    hospital.set_status(subject, "in_follow_up", "completed", reason)
    checks.after_the_end(hospital, subject, "lost_to_follow_up")


def leave(hospital: Hospital, subject: Subject, day: date) -> None:
    """The subject leaves early, unless the last visit is over already."""
    if subject.status != "completed" and subject.person.leaving is not None:
        _LEAVINGS[subject.person.leaving](hospital, subject, day)


def _withdraw(hospital: Hospital, subject: Subject, day: date) -> None:
    """The subject withdraws consent, and with it leaves the study."""
    path = f"{subject.path}/consents/{subject.consent_id}/withdrawal"
    body = {"withdrawn_on": str(day), "reason": "Does not want to come any more"}
    withdrawn = hospital.coordinator.post(path, body)
    withdrawn.holds(id=subject.consent_id)
    spray.leave(hospital, subject, day, Leaving.WITHDRAWN)
    checks.after_the_end(hospital, subject, "completed")
    _gone(hospital, subject, Leaving.WITHDRAWN)


def _lose(hospital: Hospital, subject: Subject, day: date) -> None:
    """The subject cannot be found any more."""
    spray.leave(hospital, subject, day, Leaving.LOST_TO_FOLLOW_UP)
    checks.after_the_end(hospital, subject, "completed")
    _gone(hospital, subject, Leaving.LOST_TO_FOLLOW_UP)


def _die(hospital: Hospital, subject: Subject, day: date) -> None:
    """The subject dies, which is reported as an adverse event too."""
    spray.leave(hospital, subject, day, Leaving.DIED)
    safety.report_death(hospital, subject, day)
    checks.after_the_end(hospital, subject, "completed")
    _gone(hospital, subject, Leaving.DIED)


def _gone(hospital: Hospital, subject: Subject, leaving: Leaving) -> None:
    subject.left = leaving
    hospital.agenda.drop(subject.number)


_LEAVINGS: Mapping[Leaving, Task] = {
    Leaving.WITHDRAWN: _withdraw,
    Leaving.LOST_TO_FOLLOW_UP: _lose,
    Leaving.DIED: _die,
}

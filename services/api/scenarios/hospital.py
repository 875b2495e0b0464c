"""What a hospital of a play does with one subject, as its accounts do it at the API."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from services.api.core.permissions import Role
from services.api.demo.answers import (
    Respondent,
    answers,
    eligible,
    eligible_ages,
    ineligible,
    late_results,
)
from services.api.demo.chance import Chance, working_day, working_days_after
from services.api.demo.client import NEW, Answer, Json
from services.api.demo.course import HEALTHY, Course, course
from services.api.demo.person import DOSE_BY_FRACTIONS, OLDEST, YOUNGEST
from services.api.scenarios.play import Play, TimedCaller

LEAD_DAYS = 8
"""From randomization to radiotherapy at least: the study drug begins a week before."""
MONDAY = 0
TRIES = 200
"""How many courses are drawn for one that is as severe as asked for."""


@dataclass(frozen=True)
class Hospital:
    """A site and the accounts that act for it."""

    play: Play
    site: str

    @cached_property
    def investigator(self) -> TimedCaller:
        """Who signs, randomizes and reports."""
        return self.play.account(Role.INVESTIGATOR, self.site)

    @cached_property
    def coordinator(self) -> TimedCaller:
        """Who enters data."""
        return self.play.account(Role.COORDINATOR, self.site)

    @cached_property
    def assessor(self) -> TimedCaller:
        """Who grades."""
        return self.play.account(Role.ASSESSOR, self.site)

    @cached_property
    def second_assessor(self) -> TimedCaller:
        """Who grades independently."""
        return self.play.account(Role.ASSESSOR, self.site, 2)

    @cached_property
    def monitor(self) -> TimedCaller:
        """Who asks and verifies."""
        return self.play.account(Role.MONITOR, self.site)


@dataclass
class Subject:
    """A subject as the hospital knows them; `name` says what they are there for."""

    hospital: Hospital
    name: str
    id: str = ""
    consent_id: str = ""
    plan: Json = field(default_factory=dict)
    plan_tag: str = NEW
    arm: str = ""
    course: Course = HEALTHY
    first_on: date | None = None
    last_on: date | None = None
    left: bool = False
    visits: dict[str, date] = field(default_factory=dict)
    attended: list[str] = field(default_factory=list)

    @property
    def play(self) -> Play:
        """The play they appear in."""
        return self.hospital.play

    @property
    def path(self) -> str:
        """Where the API keeps them."""
        return f"/v1/subjects/{self.id}"

    @property
    def treated(self) -> bool:
        """Whether they receive the study drug."""
        return self.play.trial.receives_drug(self.arm)

    def chance(self, question: str) -> Chance:
        """The chance that answers one question about them."""
        return self.play.chance(f"{self.hospital.site}/{self.name}/{question}")

    @cached_property
    def age(self) -> int:
        """Completed years, not of the ages at a limit: a birthday may lie within the screening."""
        ages = eligible_ages(self.play.trial.protocol.eligibility)
        usual = round(self.chance("age").gauss(54, 11))
        return min(OLDEST, ages[-1] - 1, max(YOUNGEST + 1, ages[0] + 1, usual))

    @cached_property
    def fractions(self) -> int:
        """How many are planned."""
        return self.chance("fractions").choice(list(DOSE_BY_FRACTIONS))


# --- screening ---------------------------------------------------------------------------


def enter(hospital: Hospital, name: str) -> Subject:
    """Enter a person into screening."""
    subject = Subject(hospital, name)
    digits = subject.chance("national id").randrange(10**17)
    body: Json = {
        "site": hospital.site,
        "sex": subject.chance("sex").weighted({"male": 0.72, "female": 0.28}),
        "year_of_birth": hospital.play.today.year - subject.age,
        "national_id": f"{digits:017d}X",
    }
    subject.id = hospital.coordinator.post("/v1/subjects", body)["id"]
    return subject


def decline(subject: Subject) -> None:
    """The person does not want to take part."""
    set_status(subject, "screen_failed", "Declined to take part before consent")


def consent(subject: Subject) -> None:
    """Record the signed consent."""
    hospital, play = subject.hospital, subject.play
    signed = {
        "version": play.trial.consent_versions[hospital.site],
        "signed_on": str(play.today),
    }
    recorded = hospital.coordinator.post(f"{subject.path}/consents", signed)
    subject.consent_id = recorded["id"]


def record_facts(subject: Subject, *, missing: bool = False, failing: bool = False) -> Answer:
    """Record the facts of screening: all, all but the last results, or with one criterion unmet."""
    play = subject.play
    section = play.trial.protocol.eligibility
    dose = DOSE_BY_FRACTIONS[subject.fractions]
    known = {
        section.age_fact: subject.age,
        section.consent_fact: True,
        "planned_total_dose": int(dose),
    }
    seed = f"{subject.hospital.site}/{subject.name}/facts"
    respondent = Respondent(known, subject.chance("units"), str(play.chance(seed).random()))
    demands = ineligible(section, subject.chance("criterion")) if failing else eligible(section)
    measured_on = play.today - timedelta(days=subject.chance("laboratory").randint(1, 6))
    given = answers(respondent, section, demands, measured_on)
    late = late_results(section) if missing else ()
    facts = {name: value for name, value in given.items() if name not in late}
    recorded = subject.hospital.coordinator.put(f"{subject.path}/eligibility", {"facts": facts})
    expected = "incomplete" if missing else "ineligible" if failing else "eligible"
    return recorded.holds(overall=expected)


def sign(subject: Subject, recorded: Answer) -> None:
    """The investigator signs what the evaluation says."""
    signer = subject.hospital.investigator
    verdict = "eligibility" if recorded["overall"] == "eligible" else "ineligibility"
    body = {
        "evaluation_hash": recorded["evaluation_hash"],
        "meaning": f"I confirm {verdict}",
        "password": signer.password,
    }
    signer.post(f"{subject.path}/eligibility/signature", body)


def plan(subject: Subject, *, lead_days: int = LEAD_DAYS) -> None:
    """Plan radiotherapy, from a Monday on."""
    play = subject.play
    start = play.today + timedelta(days=lead_days)
    start += timedelta(days=(MONDAY - start.weekday()) % 7)
    section = play.trial.protocol.randomization
    chemotherapy = subject.chance("chemotherapy").happens(0.6)
    recorded = {
        factor.id: subject.chance(f"factor {factor.id}").choice(factor.levels).value
        for factor in section.recorded_factors
    }
    subject.plan = {
        "planned_dose_gy": DOSE_BY_FRACTIONS[subject.fractions],
        "planned_fractions": subject.fractions,
        "planned_start": str(start),
        "concurrent_chemotherapy": recorded.get("concurrent_chemotherapy", chemotherapy),
        **({"stratification": recorded} if recorded else {}),
    }
    path = f"{subject.path}/radiotherapy"
    subject.plan_tag = subject.hospital.coordinator.put(path, subject.plan).tag


def make_ready(hospital: Hospital, name: str) -> Subject:
    """A subject who lacks nothing but the arm."""
    subject = enter(hospital, name)
    consent(subject)
    sign(subject, record_facts(subject))
    plan(subject)
    return subject


def randomize(subject: Subject, *, severe: bool | None = None) -> None:
    """Ask for the arm; `severe` says whether their mucositis is to become so."""
    play = subject.play
    allocated = subject.hospital.investigator.post(f"{subject.path}/randomization")
    subject.arm = allocated["arm"]
    treated = play.trial.benefits(subject.arm)
    grades = play.trial.grades
    for attempt in range(TRIES):
        subject.course = course(subject.chance(f"course {attempt}"), treated=treated)
        worst = max((grade for _, grade in subject.course.steps), default=0)
        if severe is None or (worst >= grades["primary"]) is severe:
            break
    screening = next(one for one in _schedule(subject) if not one["graded"])
    path = f"{subject.path}/visits/{screening['code']}"
    subject.hospital.coordinator.put(path, {"date": str(play.today)})
    subject.attended.append(screening["code"])


# --- radiotherapy --------------------------------------------------------------------------


def start_radiotherapy(subject: Subject) -> None:
    """Record the first fraction."""
    subject.first_on = subject.play.today
    _deliver(subject, {"first_fraction_on": str(subject.first_on)}, "First fraction delivered")


def last_fraction_on(subject: Subject) -> date:
    """One fraction on each working day."""
    first = subject.first_on or date.fromisoformat(subject.plan["planned_start"])
    return working_days_after(first, subject.fractions - 1)


def end_radiotherapy(subject: Subject) -> None:
    """Record the last fraction."""
    subject.last_on = subject.play.today
    delivered = {
        "last_fraction_on": str(subject.last_on),
        "delivered_dose_gy": DOSE_BY_FRACTIONS[subject.fractions],
        "delivered_fractions": subject.fractions,
    }
    _deliver(subject, delivered, "Last fraction delivered")


def _deliver(subject: Subject, delivered: Json, reason: str) -> None:
    path = f"{subject.path}/radiotherapy"
    subject.plan |= delivered
    body = {**subject.plan, "reason": reason}
    subject.plan_tag = subject.hospital.coordinator.put(path, body, subject.plan_tag).tag


def take_study_drug(subject: Subject, days: int) -> None:
    """Enter what the subject took on the last days; once in a while one application less."""
    planned = subject.play.trial.protocol.treatment.applications_per_day
    for ago in range(days, 0, -1):
        day = subject.play.today - timedelta(days=ago)
        body: Json = {"day": str(day), "applications": planned}
        if subject.chance(f"study drug {day}").happens(0.1):
            body |= {"applications": planned - 1, "missed_reason": "Forgot the one at noon"}
        subject.hospital.coordinator.post(f"{subject.path}/exposures", body)


# --- the end ---------------------------------------------------------------------------------


def set_status(subject: Subject, status: str, reason: str) -> None:
    """Set by hand a status that a person may set."""
    clerk = subject.hospital.coordinator
    body = {"status": status, "reason": reason}
    clerk.patch(subject.path, body, clerk.get(subject.path).tag).holds(status=status)


def stop_study_drug(subject: Subject) -> None:
    """The subject gives the study drug up, and stays in the study."""
    end = {
        "on": str(subject.play.today),
        "cause": "subject_decision",
        "detail": "It burns after each spray",
    }
    subject.hospital.investigator.put(f"{subject.path}/discontinuation", {"treatment": end})


def leave(subject: Subject, cause: str, detail: str) -> None:
    """The subject leaves the study."""
    hospital, today = subject.hospital, str(subject.play.today)
    if cause == "consent_withdrawn":
        path = f"{subject.path}/consents/{subject.consent_id}/withdrawal"
        hospital.coordinator.post(path, {"withdrawn_on": today, "reason": detail})
    end = {"on": today, "cause": cause, "detail": detail}
    hospital.investigator.put(f"{subject.path}/discontinuation", {"study": end})
    subject.left = True


def _schedule(subject: Subject) -> list[Json]:
    found: list[Json] = subject.hospital.assessor.get(f"{subject.path}/visits")["items"]
    return found


def planned_visits(subject: Subject) -> list[tuple[str, date]]:
    """The visits that are still to come, and a working day in the window of each."""
    found: list[tuple[str, date]] = []
    for visit in _schedule(subject):
        if visit["status"] in ("planned", "due") and visit["code"] not in subject.attended:
            wanted = date.fromisoformat(visit["planned_on"])
            last = date.fromisoformat(visit["window"]["to"])
            if last >= subject.play.today:
                day = min(working_day(wanted), last)
                found.append((visit["code"], max(day, subject.play.today)))
    return found

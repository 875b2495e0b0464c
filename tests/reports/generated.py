"""A trial of 200 subjects made up by chance of a fixed seed, as the reports read it."""

import random
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from services.api.endpoint.rules import Decision, Outcome, OutcomeStatus, Window
from services.api.gradings.rules import Assessment, GradeBasis, Pair
from services.api.reports import agreement, completeness, consort, endpoints, recruitment, safety
from services.api.reports.endpoints import Grades
from services.api.reports.participants import Participant
from services.api.reports.safety import Event
from services.api.reports.schemas import Report
from tests.first_trial import FIRST_TRIAL

PROTOCOL = FIRST_TRIAL.protocol
TODAY = date(2027, 3, 1)
SITES = ("LZ", "NN", "YL")
TERMS = ("Nausea", "Dysphagia", "Dry mouth", "Vomiting", "Fatigue", "Dermatitis radiation", "Cough")


def head(methods: list[str], notes: list[str], sites: tuple[str, ...] = SITES) -> Report:
    return Report(
        as_of=TODAY,
        newest_record=datetime(2027, 2, 28, 9, 30, tzinfo=UTC),
        protocol_version=PROTOCOL.version,
        sites=list(sites),
        methods=methods,
        notes=notes,
    )


def subject_id(number: int) -> UUID:
    return UUID(int=number)


def assessment(day: date, grade: int, number: int) -> Assessment:
    at = datetime.combine(day, time(2), UTC)
    return Assessment("RT1A", day, at, grade, GradeBasis.SINGLE, subject_id(number), 1)


def outcome(chance: random.Random, start: date, milder: bool, left_on: date | None) -> Outcome:
    """A course in which the mucosa grows worse for weeks and then heals."""
    end = start + timedelta(days=46)
    window = Window(start, end + timedelta(days=90) if end < TODAY else None)
    peak = chance.choices(range(5), (4, 10, 26, 42, 18) if not milder else (8, 18, 34, 30, 10))[0]
    until = min(TODAY, left_on or TODAY, end + timedelta(days=92))
    counted = []
    for offset in [*range(1, 62, 4), 77, 107, 137]:
        day = start + timedelta(days=offset)
        if day > until or not window.holds(day) or chance.random() < 0.04:
            continue
        rising = min(1.0, offset / 34)
        fall = max(0.0, (offset - 55) / 25)
        grade = max(0, min(peak, round(peak * rising - fall * peak + chance.uniform(-0.4, 0.4))))
        counted.append(assessment(day, grade, offset))
    severe = [one for one in counted if (one.grade or 0) >= 3]
    some = [one for one in counted if (one.grade or 0) >= 1]
    over = window.over(TODAY, left_on)
    enough = left_on is None and chance.random() > 0.06
    rest = OutcomeStatus.PENDING
    if over:
        rest = OutcomeStatus.NO_EVENT if enough else OutcomeStatus.NOT_EVALUABLE
    return Outcome(
        primary=Decision(OutcomeStatus.EVENT, severe[0]) if severe else Decision(rest),
        secondary=Decision(OutcomeStatus.EVENT, some[0]) if some else Decision(rest),
        window=window,
        max_grade=max((one.grade or 0 for one in counted), default=None),
        days_to_first_severe=(severe[0].on - start).days if severe else None,
        days_severe=4 * len(severe),
        grade_4=any(one.grade == 4 for one in counted),
        gy_at_onset=2.0 * ((severe[0].on - start).days * 5 // 7 + 1) if severe else None,
        kept=len(counted),
        slots=17,
        counted=tuple(counted),
    )


def participants(seed: int = 7312656, total: int = 200) -> list[Participant]:
    chance = random.Random(seed)
    made = []
    for number in range(1, total + 1):
        site = chance.choice(SITES)
        day = date(2026, 1, 12) + timedelta(days=int(400 * (number / 200) ** 0.85))
        arm = chance.choice(["experimental", "control"])
        start = day + timedelta(days=chance.randint(7, 14))
        left_on = start + timedelta(days=chance.randint(5, 60)) if chance.random() < 0.07 else None
        left_on = left_on if left_on and left_on < TODAY else None
        stopped = arm == "experimental" and chance.random() < 0.08
        made.append(
            Participant(
                id=subject_id(number),
                site=site,
                status="in_follow_up",
                randomized_on=day,
                stratum=f"{site}-{chance.choice('YN')}",
                arm=arm,
                retained=number != 17,
                treatment_cause=chance.choice(["adverse_event", "subject_decision"])
                if stopped
                else None,
                study_cause=chance.choice(["consent_withdrawn", "death", "lost_to_follow_up"])
                if left_on
                else None,
                left_on=left_on,
                outcome=outcome(chance, start, arm == "experimental", left_on)
                if start <= TODAY
                else Outcome(),
            )
        )
    for number in range(total + 1, total + 41):
        site, failed = chance.choice(SITES), chance.sample(["I05a", "I07", "E02", "I04a"], 1)
        made.append(Participant(subject_id(number), site, "screen_failed", failed=tuple(failed)))
    return made


def derived(made: list[Participant]) -> dict[UUID, Grades]:
    chance = random.Random(3)
    return {
        one.id: Grades(
            {
                "who": max(0, (one.outcome.max_grade or 0) - (chance.random() < 0.3)),
                "rtog": one.outcome.max_grade or 0,
            }
        )
        for one in made
        if one.outcome.counted
    }


def events(made: list[Participant]) -> list[Event]:
    chance = random.Random(5)
    found = []
    for one in made:
        if one.randomized_on is None:
            continue
        for term in TERMS:
            if chance.random() < 0.05 + 0.03 * TERMS.index(term):
                grade = chance.choices([1, 2, 3, 4, 5], [40, 35, 20, 4, 1])[0]
                found.append(
                    Event(
                        one.id,
                        term,
                        grade,
                        one.randomized_on + timedelta(days=chance.randint(-5, 60)),
                        grade >= 3,
                        chance.random() < 0.15,
                        chance.random() < 0.6,
                    )
                )
    return found


def pairs() -> list[Pair]:
    chance = random.Random(9)
    assessors = [UUID(int=900 + number) for number in range(5)]
    made = []
    for number in range(160):
        first, second = chance.sample(range(5), 2)
        grade = chance.choice([0, 1, 1, 2, 2, 3, 3, 4])
        other = min(4, max(0, grade + chance.choice([0, 0, 0, 0, 1, -1])))
        made.append(
            Pair(
                chance.choice(SITES[:2]),
                subject_id(number),
                "RT1A",
                assessors[first],
                assessors[second],
                grade,
                other,
            )
        )
    return made


def reports(total: int = 200) -> dict[str, Report]:
    """Every report on the made-up trial, or on an empty one."""
    made = participants(total=total) if total else []
    chance = random.Random(1)
    counted = [
        (site, figure)
        for site in SITES
        for figure, count in (
            ("subjects", 70),
            ("visits_done", 900),
            ("visits_due", 90),
            ("visits_overdue", 160),
            ("visits_missed", 120),
            ("gradings", 850),
            ("gradings_signed", 800),
            ("adverse_events", 40),
        )
        for _ in range(chance.randint(count // 2, count) if total else 0)
    ]
    criteria = {one.id: one.text for one in PROTOCOL.eligibility.criteria}
    names = {UUID(int=900 + number): f"Assessor {number}" for number in range(5)}
    return {
        "recruitment": recruitment.recruitment(
            head(recruitment.METHODS, recruitment.NOTES),
            [one for one in made if one.id.int % 2 or one.id.int < 150],
            PROTOCOL.study,
            whole=True,
        ),
        "consort": consort.consort(head(consort.METHODS, consort.NOTES), made, criteria),
        "completeness": completeness.completeness(
            head(completeness.METHODS, completeness.NOTES),
            counted,
            {"NN": [3, 9, 31], "LZ": [2]} if total else {},
        ),
        "agreement": agreement.agreement(
            head(agreement.METHODS, agreement.NOTES),
            pairs() if total else [],
            names,
            PROTOCOL.grading,
        ),
        "endpoints": endpoints.endpoints(
            head(endpoints.METHODS, endpoints.NOTES), made, derived(made), PROTOCOL
        ),
        "safety-by-arm": safety.safety(
            head(safety.METHODS, safety.NOTES), made, events(made), PROTOCOL
        ),
    }

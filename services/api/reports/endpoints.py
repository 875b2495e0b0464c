"""The endpoints by arm, of everyone who was randomized, in the arm they were allocated to."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.api.endpoint.rules import OutcomeStatus
from services.api.protocol.schema import Protocol
from services.api.reports.agreement import estimate
from services.api.reports.arm_schemas import (
    ArmFlow,
    ArmMeasure,
    ArmOutcome,
    ArmTimes,
    Assumed,
    AtRisk,
    ChiSquareRead,
    Comparison,
    CurvePoint,
    Endpoints,
    GradeWeek,
    Measure,
    QuartilesRead,
    Times,
)
from services.api.reports.consort import flow
from services.api.reports.participants import Participant, analysis_set
from services.api.reports.schemas import Estimate, Report
from services.api.statistics.location import hodges_lehmann, quartiles
from services.api.statistics.normal import ChiSquare
from services.api.statistics.proportions import miettinen_nurminen, newcombe, wilson
from services.api.statistics.strata import (
    Stratum,
    cochran_mantel_haenszel,
    common_difference,
    common_odds_ratio,
)
from services.api.statistics.survival import (
    CENSORED,
    Observed,
    Step,
    aalen_johansen,
    kaplan_meier,
    log_rank,
    median,
)

METHODS = [
    "Share in one arm: Wilson, J Am Stat Assoc 1927, 22, 209.",
    "Difference of shares: Miettinen and Nurminen, Stat Med 1985, 4, 213 (score, with N/(N-1)),"
    " and Newcombe, Stat Med 1998, 17, 873 (method 10).",
    "Over the strata used at randomization: test of Cochran, Mantel and Haenszel without continuity"
    " correction (J Natl Cancer Inst 1959, 22, 719); common odds ratio with the interval of"
    " Robins, Breslow and Greenland, Biometrics 1986, 42, 311; common difference with the variance"
    " of Sato, Biometrics 1989, 45, 1323.",
    "Time to the first severe grade: Kaplan and Meier, J Am Stat Assoc 1958, 53, 457 (Greenwood's"
    " variance, limits by log(-log)); log-rank test of Mantel, Cancer Chemother Rep 1966, 50, 163.",
    "With leaving the study, death included, as a competing event: Aalen and Johansen, Scand J"
    " Stat 1978, 5, 141.",
    "Difference of a measure: Hodges and Lehmann, Ann Math Stat 1963, 34, 598; quartiles by"
    " definition 7 of Hyndman and Fan, Am Stat 1996, 50, 361.",
]
NOTES = [
    "Intention to treat: every randomized subject in the arm they were allocated to. Of a person"
    " randomized more than once the first allocation counts; the others are counted and left out.",
    "Shares rest on subjects whose time of observation is over. An event in a time that still runs"
    " is left out with it: counted at once, while those without an event wait until the end, it"
    " would make every interim share too high.",
    "Nothing is imputed. Subjects who are not evaluable are left out of a share; below it stands"
    " what it would be if they all had, or all had not, had the event. There is no model of"
    " missing data.",
    "All tests are two-sided and intervals have 95 %. Nothing is adjusted for several outcomes or"
    " for looking more than once: no alpha is spent, no boundary is kept.",
    "The time to the first severe grade is seen at gradings only, days after it came; who had none"
    " is censored at their last grading. Kaplan-Meier and the log-rank test take leaving as"
    " censoring; the cumulative incidence does not.",
    "The dose at onset is described among those with a severe grade. That is no comparison of"
    " randomized groups: the treatment may change who is among them.",
    "Subjects whose grade of a visit is still being adjudicated may change.",
]
SEVERE, LEFT = 1, 2
"""The causes that end the time to the first severe grade."""
AT_RISK_DAYS = 14
"""How often it is told how many are still watched."""


@dataclass(frozen=True, slots=True)
class Grades:
    """The worst derived grades of one subject in their time of observation, by scale."""

    by_scale: Mapping[str, int]


Verdict = Callable[[Participant], bool]


def endpoints(
    head: Report,
    participants: Sequence[Participant],
    derived: Mapping[UUID, Grades],
    protocol: Protocol,
) -> Endpoints:
    """The report; `derived` are the derived grades of those subjects who were graded."""
    arms = {arm.code: arm.label for arm in protocol.arms}
    by_arm = {arm: [one for one in participants if one.arm == arm] for arm in arms}
    analysed = {arm: analysis_set(subjects) for arm, subjects in by_arm.items()}
    started = {
        arm: [one for one in subjects if one.outcome.window is not None]
        for arm, subjects in analysed.items()
    }
    return Endpoints(
        **dict(head),
        arms=arms,
        flow=[
            ArmFlow(arm=arm, **dict(flow(subjects, head.as_of))) for arm, subjects in by_arm.items()
        ],
        comparisons=list(_comparisons(analysed, derived, protocol, head.as_of)),
        times=_times(started),
        measures=list(_measures(analysed, protocol, head.as_of)),
        grades_by_week=list(_weeks(started, protocol)),
    )


# --- outcomes that are reached or not -----------------------------------------------------


def _comparisons(
    arms: Mapping[str, Sequence[Participant]],
    derived: Mapping[UUID, Grades],
    protocol: Protocol,
    today: date,
) -> Iterable[Comparison]:
    severe, highest = protocol.endpoint.severe_grade, protocol.grading.maximum
    yield from registered(arms, protocol, today)
    if highest > severe:
        yield _comparison(
            "highest", f"Grade {highest}", arms, lambda one: one.outcome.grade_4, today
        )
    for scale in protocol.grading.scales:
        if scale.id == "protocol":
            continue

        def reached(one: Participant, scale_id: str = scale.id) -> bool:
            return one.id in derived and derived[one.id].by_scale.get(scale_id, -1) >= severe

        title = f"Grade {severe} or higher on the derived scale: {scale.label}"
        yield _comparison(scale.id, title, arms, reached, today)


def registered(
    arms: Mapping[str, Sequence[Participant]], protocol: Protocol, today: date
) -> Iterable[Comparison]:
    """The primary and the secondary outcome of the analysis set, arm by arm."""
    severe, any_grade = protocol.endpoint.severe_grade, protocol.endpoint.any_grade
    yield _comparison(
        "primary", f"Grade {severe} or higher (primary outcome)", arms, _severe, today
    )
    yield _comparison(
        "secondary", f"Grade {any_grade} or higher (secondary outcome)", arms, _any, today
    )


def _severe(one: Participant) -> bool:
    return one.outcome.primary.status is OutcomeStatus.EVENT


def _any(one: Participant) -> bool:
    return one.outcome.secondary.status is OutcomeStatus.EVENT


def _comparison(
    name: str,
    title: str,
    arms: Mapping[str, Sequence[Participant]],
    event: Verdict,
    today: date,
) -> Comparison:
    told = [_outcome(arm, subjects, event, today) for arm, subjects in arms.items()]
    first, second = told[0], told[1]
    counts = (first.events, first.evaluable, second.events, second.evaluable)
    strata = _strata(list(arms.values())[:2], event, today)
    return Comparison(
        id=name,
        title=title,
        arms=told,
        difference=estimate(miettinen_nurminen(*counts)),
        difference_newcombe=estimate(newcombe(*counts)),
        common_difference=estimate(common_difference(strata)),
        common_odds_ratio=estimate(common_odds_ratio(strata)),
        stratified_test=_test(cochran_mantel_haenszel(strata)),
        assumed=[
            Assumed(assumption=said, difference=_assumed(first, second, *had))
            for said, had in (
                ("All who are not evaluable had the event", (True, True)),
                ("None who is not evaluable had the event", (False, False)),
                ("Only those of the first arm had it", (True, False)),
                ("Only those of the second arm had it", (False, True)),
            )
        ],
    )


def _status(one: Participant, event: Verdict, today: date) -> OutcomeStatus:
    """Whether one of several outcomes was reached, as the primary one's rule tells of it.

    Without the event a subject counts only if the gradings rule the primary outcome's event out
    or show it: then they cover the time of observation.
    """
    if event(one):
        return OutcomeStatus.EVENT
    if not one.over(today):
        return OutcomeStatus.PENDING
    known = one.outcome.primary.status in {OutcomeStatus.EVENT, OutcomeStatus.NO_EVENT}
    return OutcomeStatus.NO_EVENT if known else OutcomeStatus.NOT_EVALUABLE


def _outcome(arm: str, subjects: Sequence[Participant], event: Verdict, today: date) -> ArmOutcome:
    over = Counter(_status(one, event, today) for one in subjects if one.over(today))
    events = over[OutcomeStatus.EVENT]
    early = sum(event(one) for one in subjects if not one.over(today))
    evaluable = events + over[OutcomeStatus.NO_EVENT]
    return ArmOutcome(
        arm=arm,
        evaluable=evaluable,
        events=events,
        share=estimate(wilson(events, evaluable)),
        not_evaluable=over[OutcomeStatus.NOT_EVALUABLE],
        early_events=early,
        pending=len(subjects) - over.total() - early,
    )


def _strata(arms: Sequence[Sequence[Participant]], event: Verdict, today: date) -> list[Stratum]:
    """The events of both arms in each stratum, as used at randomization."""
    counts: Counter[tuple[str | None, int, OutcomeStatus]] = Counter()
    for arm, subjects in enumerate(arms):
        for one in subjects:
            if one.over(today):
                counts[one.stratum, arm, _status(one, event, today)] += 1

    def row(stratum: str | None) -> Stratum:
        events = [counts[stratum, arm, OutcomeStatus.EVENT] for arm in (0, 1)]
        others = [counts[stratum, arm, OutcomeStatus.NO_EVENT] for arm in (0, 1)]
        return Stratum(events[0], events[0] + others[0], events[1], events[1] + others[1])

    return [row(stratum) for stratum in sorted({stratum or "" for stratum, _, _ in counts})]


def _assumed(
    first: ArmOutcome, second: ArmOutcome, first_had: bool, second_had: bool
) -> Estimate | None:
    counts: list[int] = []
    for arm, had in ((first, first_had), (second, second_had)):
        counts += [arm.events + had * arm.not_evaluable, arm.evaluable + arm.not_evaluable]
    return estimate(miettinen_nurminen(*counts))


def _test(found: ChiSquare | None) -> ChiSquareRead | None:
    if found is None:
        return None
    return ChiSquareRead(statistic=float(f"{found.statistic:.6g}"), p=float(f"{found.p:.4g}"))


# --- times --------------------------------------------------------------------------------


def _times(arms: Mapping[str, Sequence[Participant]]) -> Times:
    observed = {
        arm: [seen for one in subjects if (seen := _observed(one)) is not None]
        for arm, subjects in arms.items()
    }
    first, second = list(observed.values())[:2]
    return Times(
        arms=[_arm_times(arm, each) for arm, each in observed.items()],
        log_rank=_test(log_rank(first, second, SEVERE)),
    )


def _observed(one: Participant) -> Observed | None:
    """Days from the first fraction to the first severe grade, to leaving, or to the last grading.

    None for who was never graded since: nothing is known of them.
    """
    window, outcome = one.outcome.window, one.outcome
    if window is None:
        return None
    if outcome.days_to_first_severe is not None:
        return Observed(outcome.days_to_first_severe, SEVERE)
    if one.left_on is not None and window.holds(one.left_on):
        return Observed((one.left_on - window.from_).days, LEFT)
    if outcome.last_assessed_on is None:
        return None
    return Observed((outcome.last_assessed_on - window.from_).days, CENSORED)


def _arm_times(arm: str, observed: Sequence[Observed]) -> ArmTimes:
    causes = Counter(one.cause for one in observed)
    # Leaving censors here; it competes below.
    free = kaplan_meier(
        Observed(one.time, SEVERE if one.cause == SEVERE else CENSORED) for one in observed
    )
    middle, last = median(free), max((one.time for one in observed), default=-1)
    return ArmTimes(
        arm=arm,
        subjects=len(observed),
        events=causes[SEVERE],
        left_first=causes[LEFT],
        censored=causes[CENSORED],
        median_day=None if middle is None else int(middle),
        last_day=int(last) if observed else None,
        at_risk=[
            AtRisk(day=day, subjects=sum(one.time >= day for one in observed))
            for day in range(0, int(last) + 1, AT_RISK_DAYS)
        ],
        free=_points(free),
        severe=_points(aalen_johansen(observed, SEVERE)),
        left=_points(aalen_johansen(observed, LEFT)),
    )


def _points(steps: Iterable[Step]) -> list[CurvePoint]:
    points = []
    for step in steps:
        value = estimate(step.value)
        if value is not None:
            points.append(CurvePoint(day=int(step.time), at_risk=step.at_risk, value=value))
    return points


# --- measures -----------------------------------------------------------------------------


def _measures(
    arms: Mapping[str, Sequence[Participant]], protocol: Protocol, today: date
) -> Iterable[Measure]:
    severe = protocol.endpoint.severe_grade
    evaluable = {
        arm: [
            one
            for one in subjects
            if one.over(today)
            and one.outcome.primary.status in {OutcomeStatus.EVENT, OutcomeStatus.NO_EVENT}
        ]
        for arm, subjects in arms.items()
    }
    yield _measure(
        "days_severe",
        f"Days at grade {severe} or higher, 0 for those without",
        {arm: [one.outcome.days_severe for one in each] for arm, each in evaluable.items()},
    )
    yield _measure(
        "gy_at_onset",
        f"Cumulative dose in Gy at the first grade {severe} or higher, of those with one",
        {
            arm: [gy for one in each if (gy := one.outcome.gy_at_onset) is not None]
            for arm, each in arms.items()
        },
    )


def _measure(name: str, title: str, values: Mapping[str, Sequence[float]]) -> Measure:
    first, second = list(values.values())[:2]
    told = []
    for arm, own in values.items():
        found = quartiles(own)
        read = None
        if found is not None:
            read = QuartilesRead(lower=found.lower, median=found.median, upper=found.upper)
        told.append(ArmMeasure(arm=arm, subjects=len(own), quartiles=read))
    shift = estimate(hodges_lehmann(first, second))
    return Measure(id=name, title=title, arms=told, difference=shift)


def _weeks(arms: Mapping[str, Sequence[Participant]], protocol: Protocol) -> Iterable[GradeWeek]:
    """How many subjects had which worst grade in each week, during radiotherapy and after."""
    least, grades = (
        protocol.grading.minimum,
        protocol.grading.maximum - protocol.grading.minimum + 1,
    )
    after_days = protocol.endpoint.window_days_after_rt_end
    for arm, subjects in arms.items():
        worst: dict[tuple[bool, int], list[int]] = {}
        for one in subjects:
            for when, grade in _worst_by_week(one, after_days).items():
                worst.setdefault(when, [0] * grades)[grade - least] += 1
        for after, week in sorted(worst):
            counts = worst[after, week]
            yield GradeWeek(
                arm=arm,
                period="after" if after else "during",
                week=week,
                subjects=sum(counts),
                grades=counts,
            )


def _worst_by_week(one: Participant, after_days: int) -> dict[tuple[bool, int], int]:
    """By whether it is after radiotherapy and the week's number, from 1."""
    window = one.outcome.window
    if window is None:
        return {}
    worst: dict[tuple[bool, int], int] = {}
    for assessed in one.outcome.counted:
        if assessed.grade is None:
            continue
        when = False, (assessed.on - window.from_).days // 7 + 1
        if window.to is not None:
            since = after_days - (window.to - assessed.on).days
            if since > 0:
                when = True, (since - 1) // 7 + 1
        worst[when] = max(worst.get(when, assessed.grade), assessed.grade)
    return worst

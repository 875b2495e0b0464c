"""What people read of the reports by arm."""

from collections.abc import Iterator, Sequence

from services.api.reports.arm_schemas import (
    ArmTimes,
    Comparison,
    CurvePoint,
    Endpoints,
    EventRow,
    SafetyByArm,
)
from services.api.reports.document import (
    Bars,
    Block,
    Forest,
    Heading,
    Line,
    Lines,
    Paragraph,
    Table,
)
from services.api.reports.schemas import Estimate
from services.api.reports.wording import (
    NONE,
    estimated,
    flow_rows,
    lowered,
    number,
    p_value,
    percent,
)

FOREST_TERMS = 20
"""So many terms at most are drawn; all stand in the table."""


def endpoints(report: Endpoints) -> Iterator[Block]:
    """The endpoints by arm."""
    labels = list(report.arms.values())
    yield Paragraph(f"Differences are {labels[0]} minus {labels[1]}.")
    yield Table("Flow of subjects", ["", *labels], list(flow_rows(report.flow)))
    for one in report.comparisons:
        yield from _comparison(one, labels)
    drawn = [(one.title, one.difference) for one in report.comparisons if one.difference]
    if drawn:
        yield Forest(
            "Differences of shares",
            "The difference of each outcome with its interval, as in the tables above.",
            f"share in {labels[0]} minus share in {labels[1]}",
            [(title, one.estimate, one.low, one.high) for title, one in drawn],
        )
    yield from _times(report, labels)
    yield Heading("Measures")
    yield Table(
        "Median (quartiles) in each arm, and the difference",
        ["", *labels, "Difference (95 %)"],
        [
            [
                measure.title,
                *(
                    NONE
                    if arm.quartiles is None
                    else f"{arm.quartiles.median:.1f} ({arm.quartiles.lower:.1f}–"
                    f"{arm.quartiles.upper:.1f}), n = {arm.subjects}"
                    for arm in measure.arms
                ),
                estimated(measure.difference, ".1f"),
            ]
            for measure in report.measures
        ],
    )
    yield from _weeks(report)


def _comparison(one: Comparison, labels: Sequence[str]) -> Iterator[Block]:
    yield Heading(one.title)
    yield Table(
        "Subjects whose observation is over",
        ["", *labels],
        [
            ["Events / evaluable", *(f"{arm.events} / {arm.evaluable}" for arm in one.arms)],
            ["Share (95 %)", *(percent(arm.share) for arm in one.arms)],
            ["Not evaluable, left out", *(str(arm.not_evaluable) for arm in one.arms)],
            ["Still observed, with an event", *(str(arm.early_events) for arm in one.arms)],
            ["Still observed, without", *(str(arm.pending) for arm in one.arms)],
        ],
    )
    test = one.stratified_test
    rows = [
        ["Difference, Miettinen–Nurminen", percent(one.difference)],
        ["Difference, Newcombe", percent(one.difference_newcombe)],
        ["Over the strata: common difference", percent(one.common_difference)],
        ["Over the strata: common odds ratio", estimated(one.common_odds_ratio)],
        [
            "Over the strata: Cochran–Mantel–Haenszel",
            "cannot be computed"
            if test is None
            else f"χ² = {test.statistic:.2f}, p {p_value(test.p)}",
        ],
        *(
            [f"If not evaluable: {lowered(each.assumption)}", percent(each.difference)]
            for each in one.assumed
        ),
    ]
    yield Table("Comparison", ["", "Estimate (95 %)"], rows)


def _times(report: Endpoints, labels: Sequence[str]) -> Iterator[Block]:
    yield Heading("Time from the first fraction to the first severe grade")
    arms = report.times.arms
    test = report.times.log_rank
    yield Table(
        "Subjects graded since the first fraction",
        ["", *labels],
        [
            ["Subjects", *(str(arm.subjects) for arm in arms)],
            ["Severe grade", *(str(arm.events) for arm in arms)],
            ["Left the study before one", *(str(arm.left_first) for arm in arms)],
            ["Censored at the last grading", *(str(arm.censored) for arm in arms)],
            ["Median day", *(number(arm.median_day) for arm in arms)],
        ],
    )
    days = max((arm.at_risk for arm in arms), key=len)
    yield Table(
        "At risk when the day begins",
        ["Day", *(str(at.day) for at in days)],
        [
            [
                label,
                *(str(at.subjects) for at in arm.at_risk),
                *[NONE] * (len(days) - len(arm.at_risk)),
            ]
            for label, arm in zip(labels, arms, strict=True)
        ],
    )
    told = (
        "cannot be computed" if test is None else f"χ² = {test.statistic:.2f}, p {p_value(test.p)}"
    )
    yield Paragraph(f"Log-rank test: {told}.")
    for title, name, start in (
        ("Free of a severe grade (Kaplan–Meier)", "free", 1.0),
        ("With a severe grade (Aalen–Johansen)", "severe", 0.0),
        ("Left the study before a severe grade (Aalen–Johansen)", "left", 0.0),
    ):
        points = [getattr(arm, name) for arm in arms]
        if any(points):
            yield Lines(
                title,
                f"{title}, for each arm with its interval. "
                + " ".join(
                    f"{label}: {_last(curve, start)}."
                    for label, curve in zip(labels, points, strict=True)
                ),
                "days since the first fraction",
                "share of subjects",
                [
                    _curve(label, arm, curve, start)
                    for label, arm, curve in zip(labels, arms, points, strict=True)
                ],
                stepped=True,
                share=True,
            )


def _last(curve: Sequence[CurvePoint], start: float) -> str:
    return f"{curve[-1].value.estimate if curve else start:.0%} at the end"


def _curve(label: str, arm: ArmTimes, curve: Sequence[CurvePoint], start: float) -> Line:
    """From day 0 to the last day on which anyone of the arm was watched."""
    values = [Estimate(estimate=start, low=start, high=start), *(point.value for point in curve)]
    values.append(values[-1])
    return Line(
        label,
        [0, *(point.day for point in curve), arm.last_day or 0],
        [one.estimate for one in values],
        [one.low for one in values],
        [one.high for one in values],
    )


def _weeks(report: Endpoints) -> Iterator[Block]:
    yield Heading("Worst grade of each week")
    if not report.grades_by_week:
        yield Paragraph("Nobody was graded yet.")
        return
    grades = [f"grade {grade}" for grade in range(len(report.grades_by_week[0].grades))]
    panels = []
    for arm, label in report.arms.items():
        own = [week for week in report.grades_by_week if week.arm == arm]
        names = [f"{'' if week.period == 'during' else '+'}{week.week}" for week in own]
        panels.append((label, names, [week.grades for week in own]))
    yield Bars(
        "Subjects by their worst grade in each week",
        "The figures stand in the table below.",
        "week of radiotherapy; with + after its end",
        "subjects",
        grades,
        panels,
    )
    yield Table(
        "Subjects by their worst grade in each week",
        ["Week", "Arm", "Graded", *grades],
        [
            [
                f"{week.period} {week.week}",
                report.arms[week.arm],
                str(week.subjects),
                *(str(count) for count in week.grades),
            ]
            for week in sorted(
                report.grades_by_week, key=lambda one: (one.period == "after", one.week)
            )
        ],
    )


def safety(report: SafetyByArm) -> Iterator[Block]:
    """Adverse events by arm."""
    labels = list(report.arms.values())
    counted = ", ".join(f"{report.arms[arm]} {count}" for arm, count in report.subjects.items())
    yield Paragraph(
        f"Subjects: {counted}. Events that began before randomization and are left out:"
        f" {report.before_randomization}. Differences are {labels[0]} minus {labels[1]}."
    )
    yield from _events("Groups of adverse events", report.groups, labels)
    yield from _events("Adverse events by term", report.terms, labels)
    worst = "Subjects by the worst grade of each term (grades 1 / 2 / 3 / 4 / 5)"
    yield Table(
        worst,
        ["Term", *labels],
        [
            [row.kind, *(" / ".join(map(str, arm.worst)) for arm in row.arms)]
            for row in report.terms
        ],
    )


def _events(title: str, rows: Sequence[EventRow], labels: Sequence[str]) -> Iterator[Block]:
    yield Heading(title)
    yield Table(
        "Subjects (share), events",
        ["", *labels, "Difference (95 %)"],
        [
            [
                row.kind,
                *(
                    f"{arm.subjects}{'' if arm.share is None else f' ({arm.share:.1%})'},"
                    f" {arm.events}"
                    for arm in row.arms
                ),
                percent(row.difference),
            ]
            for row in rows
        ],
    )
    drawn = [(row.kind, row.difference) for row in rows if row.difference][:FOREST_TERMS]
    if drawn:
        yield Forest(
            f"{title}: differences of shares",
            "The differences of the table above with their intervals.",
            f"share in {labels[0]} minus share in {labels[1]}",
            [(kind, one.estimate, one.low, one.high) for kind, one in drawn],
        )

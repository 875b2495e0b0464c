"""Each report as a document for people."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from services.api.protocol.schema import Protocol
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
    Document,
    Forest,
    Heading,
    Items,
    Line,
    Lines,
    Paragraph,
    Table,
)
from services.api.reports.schemas import (
    Agreement,
    Completeness,
    Consort,
    Estimate,
    Flow,
    PairFigures,
    Recruitment,
    Report,
)

NONE = "–"
"""Stands where there is no figure."""
FOREST_TERMS = 20
"""So many terms at most are drawn; all stand in the table."""


def document(report: Report, protocol: Protocol) -> Document:
    """The report for people."""
    title, blocks = _parts(report)
    sites = ", ".join(report.sites) or "no site"
    return Document(
        title=title,
        subtitle=f"{protocol.study.nct_id} · {protocol.study.brief_title}",
        day=str(report.as_of),
        blocks=[
            Paragraph(
                f"Data cut-off {report.as_of}; newest record {_moment(report)}. Protocol version"
                f" {report.protocol_version}, whose rules derived every figure. Sites: {sites}."
            ),
            *blocks,
            Heading("How to read this"),
            Items(report.notes),
            Heading("Methods"),
            Items(report.methods),
        ],
    )


def _parts(report: Report) -> tuple[str, Iterable[Block]]:
    match report:
        case Recruitment():
            return "Recruitment", _recruitment(report)
        case Consort():
            return "Flow of subjects", _consort(report)
        case Completeness():
            return "Completeness of the records", _completeness(report)
        case Agreement():
            return "Agreement of gradings", _agreement(report)
        case Endpoints():
            return "Endpoints by arm", _endpoints(report)
        case SafetyByArm():
            return "Safety by arm", _safety(report)
        case _:
            raise TypeError(type(report))


def _moment(report: Report) -> str:
    newest = report.newest_record
    return "none" if newest is None else f"{newest:%Y-%m-%d %H:%M} UTC"


# --- blind to arm ---------------------------------------------------------------------------


def _recruitment(report: Recruitment) -> Iterator[Block]:
    target = "" if report.target is None else f" of {report.target}"
    yield Paragraph(f"{report.included}{target} subjects are included.")
    if report.forecast is not None:
        one = report.forecast
        yield Paragraph(
            f"If recruitment goes on as in the last {one.weeks:g} weeks ({one.included} included),"
            f" the last subject is included about {one.middle}; between {one.earliest} and"
            f" {one.latest} with 95 %."
        )
    elif report.target is not None:
        yield Paragraph("There is no forecast: too few were included lately, or all are.")
    if report.weeks:
        days = [week.week_of.toordinal() + 7 for week in report.weeks]
        lines = [Line("Included", days, [week.cumulative for week in report.weeks])]
        if report.target and report.planned_from and report.planned_to:
            ends = [report.planned_from.toordinal(), report.planned_to.toordinal()]
            lines.append(Line("Planned", ends, [0, report.target]))
        if report.target and report.forecast:
            lines.append(_foretold(report.forecast.middle, report))
        yield Lines(
            "Inclusions over time",
            f"{report.included} subjects included by {report.as_of}.",
            "",
            "subjects",
            lines,
            dates=True,
        )
    yield Table(
        "Inclusions by site",
        ["Site", "Included", "First", "Last"],
        [
            [one.site, str(one.included), _day(one.first_on), _day(one.last_on)]
            for one in report.by_site
        ],
    )
    yield Table(
        "Inclusions by week",
        ["Week of", *report.sites, "All", "Cumulative"],
        [
            [
                str(week.week_of),
                *(str(week.by_site.get(site, 0)) for site in report.sites),
                str(week.included),
                str(week.cumulative),
            ]
            for week in report.weeks
        ],
    )


def _foretold(middle: date, report: Recruitment) -> Line:
    assert report.target is not None  # noqa: S101 - its caller asks for one
    return Line(
        "Forecast",
        [report.as_of.toordinal(), middle.toordinal()],
        [report.included, report.target],
    )


def _consort(report: Consort) -> Iterator[Block]:
    rows = [
        ["Screened", str(report.screened)],
        ["Failed screening", str(report.excluded)],
        ["Left before randomization", str(report.left_before)],
        ["In screening, or waiting for randomization", str(report.waiting)],
    ]
    yield Table("Before randomization", ["", "Subjects"], rows)
    yield Table(
        "Criteria that the excluded did not pass",
        ["Criterion", "Subjects"],
        [[f"{one.id}  {one.text}", str(one.subjects)] for one in report.criteria],
    )
    yield Table("After randomization", ["", "Subjects"], list(_flow([report.flow])))


def _flow(flows: Sequence[Flow]) -> Iterator[list[str]]:
    """Lines with a figure for each flow."""
    for said, name in (
        ("Randomized", "randomized"),
        ("Later allocations of the same person, left out below", "not_retained"),
        ("Analysed by intention to treat", "analysed"),
        ("Started radiotherapy", "started_radiotherapy"),
    ):
        yield [said, *(str(getattr(flow, name)) for flow in flows)]
    for said, name in (
        ("Ended treatment", "treatment_ended"),
        ("Left the study", "study_left"),
    ):
        counts = [{one.cause: one.subjects for one in getattr(flow, name)} for flow in flows]
        yield [said, *(str(sum(count.values())) for count in counts)]
        for cause in sorted({cause for count in counts for cause in count}):
            yield [f"    {_words(cause)}", *(str(count.get(cause, 0)) for count in counts)]
    for said, name in (
        ("Primary outcome known at the end of observation", "evaluable"),
        ("Not evaluable at its end", "not_evaluable"),
        ("Still observed", "under_observation"),
    ):
        yield [said, *(str(getattr(flow, name)) for flow in flows)]


COMPLETENESS = (
    ("Subjects", "subjects"),
    ("Visits done", "visits_done"),
    ("Visits missed", "visits_missed"),
    ("Visits due", "visits_due"),
    ("Visits overdue", "visits_overdue"),
    ("Gradings", "gradings"),
    ("    signed", "gradings_signed"),
    ("    compared with their source", "gradings_verified"),
    ("    by an assessor without a certificate", "gradings_uncertified"),
    ("Visits graded twice", "visits_graded_twice"),
    ("Adjudications open", "adjudications_open"),
    ("Queries open", "queries_open"),
    ("    median age in days", "query_days_median"),
    ("    age of the oldest in days", "query_days_oldest"),
    ("Adverse events", "adverse_events"),
    ("    not signed", "adverse_events_unsigned"),
    ("Subjects frozen", "subjects_frozen"),
    ("Subjects locked", "subjects_locked"),
)


def _completeness(report: Completeness) -> Iterator[Block]:
    yield Table(
        "Records by site",
        ["", *report.sites],
        [
            [said, *(_number(getattr(one, name)) for one in report.by_site)]
            for said, name in COMPLETENESS
        ],
    )
    yield Bars(
        "Visits by how they stand",
        "Visits done, due, overdue and missed at each site; the figures stand in the table above.",
        "site",
        "visits",
        ["done", "due", "overdue", "missed"],
        [
            (
                "",
                report.sites,
                [
                    [one.visits_done, one.visits_due, one.visits_overdue, one.visits_missed]
                    for one in report.by_site
                ],
            )
        ],
    )


def _agreement(report: Agreement) -> Iterator[Block]:
    named: list[tuple[str, PairFigures]] = [
        ("All", report.together),
        *((one.site, one) for one in report.by_site),
        *((one.name, one) for one in report.by_assessor),
    ]
    yield Table(
        "Pairs of gradings: all, by site, and by assessor",
        ["", "Pairs", "Same grade", "Kappa, quadratic weights", "Kappa, linear weights"],
        [
            [
                name,
                str(one.pairs),
                NONE if one.agreeing is None else f"{one.agreeing:.0%}",
                _estimate(one.kappa_quadratic),
                _estimate(one.kappa_linear),
            ]
            for name, one in named
        ],
    )
    drawn = [(name, one.kappa_quadratic) for name, one in named if one.kappa_quadratic]
    if drawn:
        yield Forest(
            "Weighted kappa, quadratic weights",
            "Kappa with its interval for all pairs, each site and each assessor, as in the table.",
            "kappa",
            [(name, one.estimate, one.low, one.high) for name, one in drawn],
        )
    grades = [str(grade) for grade in range(len(report.together.table))]
    yield Table(
        "All pairs: first grading (row) by second grading (column)",
        ["Grade", *grades],
        [
            [grade, *(str(count) for count in row)]
            for grade, row in zip(grades, report.together.table, strict=True)
        ],
    )


# --- by arm ---------------------------------------------------------------------------------


def _endpoints(report: Endpoints) -> Iterator[Block]:
    labels = list(report.arms.values())
    yield Paragraph(f"Differences are {labels[0]} minus {labels[1]}.")
    yield Table("Flow of subjects", ["", *labels], list(_flow(report.flow)))
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
                _estimate(measure.difference, ".1f"),
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
            ["Share (95 %)", *(_percent(arm.share) for arm in one.arms)],
            ["Not evaluable, left out", *(str(arm.not_evaluable) for arm in one.arms)],
            ["Still observed, with an event", *(str(arm.early_events) for arm in one.arms)],
            ["Still observed, without", *(str(arm.pending) for arm in one.arms)],
        ],
    )
    test = one.stratified_test
    rows = [
        ["Difference, Miettinen–Nurminen", _percent(one.difference)],
        ["Difference, Newcombe", _percent(one.difference_newcombe)],
        ["Over the strata: common difference", _percent(one.common_difference)],
        ["Over the strata: common odds ratio", _estimate(one.common_odds_ratio)],
        [
            "Over the strata: Cochran–Mantel–Haenszel",
            "cannot be computed" if test is None else f"χ² = {test.statistic:.2f}, p {_p(test.p)}",
        ],
        *(
            [f"If not evaluable: {_lower(each.assumption)}", _percent(each.difference)]
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
            ["Median day", *(_number(arm.median_day) for arm in arms)],
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
    told = "cannot be computed" if test is None else f"χ² = {test.statistic:.2f}, p {_p(test.p)}"
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


def _safety(report: SafetyByArm) -> Iterator[Block]:
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
                _percent(row.difference),
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


# --- figures as text ------------------------------------------------------------------------


def _estimate(one: Estimate | None, form: str = ".2f") -> str:
    if one is None:
        return "cannot be computed"
    return _signs(f"{one.estimate:{form}} ({one.low:{form}} to {one.high:{form}})")


def _percent(one: Estimate | None) -> str:
    if one is None:
        return NONE
    return _signs(f"{one.estimate:.1%} ({one.low:.1%} to {one.high:.1%})")


def _signs(text: str) -> str:
    return text.replace("-", "−")


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:g}"


def _day(day: date | None) -> str:
    return NONE if day is None else str(day)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]

"""What people read of the reports that are blind to arm."""

from collections.abc import Iterator
from datetime import date

from services.api.reports.document import Bars, Block, Forest, Line, Lines, Paragraph, Table
from services.api.reports.schemas import Agreement, Completeness, Consort, PairFigures, Recruitment
from services.api.reports.wording import NONE, estimated, flow_rows, number, told_day


def recruitment(report: Recruitment) -> Iterator[Block]:
    """Inclusions against the target."""
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
            lines.append(_foretold(report, report.forecast.middle, report.target))
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
            [one.site, str(one.included), told_day(one.first_on), told_day(one.last_on)]
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


def _foretold(report: Recruitment, middle: date, target: int) -> Line:
    return Line(
        "Forecast",
        [report.as_of.toordinal(), middle.toordinal()],
        [report.included, target],
    )


def consort(report: Consort) -> Iterator[Block]:
    """The flow of subjects, all arms together."""
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
    yield Table("After randomization", ["", "Subjects"], list(flow_rows([report.flow])))


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


def completeness(report: Completeness) -> Iterator[Block]:
    """How complete the records are."""
    yield Table(
        "Records by site",
        ["", *report.sites],
        [
            [said, *(number(getattr(one, name)) for one in report.by_site)]
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


def agreement(report: Agreement) -> Iterator[Block]:
    """How well independent gradings agree."""
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
                estimated(one.kappa_quadratic),
                estimated(one.kappa_linear),
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

"""SV: the visits that took place or were missed, and the numbers that order them."""

import re
from collections.abc import Iterator

from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Variable, iso
from services.api.exports.extract import Part
from services.api.protocol.schema import Visits
from services.api.visits.rules import rule_of

AFTER = 1000.0
"""What visits after the repeated ones are numbered from: no trial repeats one so often."""


def visit_number(code: str, visits: Visits) -> float | None:
    """VISITNUM: in the order of the schedule, a week's repeated visits after one another.

    Visits before the repeated ones count 1, 2, …; the n-th of repeated ones
    has n hundredths of the rule's place after 100: RT3B is 103.2.
    """
    rule = rule_of(code, visits)
    if rule is None:
        return None
    place = visits.schedule.index(rule)
    repeated = [at for at, one in enumerate(visits.schedule) if one.repeat_every_days is not None]
    if rule.repeat_every_days is None:
        return place + 1.0 if not repeated or place < repeated[0] else AFTER + place
    before, _, after = rule.code.partition("{n}")
    found = re.fullmatch(re.escape(before) + r"(\d+)" + re.escape(after), code)
    times = int(found[1]) if found else 0
    return round(100 + times + (repeated.index(place) + 1) / 10, 1)


def _rows(one: Participant) -> Iterator[Row]:
    for row in one.record.current(Part.VISITS):
        yield Row(
            {
                "VISITNUM": visit_number(row.code, one.extract.protocol.visits),
                "VISIT": row.code,
                "SVPRESP": "Y",
                "SVOCCUR": "N" if row.visited_on is None else "Y",
                "SVREASOC": row.missed_reason,
                "SVSTDTC": iso(row.visited_on),
                "SVENDTC": iso(row.visited_on),
                "SVSTDY": one.study_day(row.visited_on),
                "SVENDY": one.study_day(row.visited_on),
            }
        )


SV = Domain(
    "SV",
    "Subject Visits",
    (
        Variable("VISITNUM", "Visit Number", "float", key=3),
        Variable("VISIT", "Visit Name"),
        Variable("SVPRESP", "Pre-specified", codes=ct.NY),
        Variable("SVOCCUR", "Occurrence", codes=ct.NY),
        Variable("SVREASOC", "Reason for Occur Value"),
        Variable("SVSTDTC", "Start Date/Time of Observation", "date"),
        Variable("SVENDTC", "End Date/Time of Observation", "date"),
        Variable("SVSTDY", "Study Day of Start of Observation", "integer"),
        Variable("SVENDY", "Study Day of End of Observation", "integer"),
    ),
    _rows,
    (Part.VISITS, Part.ALLOCATIONS),
    numbered=False,
)

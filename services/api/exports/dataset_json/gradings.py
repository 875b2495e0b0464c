"""RS: assessments of oral mucositis, as clinical classifications (SDTMIG 3.4, 6.3.5.9).

A clinician's grade and what it rests on are one instrument, so they stand in
one domain: a record for the grade, one for each component, and one for each
grade that follows from them. An adjudicator's decision is one more grade.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from services.api.core.permissions import Role
from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Value, Variable, flag
from services.api.exports.dataset_json.visits import visit_number
from services.api.exports.extract import Part
from services.api.gradings.rules import assessments

INSTRUMENT = "ORAL MUCOSITIS ASSESSMENT"
COMPONENTS = {
    "OMAPPEAR": "mucosal_appearance",
    "OMULCER": "ulceration",
    "OMPAIN": "pain_score",
    "OMANALG": "analgesic",
    "OMDIET": "diet",
}
DERIVED = {"OMPROT": "derived_protocol", "OMWHO": "derived_who", "OMRTOG": "derived_rtog"}


def _rows(one: Participant) -> Iterator[Row]:
    gradings = one.record.current(Part.GRADINGS)
    adjudications = one.record.current(Part.ADJUDICATIONS)
    counting = {found.visit: found for found in assessments(gradings, adjudications)}
    # Accounts and not assessors: a role may change, and then nobody else's number does.
    numbers = {account: number for number, account in enumerate(one.extract.users, start=1)}
    for row in gradings:
        counts = counting[row.visit]
        accepted = counts.adjudication is None and counts.grading == row.id
        yield from _grading(one, row, numbers[row.assessor], accepted=accepted)
    for row in adjudications:
        if row.grade is not None and row.visit in counting:
            yield _adjudicated(one, row, counting[row.visit].on)


def _grading(one: Participant, row: Any, assessor: int, *, accepted: bool) -> Iterator[Row]:
    at, day = one.moment(row.assessed_at), one.study_day(row.assessed_on)
    independent = one.extract.users[row.assessor].role == Role.ASSESSOR
    common: dict[str, Value] = {
        "RSGRPID": str(row.id),
        "RSCAT": INSTRUMENT,
        "RSEVAL": ct.EVAL[Role.ASSESSOR if independent else Role.INVESTIGATOR],
        "RSEVALID": f"ASSESSOR {assessor}",
        "VISITNUM": visit_number(row.visit, one.extract.protocol.visits),
        "VISIT": row.visit,
        "RSDTC": at,
        "RSDY": day,
    }
    yield Row({**common, **_result("OMGRADE", row.grade), "RSACPTFL": flag(accepted)})
    for test, name in COMPONENTS.items():
        yield Row({**common, **_result(test, getattr(row, name))})
    for test, name in DERIVED.items():
        if (grade := getattr(row, name)) is not None:
            yield Row({**common, **_result(test, grade), "RSDRVFL": "Y"})


def _adjudicated(one: Participant, row: Any, on: date) -> Row:
    return Row(
        {
            "RSGRPID": str(row.id),
            "RSCAT": INSTRUMENT,
            **_result("OMGRADE", row.grade),
            "RSACPTFL": "Y",
            "RSEVAL": ct.EVAL["adjudicator"],
            "VISITNUM": visit_number(row.visit, one.extract.protocol.visits),
            "VISIT": row.visit,
            "RSDTC": on.isoformat(),
            "RSDY": one.study_day(on),
        }
    )


def _result(test: str, value: bool | int | str) -> dict[str, Value]:
    told: str = ct.NY[str(value).lower()] if isinstance(value, bool) else str(value).upper()
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return {
        "RSTESTCD": test,
        "RSTEST": ct.RSTESTCD[test],
        "RSORRES": told.replace("_", " "),
        "RSSTRESC": told.replace("_", " "),
        "RSSTRESN": number,
    }


RS = Domain(
    "RS",
    "Disease Response and Clin Classification",
    (
        Variable("RSGRPID", "Group ID"),
        Variable("RSTESTCD", "Assessment Short Name", key=3),
        Variable("RSTEST", "Assessment Name"),
        Variable("RSCAT", "Category for Assessment", codes=ct.RSCAT),
        Variable("RSORRES", "Result or Finding in Original Units"),
        Variable("RSSTRESC", "Character Result/Finding in Std Format"),
        Variable("RSSTRESN", "Numeric Result/Finding in Standard Units", "integer"),
        Variable("RSDRVFL", "Derived Flag", codes=ct.NY),
        Variable("RSACPTFL", "Accepted Record Flag", codes=ct.NY),
        Variable("RSEVAL", "Evaluator", key=5, codes=ct.EVAL),
        Variable("RSEVALID", "Evaluator Identifier", key=6),
        Variable("VISITNUM", "Visit Number", "float", key=4),
        Variable("VISIT", "Visit Name"),
        Variable("RSDTC", "Date/Time of Assessment", "datetime"),
        Variable("RSDY", "Study Day of Assessment", "integer"),
    ),
    _rows,
    (Part.GRADINGS, Part.ADJUDICATIONS, Part.ALLOCATIONS),
)

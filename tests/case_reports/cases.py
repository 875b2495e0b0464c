"""Cases made up for the tests of reports: a plain one, and what it takes to vary it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.api.case_reports.rules import Case, Radiotherapy, Version
from services.api.protocol import load
from services.api.protocol.schema import Protocol
from tests.first_trial import FIRST_TRIAL

DOCUMENTS = Path(load.__file__).parent / "documents"
PROTOCOL: Protocol = FIRST_TRIAL.protocol

FIRST = UUID("019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19")
SECOND = UUID("019c8a56-90c4-7b3d-8f21-6e5d4c3b2a20")
ELSEWHERE = UUID("019c8a56-90c4-7b3d-8f21-6e5d4c3b2a99")
CREATED = datetime(2026, 4, 12, 2, tzinfo=UTC)

SUSAR = Version(
    event_id=FIRST,
    version=1,
    informed_at=datetime(2026, 4, 11, 1, 15, tzinfo=UTC),
    aware_at=datetime(2026, 4, 11, 1, 15, tzinfo=UTC),
    reason=None,
    nullified=False,
    serious=True,
    suspected=True,
    expectedness="unexpected",
    expected=False,
    reference_version="2.0",
    term="Dysphagia",
    term_detail=None,
    meddra_code="10013950",
    meddra_version="20.1",
    ctcae_version="5.0",
    grade=3,
    onset_on=date(2026, 4, 10),
    resolved_on=None,
    seriousness=("hospitalisation",),
    causality_study_drug="possibly",
    causality_radiotherapy="probably",
    sponsor_causality="unlikely",
    action_taken="none",
    outcome="not_recovered",
    narrative="Admitted for tube feeding after two days without solid food.",
)

CASE = Case(
    case_id=FIRST,
    versions=(SUSAR,),
    linked=(),
    subject_number="NN-0007",
    year_of_birth=1970,
    sex="female",
    died=False,
    died_on=None,
    site_name="LiuZhou People's Hospital",
    receives_study_drug=True,
    drug_days=(date(2026, 3, 25), date(2026, 4, 10)),
    radiotherapy=Radiotherapy(
        planned_dose_gy=66,
        planned_fractions=33,
        first_fraction_on=date(2026, 4, 1),
        last_fraction_on=None,
        concurrent_chemotherapy=True,
    ),
)


def version(**changes: Any) -> Version:
    """The plain SUSAR, with changes."""
    return replace(SUSAR, **changes)


def case(*versions: Version, **changes: Any) -> Case:
    """The plain case of these versions, with changes."""
    return replace(CASE, versions=versions or CASE.versions, **changes)


WORSE = version(
    event_id=SECOND,
    informed_at=datetime(2026, 4, 14, 3, tzinfo=UTC),
    aware_at=datetime(2026, 4, 14, 3, tzinfo=UTC),
    grade=4,
    onset_on=date(2026, 4, 13),
    seriousness=("life_threatening", "hospitalisation"),
    expectedness=None,
    sponsor_causality=None,
    action_taken="interrupted",
    narrative=None,
)
"""The same event, grave: the case's second occurrence."""

FATAL = version(
    version=2,
    reason="The subject died",
    informed_at=datetime(2026, 4, 20, 3, tzinfo=UTC),
    grade=5,
    resolved_on=date(2026, 4, 19),
    seriousness=("death",),
    outcome="fatal",
)

NULLIFIED = version(
    version=2,
    reason="Recorded for another subject",
    informed_at=datetime(2026, 4, 20, 3, tzinfo=UTC),
    nullified=True,
)

EVERY_KIND: dict[str, Case] = {
    "plain": CASE,
    "control arm": case(receives_study_drug=False, drug_days=None),
    "not randomized": case(receives_study_drug=None, drug_days=None, radiotherapy=None),
    "no day of drug yet": case(drug_days=None),
    "grown worse": case(SUSAR, WORSE),
    "fatal": case(SUSAR, FATAL, died=True, died_on=date(2026, 4, 19)),
    "nullified": case(SUSAR, NULLIFIED),
    "linked": case(linked=(ELSEWHERE,)),
    "continued": case(version(narrative="x" * 20_000), *(
        version(event_id=UUID(int=number), narrative=str(number % 10) * 20_000)
        for number in range(1, 8)
    )),
}  # fmt: skip
"""One case of every shape that a report can have."""

"""AE: what happened to a subject's safety; occurrences reported in error are left out."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from services.api.adverse_events.cases import lasts_until
from services.api.adverse_events.schemas import Seriousness
from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Variable, flag, iso
from services.api.exports.extract import Part
from services.api.protocol.terms import load_terms, versions

SERIOUSNESS = {
    "AESDTH": (Seriousness.DEATH, "Results in Death"),
    "AESLIFE": (Seriousness.LIFE_THREATENING, "Is Life Threatening"),
    "AESHOSP": (Seriousness.HOSPITALISATION, "Requires or Prolongs Hospitalization"),
    "AESDISAB": (Seriousness.DISABILITY, "Persist or Signif Disability/Incapacity"),
    "AESCONG": (Seriousness.CONGENITAL_ANOMALY, "Congenital Anomaly or Birth Defect"),
    "AESMIE": (Seriousness.OTHER_MEDICALLY_IMPORTANT, "Other Medically Important Serious Event"),
}


def _rows(one: Participant) -> Iterator[Row]:
    standing = [row for row in one.record.current(Part.ADVERSE_EVENTS) if not row.nullified]
    following = {row.continues: row.onset_on for row in standing}
    for row in standing:
        yield _row(one, row, following.get(row.id))


def _row(one: Participant, row: Any, next_onset_on: date | None) -> Row:
    organ_class = _organ_class(row)
    until = lasts_until(row.resolved_on, next_onset_on, one.record.subject.died_on)
    return Row(
        {
            "AEGRPID": str(row.first_id or row.id),
            "AESPID": str(row.id),
            "AETERM": row.term_detail or row.term,
            "AELLT": row.term,
            "AELLTCD": int(row.meddra_code),
            "AEDECOD": row.term,
            "AEBODSYS": organ_class,
            "AESOC": organ_class,
            "AESER": "Y" if row.serious else "N",
            "AEACN": ct.ACN[row.action_taken],
            "AEREL": ct.CAUSALITY[row.causality_study_drug],
            "AERELNST": ct.CAUSALITY[row.causality_radiotherapy],
            "AEOUT": ct.OUT[row.outcome],
            **{
                name: ("Y" if criterion in row.seriousness else "N") if row.serious else None
                for name, (criterion, _) in SERIOUSNESS.items()
            },
            "AETOXGR": str(row.grade),
            "AESTDTC": iso(row.onset_on),
            "AEENDTC": iso(until),
            "AESTDY": one.study_day(row.onset_on),
            "AEENDY": one.study_day(until),
        },
        {
            "AEAWARE": one.moment(row.aware_at),
            "AEEXPECT": row.expectedness and row.expectedness.upper(),
            "AERELSP": row.sponsor_causality and ct.CAUSALITY[row.sponsor_causality],
            "AEREFVER": row.reference_version,
            "AECTCVER": row.ctcae_version,
            "AEMEDVER": row.meddra_version,
            "AECONTIN": flag(row.continues),
        },
    )


def _organ_class(row: Any) -> str | None:
    if row.ctcae_version not in versions():
        return None
    term = load_terms(row.ctcae_version).named(row.term)
    return None if term is None else term.system_organ_class


AE = Domain(
    "AE",
    "Adverse Events",
    (
        Variable("AEGRPID", "Group ID"),
        Variable("AESPID", "Sponsor-Defined Identifier"),
        Variable("AETERM", "Reported Term for the Adverse Event"),
        Variable("AELLT", "Lowest Level Term"),
        Variable("AELLTCD", "Lowest Level Term Code", "integer"),
        Variable("AEDECOD", "Dictionary-Derived Term", key=3),
        Variable("AEBODSYS", "Body System or Organ Class"),
        Variable("AESOC", "Primary System Organ Class"),
        Variable("AESER", "Serious Event", codes=ct.NY),
        Variable("AEACN", "Action Taken with Study Treatment", codes=ct.ACN),
        Variable("AEREL", "Causality", codes=ct.CAUSALITY),
        Variable("AERELNST", "Relationship to Non-Study Treatment", codes=ct.CAUSALITY),
        Variable("AEOUT", "Outcome of Adverse Event", codes=ct.OUT),
        *(Variable(name, label, codes=ct.NY) for name, (_, label) in SERIOUSNESS.items()),
        Variable("AETOXGR", "Standard Toxicity Grade", codes=ct.TOXGR),
        Variable("AESTDTC", "Start Date/Time of Adverse Event", "date", key=4),
        Variable("AEENDTC", "End Date/Time of Adverse Event", "date"),
        Variable("AESTDY", "Study Day of Start of Adverse Event", "integer"),
        Variable("AEENDY", "Study Day of End of Adverse Event", "integer"),
    ),
    _rows,
    (Part.ADVERSE_EVENTS, Part.ALLOCATIONS),
    {
        "AEAWARE": "Site Became Aware At",
        "AEEXPECT": "Expectedness",
        "AERELSP": "Causality in the Sponsor's Judgment",
        "AEREFVER": "Reference Safety Information Version",
        "AECTCVER": "CTCAE Version",
        "AEMEDVER": "MedDRA Version",
        "AECONTIN": "Continues an Earlier Occurrence",
    },
)

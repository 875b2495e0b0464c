"""CDISC controlled terminology: the submission values that the trial's own codes stand for.

Each list has the NCI code of its codelist. Sources: CDISC SDTM Controlled Terminology; SDTM
Implementation Guide 3.4. `extensible` lists take values of the trial's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.api.adverse_events.schemas import ActionTaken, CausalityVerdict, EventOutcome
from services.api.core.permissions import Role
from services.api.discontinuations.rules import StudyCause, TreatmentCause
from services.api.enrolment.rules import SubjectStatus
from services.api.enrolment.schemas import Sex


@dataclass(frozen=True, slots=True)
class Codelist:
    """A list of submission values, by what the trial records; None is the sponsor's own list."""

    name: str
    code: str | None
    values: Mapping[str, str]
    extensible: bool = field(default=False)

    def __getitem__(self, recorded: str) -> str:
        """The submission value of what is recorded."""
        return self.values[recorded]


def same(name: str, code: str | None, *values: str, extensible: bool = False) -> Codelist:
    """A list whose values are written as they are."""
    return Codelist(name, code, {value: value for value in values}, extensible)


SEX = Codelist("SEX", "C66731", {Sex.FEMALE: "F", Sex.MALE: "M"})
NY = Codelist("NY", "C66742", {"true": "Y", "false": "N"})
AGEU = same("AGEU", "C66781", "YEARS")
ARMNULRS = same("ARMNULRS", "C142179", "SCREEN FAILURE", "NOT ASSIGNED", "ASSIGNED, NOT TREATED")
DSCAT = same("DSCAT", "C74558", "PROTOCOL MILESTONE", "DISPOSITION EVENT", "OTHER EVENT")
DSSCAT = same("DSSCAT", "C170443", "STUDY PARTICIPATION", "STUDY TREATMENT", extensible=True)
PROTMLST = same("PROTMLST", "C114118", "INFORMED CONSENT OBTAINED", "RANDOMIZED", extensible=True)
OTHEVENT = same("OTHEVENT", "C150811", "INFORMED CONSENT WITHDRAWN", extensible=True)
_LOST, _DEAD, _WITHDREW = "LOST TO FOLLOW-UP", "DEATH", "WITHDRAWAL BY SUBJECT"
NCOMPLT = Codelist(
    "NCOMPLT",
    "C66727",
    {
        SubjectStatus.COMPLETED: "COMPLETED",
        SubjectStatus.SCREEN_FAILED: "SCREEN FAILURE",
        # Set by hand: it is not known who decided.
        SubjectStatus.WITHDRAWN: "OTHER",
        SubjectStatus.DIED: _DEAD,
        SubjectStatus.LOST_TO_FOLLOW_UP: _LOST,
        StudyCause.CONSENT_WITHDRAWN: _WITHDREW,
        StudyCause.DEATH: _DEAD,
        StudyCause.PHYSICIAN_DECISION: "PHYSICIAN DECISION",
        StudyCause.OTHER: "OTHER",
        TreatmentCause.ADVERSE_EVENT: "ADVERSE EVENT",
        TreatmentCause.SUBJECT_DECISION: _WITHDREW,
        TreatmentCause.NONCOMPLIANCE: "NON-COMPLIANCE WITH STUDY DRUG",
        TreatmentCause.RADIOTHERAPY_STOPPED: "RADIOTHERAPY STOPPED",
    },
    extensible=True,
)
ACN = Codelist(
    "ACN",
    "C66767",
    {
        ActionTaken.NONE: "DOSE NOT CHANGED",
        ActionTaken.INTERRUPTED: "DRUG INTERRUPTED",
        ActionTaken.WITHDRAWN: "DRUG WITHDRAWN",
        ActionTaken.NOT_APPLICABLE: "NOT APPLICABLE",
        ActionTaken.UNKNOWN: "UNKNOWN",
    },
)
OUT = Codelist(
    "OUT",
    "C66768",
    {
        EventOutcome.RECOVERED: "RECOVERED/RESOLVED",
        EventOutcome.RECOVERING: "RECOVERING/RESOLVING",
        EventOutcome.NOT_RECOVERED: "NOT RECOVERED/NOT RESOLVED",
        EventOutcome.RECOVERED_WITH_SEQUELAE: "RECOVERED/RESOLVED WITH SEQUELAE",
        EventOutcome.FATAL: "FATAL",
        EventOutcome.UNKNOWN: "UNKNOWN",
    },
)
# The guide binds no list to a toxicity grade.
TOXGR = same("AETOXGR", None, "1", "2", "3", "4", "5")
CAUSALITY = Codelist(
    "AEREL",
    None,
    {
        CausalityVerdict.RELATED: "RELATED",
        CausalityVerdict.PROBABLY: "PROBABLY RELATED",
        CausalityVerdict.POSSIBLY: "POSSIBLY RELATED",
        CausalityVerdict.UNLIKELY: "UNLIKELY RELATED",
        CausalityVerdict.NOT_RELATED: "NOT RELATED",
        CausalityVerdict.NOT_ASSESSABLE: "NOT ASSESSABLE",
    },
)
UNIT = same("UNIT", "C71620", "mL", "Gy", extensible=True)
EVAL = Codelist(
    "EVAL",
    "C78735",
    {
        Role.ASSESSOR: "INDEPENDENT ASSESSOR",
        Role.INVESTIGATOR: "INVESTIGATOR",
        "adjudicator": "ADJUDICATOR",
    },
    extensible=True,
)
RSCAT = same("RSCAT", None, "ORAL MUCOSITIS ASSESSMENT")
RSTESTCD = Codelist(
    "RSTESTCD",
    None,
    {
        "OMGRADE": "Oral Mucositis Grade",
        "OMAPPEAR": "Worst Appearance of the Mucosa",
        "OMULCER": "Ulceration",
        "OMPAIN": "Oral Pain Score",
        "OMANALG": "Strongest Analgesic Needed",
        "OMDIET": "Diet Tolerated",
        "OMPROT": "Protocol Grade From Components",
        "OMWHO": "WHO Grade From Components",
        "OMRTOG": "RTOG Grade From Components",
    },
)
"""Tests of the trial's own: the codes are the keys, their names the values."""
COUNTRY = Codelist(
    "COUNTRY",
    "ISO 3166-1",
    {
        "AU": "AUS",
        "BR": "BRA",
        "CA": "CAN",
        "CN": "CHN",
        "DE": "DEU",
        "ES": "ESP",
        "FR": "FRA",
        "GB": "GBR",
        "HK": "HKG",
        "IN": "IND",
        "IT": "ITA",
        "JP": "JPN",
        "KR": "KOR",
        "NL": "NLD",
        "SG": "SGP",
        "TW": "TWN",
        "US": "USA",
    },
    extensible=True,
)

CODELISTS = (
    SEX,
    NY,
    AGEU,
    ARMNULRS,
    DSCAT,
    DSSCAT,
    PROTMLST,
    OTHEVENT,
    NCOMPLT,
    ACN,
    OUT,
    TOXGR,
    CAUSALITY,
    UNIT,
    EVAL,
    RSCAT,
    COUNTRY,
)

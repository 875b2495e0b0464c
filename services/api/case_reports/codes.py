"""The code lists of ICH E2B(R3) that a report uses, and the trial's words in them.

Source: ICH E2B(R3) Implementation Guide, appendix I: code lists and object identifiers.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.api.case_reports.schemas import Coded

MEDDRA = "2.16.840.1.113883.6.163"
COUNTRIES = "1.0.3166.1.2.2"
SEXES = "1.0.5218"
_LISTS = "2.16.840.1.113883.3.989.2.1.1"
_NAMESPACES = "2.16.840.1.113883.3.989.2.1.3"


def code_list(number: int) -> str:
    """The object identifier of one of ICH's code lists."""
    return f"{_LISTS}.{number}"


def namespace(number: int) -> str:
    """The object identifier under which ICH's identifiers of one kind stand."""
    return f"{_NAMESPACES}.{number}"


def _words(**codes: str) -> Mapping[str, Coded]:
    """The trial's word, its code, and the list's meaning, written `code meaning`."""
    split = {word: text.partition(" ") for word, text in codes.items()}
    return MappingProxyType(
        {word: Coded(code=code, meaning=meaning) for word, (code, _, meaning) in split.items()}
    )


ICHICSR = Coded(code="1", meaning="ichicsr")
REPORT_FROM_STUDY = Coded(code="2", meaning="report from study")
FIRST_SENDER_OTHER = Coded(code="2", meaning="other")
NULLIFICATION = Coded(code="1", meaning="nullification")
PRIMARY = Coded(code="1", meaning="primary")
CLINICAL_TRIAL = Coded(code="1", meaning="clinical trials")

QUALIFICATIONS = _words(
    physician="1 physician", other_health_professional="3 other health professional"
)
SENDERS = _words(
    pharmaceutical_company="1 pharmaceutical company",
    health_professional="3 health professional",
    other="6 other",
)
AGE_GROUPS = _words(
    infant="2 infant",
    child="3 child",
    adolescent="4 adolescent",
    adult="5 adult",
    elderly="6 elderly",
)
SEX = _words(male="1 male", female="2 female")
OUTCOMES = _words(
    recovered="1 recovered/resolved",
    recovering="2 recovering/resolving",
    not_recovered="3 not recovered/not resolved/ongoing",
    recovered_with_sequelae="4 recovered/resolved with sequelae",
    fatal="5 fatal",
    unknown="0 unknown",
)
ROLES = _words(
    suspect="1 suspect", concomitant="2 concomitant", not_administered="4 drug not administered"
)
ACTIONS = _words(
    none="4 dose not changed",
    interrupted="1 drug withdrawn",  # the list has no interruption: G.k.11 says that it was one
    withdrawn="1 drug withdrawn",
    not_applicable="9 not applicable",
    unknown="0 unknown",
)
JUDGMENTS = MappingProxyType(
    {
        "related": "Related",
        "probably": "Probably related",
        "possibly": "Possibly related",
        "unlikely": "Unlikely related",
        "not_related": "Not related",
        "not_assessable": "Not assessable",
    }
)

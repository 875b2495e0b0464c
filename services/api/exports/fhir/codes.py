"""The codes of the export: the trial's own code systems, and official codes for the same.

A code of the trial's own is the value that the API and the database hold. An official code stands
beside it only where it means the same; the sources are named at each table.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from services.api.adverse_events.schemas import ActionTaken, CausalityVerdict, Seriousness
from services.api.core.permissions import Role
from services.api.discontinuations.rules import StudyCause
from services.api.endpoint.rules import OutcomeStatus
from services.api.enrolment.rules import SubjectStatus
from services.api.exports.fhir.elements import HL7, NCIT, Json, Names, coding, resource, written
from services.api.protocol.schema import Component, Protocol

ASSESSMENTS: Mapping[str, str] = MappingProxyType(
    {
        "grading": "Grade of oral mucositis on the protocol's scale",
        "adjudicated-grade": "Grade of oral mucositis of a visit whose gradings differ",
        "radiotherapy": "Radiotherapy as planned and delivered",
        "primary-outcome": "Primary outcome, derived from the gradings",
        "secondary-outcome": "Secondary outcome, derived from the gradings",
        "certified": "Whether the assessor held a valid certificate on the day",
        "derived-protocol": "Grade on the protocol's scale, derived from the components",
        "derived-who": "Grade on the WHO scale, derived from the components",
        "derived-rtog": "Grade on the RTOG scale, derived from the components",
        "planned-dose": "Planned total dose",
        "planned-fractions": "Planned number of fractions",
        "delivered-dose": "Delivered total dose",
        "delivered-fractions": "Delivered number of fractions",
        "concurrent-chemotherapy": "Whether chemotherapy is given together with radiotherapy",
        "max-grade": "Highest grade in the time of observation",
        "days-severe": "Days at or above the severe grade",
        "days-to-first-severe": "Days from the first fraction to the first severe grade",
    }
)
"""What is observed, beside the components of a grading that the protocol names."""

PAIN_SCORE = coding(
    "http://loinc.org",
    "72514-3",
    "Pain severity - 0-10 verbal numeric rating [Score] - Reported",
)
"""LOINC; the same question as the component of that id."""

GRADES: Mapping[int, Json] = MappingProxyType(
    {
        1: coding(NCIT, "C41338", "Grade 1 Mild Adverse Event"),
        2: coding(NCIT, "C41339", "Grade 2 Moderate Adverse Event"),
        3: coding(NCIT, "C41340", "Grade 3 Severe Adverse Event"),
        4: coding(NCIT, "C41337", "Grade 4 Life Threatening or Disabling Adverse Event"),
        5: coding(NCIT, "C48275", "Grade 5 Death Related to Adverse Event"),
    }
)
"""HL7 value set adverse-event-clinical-research-grades."""

SERIOUSNESS: Mapping[str, Json] = MappingProxyType(
    {
        Seriousness.DEATH: coding(NCIT, "C48275", "Results In Death"),
        Seriousness.LIFE_THREATENING: coding(NCIT, "C84266", "Is Life Threatening"),
        Seriousness.HOSPITALISATION: coding(NCIT, "C83052", "Requires Inpatient Hospitalization"),
    }
)
"""HL7 value set adverse-event-clinical-research-seriousness-criteria, as far as it fits."""

OUTCOMES: Mapping[str, tuple[Json, ...]] = MappingProxyType(
    {
        "recovered": (
            coding(f"{HL7}/adverse-event-outcome", "resolved"),
            coding(NCIT, "C49498", "Recovered/Resolved"),
        ),
        "recovering": (
            coding(f"{HL7}/adverse-event-outcome", "recovering"),
            coding(NCIT, "C49496", "Recovering/Resolving"),
        ),
        "not_recovered": (
            coding(f"{HL7}/adverse-event-outcome", "ongoing"),
            coding(NCIT, "C49494", "Not recovering/not resolved"),
        ),
        "recovered_with_sequelae": (
            coding(f"{HL7}/adverse-event-outcome", "resolvedWithSequelae"),
            coding(NCIT, "C49495", "Recovered/Resolved with sequelae"),
        ),
        "fatal": (
            coding(f"{HL7}/adverse-event-outcome", "fatal"),
            coding(NCIT, "C48275", "Fatal"),
        ),
        "unknown": (coding(f"{HL7}/adverse-event-outcome", "unknown"),),
    }
)
"""HL7 adverse-event-outcome, and value set adverse-event-clinical-research-outcomes."""

CAUSALITY: Mapping[str, Json] = MappingProxyType(
    {
        "probably": coding(f"{HL7}/adverse-event-causality-assess", "probably-likely"),
        "possibly": coding(f"{HL7}/adverse-event-causality-assess", "possible"),
        "unlikely": coding(f"{HL7}/adverse-event-causality-assess", "unlikely"),
        "not_assessable": coding(
            f"{HL7}/adverse-event-causality-assess", "unassessable-unclassifiable"
        ),
    }
)
"""HL7's codes of the WHO-UMC terms; they have none for `not_related`, and `certain` says more
than `related`."""


class Responsibility(StrEnum):
    """Whose verdict on causality it is."""

    INVESTIGATOR = "investigator"
    SPONSOR = "sponsor"


ENUMERATIONS: Mapping[str, tuple[str, type[StrEnum]]] = MappingProxyType(
    {
        "role": ("Roles in the trial", Role),
        "subject-status": ("States of a subject", SubjectStatus),
        "study-cause": ("Why a subject left the study", StudyCause),
        "outcome-status": ("What is known of an outcome", OutcomeStatus),
        "seriousness": ("Criteria of seriousness, ICH E2B(R3) E.i.3.2", Seriousness),
        "causality": ("How likely a treatment caused an event", CausalityVerdict),
        "responsibility": ("Whose verdict on causality it is", Responsibility),
        "action-taken": ("What was done with the study drug", ActionTaken),
    }
)
"""Code systems that are an enumeration of the API; the display is the value in words."""


def code_systems(names: Names, protocol: Protocol) -> Iterator[Json]:
    """The definition of every code of the trial's own that the export uses."""
    for name, (title, values) in ENUMERATIONS.items():
        yield _system(names, protocol, name, title, {one.value: _words(one) for one in values})
    yield _system(names, protocol, "assessment", "What is observed", ASSESSMENTS)
    yield _system(
        names,
        protocol,
        "component",
        "Components of a grading",
        {one.id: one.label for one in protocol.grading.components},
    )
    for component in protocol.grading.components:
        if not two_valued(component) and component.choices:
            choices = {written(one): _words(written(one)) for one in component.choices}
            yield _system(names, protocol, component.id, component.label, choices)
    yield _system(names, protocol, "arm", "Arms", {arm.code: arm.label for arm in protocol.arms})
    yield _system(
        names,
        protocol,
        "criterion",
        "Eligibility criteria",
        {one.id: one.text for one in protocol.eligibility.criteria},
    )
    yield _system(
        names,
        protocol,
        "visit",
        "Visits; {n} stands for the week of radiotherapy",
        {one.code: one.label for one in protocol.visits.schedule},
    )


def two_valued(component: Component) -> bool:
    """Whether the component is true or false: FHIR has a type for that, and needs no code."""
    return {type(one) for one in component.choices} == {bool}


def _system(
    names: Names,
    protocol: Protocol,
    name: str,
    title: str,
    concepts: Mapping[str, str],
) -> Json:
    own_id = name.replace("_", "-")
    return resource(
        "CodeSystem",
        own_id,
        url=names.system(name),
        version=protocol.version,
        name="".join(part.capitalize() for part in own_id.split("-")),
        title=title,
        status="active",
        experimental=False,
        caseSensitive=True,
        content="complete",
        concept=[{"code": code, "display": display} for code, display in concepts.items()],
    )


def _words(value: str) -> str:
    return str(value).replace("_", " ").capitalize()

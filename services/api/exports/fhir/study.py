"""The trial itself: ResearchStudy and what it refers to. Source: the protocol document."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from services.api.exports.extract import Extract
from services.api.exports.fhir.codes import code_systems
from services.api.exports.fhir.elements import (
    HL7,
    Json,
    Names,
    coding,
    concept,
    kept,
    reference,
    resource,
)
from services.api.protocol.schema import Arm, Outcome, Protocol

REGISTRY = "https://clinicaltrials.gov"
ELIGIBILITY, STUDY_DRUG = "eligibility", "study-drug"

_ARM_TYPES = "http://hl7.org/fhir/research-study-arm-type"
_ROLES = "http://hl7.org/fhir/research-study-party-role"
_OBJECTIVES = f"{HL7}/research-study-objective-type"
_DESIGNS: Mapping[str, Json] = MappingProxyType(
    {
        "INTERVENTIONAL": coding("http://hl7.org/fhir/study-design", "SEVCO:01001"),
        "RANDOMIZED": coding("http://hl7.org/fhir/study-design", "SEVCO:01003"),
    }
)
"""The Scientific Evidence Code System's codes of the registry's words."""
_PHASES: Mapping[str, str] = MappingProxyType(
    {
        "NA": "n-a",
        "EARLY_PHASE1": "early-phase-1",
        "PHASE1": "phase-1",
        "PHASE2": "phase-2",
        "PHASE3": "phase-3",
        "PHASE4": "phase-4",
    }
)


def resources(extract: Extract, names: Names) -> Iterator[Json]:
    """The study, its sites, arms, criteria, outcomes and the study drug, and the trial's codes."""
    protocol = extract.protocol
    yield from code_systems(names, protocol)
    parties = _parties(protocol)
    for party_id, party in parties.items():
        yield _organization(names, party_id, party)
    for site in protocol.sites:
        yield _location(names, protocol, site.code, site.name, site.city)
    for arm in protocol.arms:
        yield _arm_variable(names, protocol, arm)
    for kind, grade, outcome in _outcomes(protocol):
        yield _outcome_variable(names, protocol, kind, grade, outcome)
    yield _eligibility(names, protocol)
    yield _medication(protocol)
    yield _study(names, protocol, parties)


def _parties(protocol: Protocol) -> dict[str, str]:
    """Organizations by their id: the sites, and of sponsor and collaborators who is no site."""
    parties = {site.code: site.name for site in protocol.sites}
    for party_id, name in (
        ("sponsor", protocol.study.sponsor),
        *((f"collaborator-{n}", name) for n, name in enumerate(protocol.study.collaborators, 1)),
    ):
        if name not in parties.values():
            parties[party_id] = name
    return parties


def _study(names: Names, protocol: Protocol, parties: Mapping[str, str]) -> Json:
    study = protocol.study
    by_name = {name: party for party, name in parties.items()}
    organisation_id = {"value": study.organisation_study_id, "assigner": {"display": study.sponsor}}
    return resource(
        "ResearchStudy",
        study.nct_id,
        url=names.url("ResearchStudy", study.nct_id),
        identifier=[
            {"use": "official", "system": REGISTRY, "value": study.nct_id},
            organisation_id,
        ],
        version=protocol.version,
        name=study.nct_id,
        title=study.brief_title,
        label=[
            {
                "type": concept(coding("http://hl7.org/fhir/title-type", "official")),
                "value": study.official_title,
            }
        ],
        status="active",
        phase=_phase(study.phase),
        studyDesign=[
            concept(*([_DESIGNS[word]] if word in _DESIGNS else []), text=word)
            for word in (study.study_type, study.allocation, study.intervention_model)
        ]
        + [{"text": f"Masking: {study.masking}"}],
        condition=[{"text": condition} for condition in study.conditions],
        associatedParty=[
            _party("lead-sponsor", study.sponsor, by_name),
            *(_party("collaborator", name, by_name) for name in study.collaborators),
        ],
        site=[reference("Location", site.code) for site in protocol.sites],
        recruitment={
            "targetNumber": study.target_enrolment,
            "eligibility": reference("Group", ELIGIBILITY),
        },
        comparisonGroup=[_comparison_group(names, arm) for arm in protocol.arms],
        outcomeMeasure=[
            {
                "name": outcome.measure,
                "type": [concept(coding(_OBJECTIVES, kind))],
                "description": f"{outcome.time_frame}. {outcome.description}",
                "reference": reference("EvidenceVariable", _outcome_id(kind, grade)),
            }
            for kind, grade, outcome in _outcomes(protocol)
        ],
    )


def _phase(phase: str) -> Json:
    code = _PHASES.get(phase)
    found = [coding(f"{HL7}/research-study-phase", code)] if code else []
    return concept(*found, text=phase)


def _party(role: str, name: str, by_name: Mapping[str, str]) -> Json:
    return {
        "name": name,
        "role": concept(coding(_ROLES, role)),
        "party": reference("Organization", by_name[name]),
    }


def _comparison_group(names: Names, arm: Arm) -> Json:
    return {
        "linkId": arm.code,
        "name": arm.label,
        "type": concept(
            coding(_ARM_TYPES, arm.type.replace("_", "-")), names.coding("arm", arm.code)
        ),
        "description": arm.description,
        "intendedExposure": [reference("EvidenceVariable", _arm_id(arm))],
    }


def _arm_id(arm: Arm) -> str:
    return f"arm-{arm.code.replace('_', '-')}"


def _outcome_id(kind: str, grade: int) -> str:
    return f"outcome-{kind}-grade-{grade}"


def _outcomes(protocol: Protocol) -> Iterator[tuple[str, int, Outcome]]:
    """The outcomes that the service derives, each with the grade that reaches it.

    The first of the secondary ones is that of any grade.
    """
    yield "primary", protocol.endpoint.severe_grade, protocol.study.primary_outcome
    for outcome in protocol.study.secondary_outcomes[:1]:
        yield "secondary", protocol.endpoint.any_grade, outcome


def _arm_variable(names: Names, protocol: Protocol, arm: Arm) -> Json:
    own_id = _arm_id(arm)
    return resource(
        "EvidenceVariable",
        own_id,
        url=names.url("EvidenceVariable", own_id),
        version=protocol.version,
        title=arm.label,
        status="active",
        description=arm.description,
        actual=False,
        characteristic=[
            {
                "description": arm.description,
                "definitionCodeableConcept": names.concept("arm", arm.code),
            }
        ],
    )


def _outcome_variable(
    names: Names, protocol: Protocol, kind: str, grade: int, outcome: Outcome
) -> Json:
    own_id = _outcome_id(kind, grade)
    after = protocol.endpoint.window_days_after_rt_end
    return resource(
        "EvidenceVariable",
        own_id,
        url=names.url("EvidenceVariable", own_id),
        version=protocol.version,
        title=outcome.measure,
        status="active",
        description=outcome.description,
        actual=False,
        characteristic=[
            {
                "description": f"Grade {grade} or higher, from the first fraction through {after}"
                " days after the last",
                "definitionByTypeAndValue": {
                    "type": names.concept("assessment", "grading"),
                    "valueRange": {"low": {"value": grade}},
                },
            }
        ],
        handling="dichotomous",
        category=[
            {"name": name, "valueCodeableConcept": names.concept("outcome-status", code)}
            for name, code in (("Event", "event"), ("No event", "no_event"))
        ],
    )


def _eligibility(names: Names, protocol: Protocol) -> Json:
    return resource(
        "Group",
        ELIGIBILITY,
        type="person",
        membership="definitional",
        name="Eligible subjects",
        characteristic=[
            {
                "code": names.concept("criterion", one.id, text=one.text),
                "valueBoolean": True,
                "exclude": one.kind == "exclusion",
            }
            for one in protocol.eligibility.criteria
        ],
    )


def _organization(names: Names, party_id: str, name: str) -> Json:
    return resource(
        "Organization",
        party_id,
        identifier=[names.identifier("organization", party_id)],
        active=True,
        name=name,
    )


def _location(names: Names, protocol: Protocol, code: str, name: str, city: str) -> Json:
    return resource(
        "Location",
        code,
        identifier=[names.identifier("site", code)],
        status="active",
        name=name,
        address={"city": city, "country": protocol.adverse_events.case_report.country},
        managingOrganization=reference("Organization", code),
    )


def _medication(protocol: Protocol) -> Json:
    told = protocol.adverse_events.case_report
    return resource(
        "Medication",
        STUDY_DRUG,
        **kept(code={"text": told.study_drug}, doseForm={"text": told.dose_form}),
    )

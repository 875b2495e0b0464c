"""Sections D, E and H.4 of a report, and G, as the HL7 act `adverseEventAssessment`. Pure."""

from xml.etree.ElementTree import Element

from services.api.case_reports.codes import COUNTRIES, MEDDRA, SEXES, code_list, namespace
from services.api.case_reports.hl7 import (
    act,
    boolean,
    coded,
    day,
    node,
    observation_code,
    period,
)
from services.api.case_reports.schemas import (
    CaseReport,
    CauseOfDeath,
    Death,
    Narrative,
    Patient,
    Reaction,
    StudyIdentification,
)
from services.api.case_reports.treatment import administration, causality, role

CRITERIA = (
    ("death", "34", "resultsInDeath"),
    ("life_threatening", "21", "isLifeThreatening"),
    ("hospitalisation", "33", "requiresInpatientHospitalization"),
    ("disability", "35", "resultsInPersistentOrSignificantDisability"),
    ("congenital_anomaly", "12", "congenitalAnomalyBirthDefect"),
    ("other_medically_important", "26", "otherMedicallyImportantCondition"),
)
"""E.i.3.2a to f: the member of a reaction, and the observation's code."""


def assessment(report: CaseReport) -> Element:
    """What happened to whom on which treatment, and what was thought of it."""
    judged = [
        node("component", causality(drug, one), typeCode="COMP")
        for drug in report.drugs
        for one in drug.assessments
    ]
    return act(
        "adverseEventAssessment",
        node("subject1", _subject(report), typeCode="SBJ"),
        (node("component", role(drug), typeCode="COMP") for drug in report.drugs),
        judged,
        _comments(report.narrative),
        of="INVSTG",
    )


def _subject(report: CaseReport) -> Element:
    return node(
        "primaryRole",
        _person(report.patient),
        node("subjectOf1", _study(report.study), typeCode="SBJ"),
        (node("subjectOf2", one, typeCode="SBJ") for one in _about(report)),
        classCode="INVSBJ",
    )


def _about(report: CaseReport) -> list[Element]:
    """What is said of the subject, in the order of the sections."""
    patient = report.patient
    group = coded("value", patient.age_group, code_list(9), "CE")
    return [
        act("observation", observation_code("4", "ageGroup"), group),
        _history(patient),
        *(_death(patient.death) if patient.death else ()),
        *(_reaction(reaction) for reaction in report.reactions),
        _organizer("4", "drugInformation", [administration(drug) for drug in report.drugs]),
    ]


# --- D: the subject, and C.5: the study ------------------------------------------------


def _person(patient: Patient) -> Element:
    died_on = patient.death.died_on if patient.death else None
    return node(
        "player1",
        node("name", nullFlavor=patient.name.null_flavor.value),
        node("administrativeGenderCode", code=patient.sex.code, codeSystem=SEXES),
        node("deceasedTime", value=day(died_on)) if died_on else None,
        node(
            "asIdentifiedEntity",
            node("id", extension=patient.investigation_number, root=namespace(10)),
            node("code", code="4", codeSystem=code_list(4), displayName="investigation"),
            classCode="IDENT",
        ),
        classCode="PSN",
        determinerCode="INSTANCE",
    )


def _study(study: StudyIdentification) -> Element:
    return node(
        "researchStudy",
        node("id", extension=study.sponsor_number, root=namespace(5)),
        coded("code", study.type, code_list(8)),
        node("title", study.name),
        (
            node("authorization", _registration(one.number, one.country), typeCode="AUTH")
            for one in study.registrations
        ),
        classCode="CLNTRL",
        moodCode="EVN",
    )


def _registration(number: str, country: str) -> Element:
    place = node(
        "governingPlace",
        node("code", code=country, codeSystem=COUNTRIES),
        classCode="COUNTRY",
        determinerCode="INSTANCE",
    )
    return act(
        "studyRegistration",
        node("id", extension=number, root=namespace(6)),
        node(
            "author",
            node("territorialAuthority", place, classCode="TERR"),
            typeCode="AUT",
        ),
        of="ACT",
    )


def _history(patient: Patient) -> Element:
    text = node("value", xsi_type="ED", nullFlavor=patient.medical_history.null_flavor.value)
    facts = [act("observation", observation_code("18", "historyAndConcurrentConditionText"), text)]
    if patient.concomitant_therapies:
        therapy = observation_code("11", "concomitantTherapy")
        facts.append(act("observation", therapy, boolean(patient.concomitant_therapies)))
    return _organizer("1", "relevantMedicalHistoryAndConcurrentConditions", facts)


def _organizer(code: str, name: str, members: list[Element]) -> Element:
    return node(
        "organizer",
        node("code", code=code, codeSystem=code_list(20), displayName=name),
        (node("component", member, typeCode="COMP") for member in members),
        classCode="CATEGORY",
        moodCode="EVN",
    )


def _death(death: Death) -> list[Element]:
    autopsy = act("observation", observation_code("5", "autopsy"), boolean(death.autopsy))
    return [*(_cause(cause) for cause in death.causes), autopsy]


def _cause(cause: CauseOfDeath) -> Element:
    value = node(
        "value",
        node("originalText", cause.text),
        xsi_type="CE",
        code=cause.meddra_code,
        codeSystem=MEDDRA,
        codeSystemVersion=cause.meddra_version,
    )
    return act("observation", observation_code("32", "reportedCauseOfDeath"), value)


# --- E: the reactions -----------------------------------------------------------------


def _reaction(reaction: Reaction) -> Element:
    value = node(
        "value",
        node("originalText", reaction.reported, language=reaction.language),
        xsi_type="CE",
        code=reaction.meddra_code,
        codeSystem=MEDDRA,
        codeSystemVersion=reaction.meddra_version,
    )
    place = node(
        "locatedPlace",
        node("code", code=reaction.country, codeSystem=COUNTRIES),
        classCode="COUNTRY",
        determinerCode="INSTANCE",
    )
    judged = [
        act("observation", observation_code(code, name), boolean(getattr(reaction, member)))
        for member, code, name in CRITERIA
    ]
    outcome = coded("value", reaction.outcome, code_list(11), "CE")
    judged.append(act("observation", observation_code("27", "outcome"), outcome))
    return act(
        "observation",
        node("id", root=str(reaction.id)),
        observation_code("29", "reaction"),
        node("effectiveTime", period(reaction.started_on, reaction.ended_on), xsi_type="IVL_TS"),
        value,
        node("location", node("locatedEntity", place, classCode="LOCE"), typeCode="LOC"),
        (node("outboundRelationship2", one, typeCode="PERT") for one in judged),
    )


# --- H.4: the sponsor's comments ------------------------------------------------------------


def _comments(narrative: Narrative) -> Element:
    sender = node("code", code="1", codeSystem=code_list(21), displayName="sender")
    comment = act(
        "observationEvent",
        observation_code("10", "comment"),
        node("value", narrative.sender_comments, xsi_type="ED"),
        node("author", node("assignedEntity", sender, classCode="ASSIGNED"), typeCode="AUT"),
    )
    return node("component1", comment, typeCode="COMP")

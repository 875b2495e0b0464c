"""Section G of a report: the treatments, their role, and who blames them for what. Pure."""

from xml.etree.ElementTree import Element

from services.api.case_reports.codes import code_list
from services.api.case_reports.hl7 import act, coded, node, observation_code, period
from services.api.case_reports.schemas import Assessment, Dosage, Drug


def administration(drug: Drug) -> Element:
    """G.k.2 to G.k.8: what was given, how, what for, and what was done with it."""
    notes = drug.additional_information
    return act(
        "substanceAdministration",
        node("id", root=str(drug.id)),
        _product(node("name", drug.name)),
        (
            node("outboundRelationship2", _dosage(dosage), typeCode="COMP")
            for dosage in drug.dosages
        ),
        _related("outboundRelationship2", "REFR", _note(notes)) if notes else None,
        (_related("inboundRelationship", "RSON", _indication(text)) for text in drug.indications),
        _related(
            "inboundRelationship",
            "CAUS",
            act("act", coded("code", drug.action, code_list(15)), of="ACT"),
        )
        if drug.action
        else None,
        of="SBADM",
    )


def _related(name: str, type_code: str, what: Element) -> Element:
    return node(name, what, typeCode=type_code)


def _product(described: Element) -> Element:
    kind = node("kindOfProduct", described, classCode="MMAT", determinerCode="KIND")
    return node("consumable", node("instanceOfKind", kind, classCode="INST"), typeCode="CSM")


def _note(text: str) -> Element:
    code = observation_code("2", "additionalInformation")
    return act("observation", code, node("value", text, xsi_type="ST"))


def _indication(text: str) -> Element:
    reporter = node("code", code="3", codeSystem=code_list(21), displayName="sourceReporter")
    return act(
        "observation",
        observation_code("19", "indication"),
        node("value", node("originalText", text), xsi_type="CE"),
        node(
            "performer",
            node("assignedEntity", reporter, classCode="ASSIGNED"),
            typeCode="PRF",
        ),
    )


def _dosage(dosage: Dosage) -> Element:
    form, route = dosage.form, dosage.route
    return act(
        "substanceAdministration",
        node("text", dosage.text),
        _times(dosage),
        node("routeCode", node("originalText", route)) if route else None,
        node("doseQuantity", value=dosage.dose, unit=dosage.dose_unit) if dosage.dose else None,
        _product(node("formCode", node("originalText", form))) if form else None,
        of="SBADM",
    )


def _times(dosage: Dosage) -> Element | None:
    """When and how often; several statements stand together, a single one by itself."""
    bounds = period(dosage.started_on, dosage.ended_on)
    every = dosage.interval
    repeated = node("period", value=every, unit=dosage.interval_unit) if every else None
    if repeated is None:
        return node("effectiveTime", bounds, xsi_type="IVL_TS") if bounds else None
    if not bounds:
        return node("effectiveTime", repeated, xsi_type="PIVL_TS")
    return node(
        "effectiveTime",
        node("comp", repeated, xsi_type="PIVL_TS"),
        node("comp", bounds, xsi_type="IVL_TS", operator="A"),
        xsi_type="SXPR_TS",
    )


def _reference(name: str, what: str, class_code: str, identifier: str) -> Element:
    return node(name, act(what, node("id", root=identifier), of=class_code), typeCode="SUBJ")


def role(drug: Drug) -> Element:
    """G.k.1: whether the treatment is suspected."""
    return act(
        "causalityAssessment",
        observation_code("20", "interventionCharacterization"),
        coded("value", drug.role, code_list(13), "CE"),
        _reference("subject2", "productUseReference", "SBADM", str(drug.id)),
    )


def causality(drug: Drug, judged: Assessment) -> Element:
    """G.k.9.i.2: one party's judgment of one reaction."""
    source = node("code", node("originalText", judged.source))
    return act(
        "causalityAssessment",
        observation_code("39", "causality"),
        node("value", judged.result, xsi_type="ST"),
        node("author", node("assignedEntity", source, classCode="ASSIGNED"), typeCode="AUT"),
        _reference("subject1", "adverseEffectReference", "OBS", str(judged.reaction)),
        _reference("subject2", "productUseReference", "SBADM", str(drug.id)),
    )

"""What a message must be made of: each node's children in order, how many, and attributes.

Written down from ISO/HL7 27953-2 as the ICH E2B(R3) Implementation Guide uses
it, for the nodes that our reports have, and no others: a message with anything
else has a fault. docs/case-reports.md says how far this reaches.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

HL7, TYPE = "{urn:hl7-org:v3}", "{http://www.w3.org/2001/XMLSchema-instance}type"

_OBSERVED = "code:Code value:Any"
_EVENT = "moodCode=EVN"

NODES = {
    "Batch": (
        "ITSVersion=XML_1.0",
        "id:Identifier creationTime:Second responseModeCode:Word interactionId:Identifier name:Code"
        " PORR_IN049016UV:Message receiver:Receiver sender:Transmitter",
    ),
    "Message": (
        "",
        "id:Identifier creationTime:Second interactionId:Identifier processingCode:Word"
        " processingModeCode:Word acceptAckCode:Word receiver:Receiver sender:Transmitter"
        " controlActProcess:Process",
    ),
    "Receiver": ("typeCode=RCV", "device:Device"),
    "Transmitter": ("typeCode=SND", "device:Device"),
    "Device": ("classCode=DEV determinerCode=INSTANCE", "id:Identifier"),
    "Process": (
        f"classCode=CACT {_EVENT}", "code:Code effectiveTime:Second subject:OfProcess"
    ),
    "OfProcess": ("typeCode=SUBJ", "investigationEvent:Investigation"),
    "Investigation": (
        f"classCode=INVSTG {_EVENT}",
        "id:Identifier+ code:Code text:Text statusCode:Word effectiveTime:Since"
        " availabilityTime:Second component:Part+ outboundRelationship:Relation+"
        " subjectOf1:ByActor subjectOf2:Characterized+",
    ),
    "Since": ("", "low:Second"),
    "Part": ("typeCode=COMP", "adverseEventAssessment:Assessment|observationEvent:Statement"),
    "Statement": (f"classCode=OBS {_EVENT}", f"{_OBSERVED} author:Author?"),
    "Author": ("typeCode=AUT", "assignedEntity:Entity"),
    "Entity": (
        "classCode=ASSIGNED",
        "code:Code? assignedPerson:Person? representedOrganization:Department?",
    ),
    "Person": (
        "classCode=PSN determinerCode=INSTANCE",
        "name:Name? asQualifiedEntity:Qualified? asLocatedEntity:Located?",
    ),
    "Name": ("", "family:Text"),
    "Qualified": ("classCode=QUAL", "code:Code"),
    "Located": ("classCode=LOCE", "location:Country"),
    "Country": ("classCode=COUNTRY determinerCode=INSTANCE", "code:Code"),
    "Department": ("classCode=ORG determinerCode=INSTANCE", "assignedEntity:Inside"),
    "Inside": ("classCode=ASSIGNED", "representedOrganization:Organization"),
    "Organization": ("classCode=ORG determinerCode=INSTANCE", "name:Text"),
    "Relation": ("typeCode=SPRT", "priorityNumber:Count? relatedInvestigation:Related"),
    "Related": (f"classCode=INVSTG {_EVENT}", "code:Code subjectOf2:ByActor"),
    "ByActor": ("typeCode=SUBJ", "controlActEvent:Control"),
    "Control": (f"classCode=CACT {_EVENT}", "id:Identifier? author:Author?"),
    "Characterized": ("typeCode=SUBJ", "investigationCharacteristic:Observation"),
    "Assessment": (
        f"classCode=INVSTG {_EVENT}",
        "subject1:OfAssessment component:Judged+ component1:Commented",
    ),
    "OfAssessment": ("typeCode=SBJ", "primaryRole:Subject"),
    "Commented": ("typeCode=COMP", "observationEvent:Statement"),
    "Subject": (
        "classCode=INVSBJ", "player1:Player subjectOf1:InStudy subjectOf2:OfSubject+"
    ),
    "Player": (
        "classCode=PSN determinerCode=INSTANCE",
        "name:Text administrativeGenderCode:Code deceasedTime:Day? asIdentifiedEntity:Numbered",
    ),
    "Numbered": ("classCode=IDENT", "id:Identifier code:Code"),
    "InStudy": ("typeCode=SBJ", "researchStudy:Study"),
    "Study": (
        f"classCode=CLNTRL {_EVENT}",
        "id:Identifier code:Code title:Text authorization:Authorization+",
    ),
    "Authorization": ("typeCode=AUTH", "studyRegistration:Registration"),
    "Registration": (f"classCode=ACT {_EVENT}", "id:Identifier author:Territorial"),
    "Territorial": ("typeCode=AUT", "territorialAuthority:Territory"),
    "Territory": ("classCode=TERR", "governingPlace:Country"),
    "OfSubject": ("typeCode=SBJ", "observation:Observation|organizer:Organizer"),
    "Observation": (
        f"classCode=OBS {_EVENT}",
        "id:Identifier? code:Code effectiveTime:Any? value:Any performer:Performer?"
        " location:Place? outboundRelationship2:Outbound*",
    ),
    "Performer": ("typeCode=PRF", "assignedEntity:Entity"),
    "Place": ("typeCode=LOC", "locatedEntity:LocatedThere"),
    "LocatedThere": ("classCode=LOCE", "locatedPlace:Country"),
    "Organizer": (f"classCode=CATEGORY {_EVENT}", "code:Code component:Member+"),
    "Member": (
        "typeCode=COMP", "observation:Observation|substanceAdministration:Administration"
    ),
    "Administration": (
        f"classCode=SBADM {_EVENT}",
        "id:Identifier? text:Text? effectiveTime:Any? routeCode:Code? doseQuantity:Quantity?"
        " consumable:Consumable? outboundRelationship2:Outbound* inboundRelationship:Inbound*",
    ),
    "Outbound": (
        "typeCode=PERT|COMP|REFR",
        "observation:Observation|substanceAdministration:Administration",
    ),
    "Inbound": ("typeCode=RSON|CAUS", "observation:Observation|act:Act"),
    "Act": (f"classCode=ACT {_EVENT}", "code:Code"),
    "Consumable": ("typeCode=CSM", "instanceOfKind:Instance"),
    "Instance": ("classCode=INST", "kindOfProduct:Product"),
    "Product": ("classCode=MMAT determinerCode=KIND", "name:Text? formCode:Code?"),
    "Judged": ("typeCode=COMP", "causalityAssessment:Causality"),
    "Causality": (
        f"classCode=OBS {_EVENT}",
        f"{_OBSERVED} author:Author? subject1:OfReaction? subject2:OfDrug",
    ),
    "OfReaction": ("typeCode=SUBJ", "adverseEffectReference:ToReaction"),
    "OfDrug": ("typeCode=SUBJ", "productUseReference:ToDrug"),
    "ToReaction": (f"classCode=OBS {_EVENT}", "id:Identifier"),
    "ToDrug": (f"classCode=SBADM {_EVENT}", "id:Identifier"),
}  # fmt: skip
"""A type of node: its fixed attributes, and its children as `name:Type`; ?, * or + say how many.

Of two with | between them there is one.
"""

_OID = r"[0-2](\.(0|[1-9][0-9]*))+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CODED = r"code \S+ codeSystem \S+( codeSystemVersion \S+)?( displayName .+)?"
_DAY = r"[0-9]{4}(0[1-9]|1[0-2])([0-2][0-9]|3[01])"
_SECOND = _DAY + r"([01][0-9]|2[0-3])([0-5][0-9]){2}[+-][0-9]{4}"
_PQ = r"unit \S+ value [0-9.]+"

VALUES = {
    "Identifier": (rf"(extension .{{1,100}} )?root ({_OID})", "", False),
    "Second": (f"value {_SECOND}", "", False),
    "Day": (f"value {_DAY}", "", False),
    "Word": (r"code \S+", "", False),
    "Count": (r"value [0-9]+", "", False),
    "Code": (rf"{_CODED}||nullFlavor [A-Z]+", "originalText:Text?", False),
    "Text": (r"|language [a-z]{3}|nullFlavor [A-Z]+", "", True),
    "Quantity": (_PQ, "", False),
    # By xsi:type:
    "BL": (r"value (true|false)|nullFlavor [A-Z]+", "", False),
    "CE": (rf"{_CODED}||nullFlavor [A-Z]+", "originalText:Text?", False),
    "ED": (r"|language [a-z]{3}|nullFlavor [A-Z]+", "", True),
    "ST": ("", "", True),
    "IVL_TS": ("(operator A)?", "low:Day? high:Day?", False),
    "PIVL_TS": ("", "period:Quantity", False),
    "SXPR_TS": ("", "comp:Any comp:Any+", False),
}
"""A type of value: its attributes in alphabetical order, its children, and whether it has text."""


def faults(batch: Element) -> list[str]:
    """Where a message is not made as it must be; empty when it is."""
    if batch.tag != f"{HL7}MCCI_IN200100UV01":
        return ["the root is no batch"]
    return list(_faults(batch, "Batch", "batch"))


def _faults(node: Element, kind: str, where: str) -> Iterator[str]:
    attributes = {name: text for name, text in node.attrib.items() if name != TYPE}
    if kind == "Any":
        kind = node.get(TYPE, "untyped")
        if kind not in VALUES:
            yield f"{where}: is {kind}"
            return
    elif TYPE in node.attrib:
        yield f"{where}: has a type of its own"
    if kind in NODES:
        fixed, children = NODES[kind]
        wanted = dict(one.split("=") for one in fixed.split())
        told = {name: attributes.get(name) for name in wanted}
        if any(told[name] not in wanted[name].split("|") for name in wanted):
            yield f"{where}: attributes {told}"
        if extra := attributes.keys() - wanted.keys():
            yield f"{where}: further attributes {sorted(extra)}"
        text = False
    else:
        pattern, children, text = VALUES[kind]
        flat = " ".join(f"{name} {attributes[name]}" for name in sorted(attributes))
        if not re.fullmatch(pattern, flat, re.DOTALL):
            yield f"{where}: attributes {flat!r}"
    if not text and (node.text or "").strip():
        yield f"{where}: text where none belongs"
    yield from _children(node, children, where)


def _children(node: Element, allowed: str, where: str) -> Iterator[str]:
    kinds: dict[str, str] = {}
    order = ""
    for one in allowed.split():
        named = dict(choice.split(":") for choice in one.rstrip("?*+").split("|"))
        kinds |= named
        order += f"({'|'.join(f'{name} ' for name in named)}){one[-1] if one[-1] in '?*+' else ''}"
    names = [child.tag.removeprefix(HL7) for child in node]
    if not re.fullmatch(order, "".join(f"{name} " for name in names)):
        yield f"{where}: children {names}"
    for name, child in zip(names, node, strict=True):
        if name in kinds:
            yield from _faults(child, kinds[name], f"{where}/{name}")

"""The report as a message: HL7 version 3, MCCI_IN200100UV01 with one PORR_IN049016UV. Pure.

Source: ICH E2B(R3) Implementation Guide, sections 3.4 and 5, and ISO/HL7
27953-2. docs/case-reports.md says what this message was checked against.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, indent, tostring

from services.api.case_reports.assessment import assessment
from services.api.case_reports.codes import COUNTRIES, code_list, namespace
from services.api.case_reports.hl7 import (
    INSTANCE,
    NAMESPACE,
    act,
    boolean,
    coded,
    located,
    moment,
    node,
    observation_code,
    organisation,
)
from services.api.case_reports.schemas import (
    CaseReport,
    Narrative,
    PrimarySource,
    Report,
    Sender,
)

INTERACTIONS = "2.16.840.1.113883.1.6"
TRIGGERS = "2.16.840.1.113883.1.18"
ACT_CODES = "2.16.840.1.113883.5.4"


def xml(report: CaseReport) -> bytes:
    """The message in UTF-8: the same content, the same bytes."""
    head = report.message
    batch = node(
        "MCCI_IN200100UV01",
        node("id", extension=head.batch_number, root=namespace(22)),
        node("creationTime", value=moment(head.batch_sent_at)),
        node("responseModeCode", code="D"),
        node("interactionId", extension="MCCI_IN200100UV01", root=INTERACTIONS),
        coded("name", head.batch_type, code_list(1)),
        _message(report),
        _device("receiver", "RCV", head.batch_receiver, 14),
        _device("sender", "SND", head.batch_sender, 13),
        ITSVersion="XML_1.0",
        xmlns=NAMESPACE,
    )
    batch.set("xmlns:xsi", INSTANCE)
    indent(batch)
    written: bytes = tostring(batch, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _device(name: str, type_code: str, identifier: str, space: int) -> Element:
    device = node(
        "device",
        node("id", extension=identifier, root=namespace(space)),
        classCode="DEV",
        determinerCode="INSTANCE",
    )
    return node(name, device, typeCode=type_code)


def _message(report: CaseReport) -> Element:
    head = report.message
    control = node(
        "controlActProcess",
        node("code", code="PORR_TE049016UV", codeSystem=TRIGGERS),
        node("effectiveTime", value=moment(report.report.created_at)),
        node("subject", _investigation(report), typeCode="SUBJ"),
        classCode="CACT",
        moodCode="EVN",
    )
    return node(
        "PORR_IN049016UV",
        node("id", extension=head.message_id, root=namespace(1)),
        node("creationTime", value=moment(head.created_at)),
        node("interactionId", extension="PORR_IN049016UV", root=INTERACTIONS),
        node("processingCode", code="P"),
        node("processingModeCode", code="T"),
        node("acceptAckCode", code="AL"),
        _device("receiver", "RCV", head.message_receiver, 12),
        _device("sender", "SND", head.message_sender, 11),
        control,
    )


def _investigation(whole: CaseReport) -> Element:
    report, narrative = whole.report, whole.narrative
    received = node("low", value=moment(report.first_received_at))
    return act(
        "investigationEvent",
        node("id", extension=report.safety_report_id, root=namespace(1)),
        node("id", extension=report.worldwide_id, root=namespace(2)),
        node("code", code="PAT_ADV_EVNT", codeSystem=ACT_CODES),
        node("text", narrative.text),
        node("statusCode", code="active"),
        node("effectiveTime", received),
        node("availabilityTime", value=moment(report.latest_information_at)),
        node("component", assessment(whole), typeCode="COMP"),
        (node("component", one, typeCode="COMP") for one in _statements(report, narrative)),
        _relations(report, whole.primary_source),
        node("subjectOf1", _control(_sender(whole.sender)), typeCode="SUBJ"),
        (node("subjectOf2", one, typeCode="SUBJ") for one in _characteristics(report)),
        of="INVSTG",
    )


def _statements(report: Report, narrative: Narrative) -> Iterable[Element]:
    """C.1.6.1, C.1.7 and H.5.r."""
    documents = observation_code("1", "additionalDocumentsAvailable")
    yield act("observationEvent", documents, boolean(report.additional_documents))
    expedited = observation_code("23", "localCriteriaForExpedited")
    yield act("observationEvent", expedited, boolean(report.expedited))
    reporter = node("code", code="2", codeSystem=code_list(21), displayName="reporter")
    for more in narrative.continued:
        yield act(
            "observationEvent",
            observation_code("36", "summaryAndComment"),
            node("value", more.text, xsi_type="ED", language=more.language),
            node("author", node("assignedEntity", reporter, classCode="ASSIGNED"), typeCode="AUT"),
        )


def _relations(report: Report, source: PrimarySource) -> Iterable[Element]:
    """C.1.8.2, C.1.10.r and C.2.r."""
    author = node("assignedEntity", coded("code", report.first_sender, code_list(3)))
    author.set("classCode", "ASSIGNED")
    yield _relation(_list_22("1", "initialReport"), _control(author))
    for linked in report.linked_reports:
        identifier = node("id", extension=linked, root=namespace(2))
        yield _relation(
            node("code", nullFlavor="NA"), act("controlActEvent", identifier, of="CACT")
        )
    told = _relation(_list_22("2", "sourceReport"), _control(_source(source)))
    told.insert(0, node("priorityNumber", value=source.primary.code))
    yield told


def _list_22(code: str, name: str) -> Element:
    return node("code", code=code, codeSystem=code_list(22), displayName=name)


def _relation(code: Element, control: Element) -> Element:
    related = act(
        "relatedInvestigation", code, node("subjectOf2", control, typeCode="SUBJ"), of="INVSTG"
    )
    return node("outboundRelationship", related, typeCode="SPRT")


def _control(author: Element) -> Element:
    return act("controlActEvent", node("author", author, typeCode="AUT"), of="CACT")


def _source(source: PrimarySource) -> Element:
    hidden = node("family", nullFlavor=source.family_name.null_flavor.value)
    qualification = coded("code", source.qualification, code_list(6))
    person = node(
        "assignedPerson",
        node("name", hidden),
        node("asQualifiedEntity", qualification, classCode="QUAL"),
        located(source.country, COUNTRIES),
        classCode="PSN",
        determinerCode="INSTANCE",
    )
    return node("assignedEntity", person, organisation(source.organisation), classCode="ASSIGNED")


def _sender(sender: Sender) -> Element:
    person = node(
        "assignedPerson",
        located(sender.country, COUNTRIES),
        classCode="PSN",
        determinerCode="INSTANCE",
    )
    return node(
        "assignedEntity",
        coded("code", sender.type, code_list(7)),
        person,
        organisation(sender.organisation),
        classCode="ASSIGNED",
    )


def _characteristics(report: Report) -> Iterable[Element]:
    """C.1.3, C.1.9.1, C.1.11.1 and C.1.11.2."""
    yield _characteristic(
        "1", "ichReportType", coded("value", report.report_type, code_list(2), "CE")
    )
    yield _characteristic("2", "otherCaseIds", boolean(report.other_identifiers))
    if report.change is not None:
        value = coded("value", report.change, code_list(5), "CE")
        yield _characteristic("3", "nullificationAmendmentCode", value)
    if report.change_reason is not None:
        value = node("value", node("originalText", report.change_reason), xsi_type="CE")
        yield _characteristic("4", "nullificationAmendmentReason", value)


def _characteristic(code: str, name: str, value: Element) -> Element:
    about = node("code", code=code, codeSystem=code_list(23), displayName=name)
    return act("investigationCharacteristic", about, value)

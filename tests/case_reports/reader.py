"""Reads a message back, as the values of its elements.

They are `(number of the element, value)` in the order of the sections, like
those that `told.py` reads from JSON, so that one is compared with the other.
"""

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, fromstring

Found = Iterator[tuple[str, str]]
"""Elements, one after the other."""

HL7, XSI = "{urn:hl7-org:v3}", "{http://www.w3.org/2001/XMLSchema-instance}"
LISTS, SPACES = "2.16.840.1.113883.3.989.2.1.1.", "2.16.840.1.113883.3.989.2.1.3."


def at(node: Element, path: str) -> list[Element]:
    """The nodes under a path of local names."""
    return node.findall("/".join(HL7 + step for step in path.split("/")))


def coded_as(nodes: Iterable[Element], number: int, code: str) -> list[Element]:
    """Those whose `code` is this one of this list."""
    wanted = (code, f"{LISTS}{number}")
    return [
        one
        for one in nodes
        for told in at(one, "code")
        if (told.get("code"), told.get("codeSystem")) == wanted
    ]


def value(node: Element) -> str:
    """What a node says, whatever its type."""
    if "nullFlavor" in node.attrib:
        return f"null {node.attrib['nullFlavor']}"
    for name in ("extension", "code", "value"):
        if name in node.attrib:
            return node.attrib[name]
    texts = at(node, "originalText")
    return "".join((texts[0] if texts else node).itertext())


def from_message(message: bytes) -> Found:
    """The elements of a message, each from its place in the implementation guide."""
    batch = fromstring(message)
    [one] = at(batch, "PORR_IN049016UV")
    [case] = at(one, "controlActProcess/subject/investigationEvent")
    [assessed] = at(case, "component/adverseEventAssessment")
    [subject] = at(assessed, "subject1/primaryRole")
    yield from _simple(
        batch,
        {
            "N.1.1": "name",
            "N.1.2": "id",
            "N.1.3": "sender/device/id",
            "N.1.4": "receiver/device/id",
            "N.1.5": "creationTime",
        },
    )
    yield from _simple(
        one,
        {
            "N.2.r.1": "id",
            "N.2.r.2": "sender/device/id",
            "N.2.r.3": "receiver/device/id",
            "N.2.r.4": "creationTime",
            "C.1.2": "controlActProcess/effectiveTime",
        },
    )
    yield from _case(case)
    yield from _study(subject)
    yield from _subject(subject)
    for reaction in coded_as(at(subject, "subjectOf2/observation"), 19, "29"):
        yield from _reaction(reaction)
    [drugs] = coded_as(at(subject, "subjectOf2/organizer"), 20, "4")
    for drug in at(drugs, "component/substanceAdministration"):
        yield from _drug(drug, at(assessed, "component/causalityAssessment"))
    yield "H.1", value(at(case, "text")[0])
    for comment in coded_as(at(assessed, "component1/observationEvent"), 19, "10"):
        yield "H.4", value(at(comment, "value")[0])
    for more in coded_as(at(case, "component/observationEvent"), 19, "36"):
        [told] = at(more, "value")
        yield "H.5.r.1a", value(told)
        yield "H.5.r.1b", told.attrib["language"]


def _simple(node: Element, paths: dict[str, str]) -> Found:
    for number, path in paths.items():
        for found in at(node, path):
            yield number, value(found)


def _observed(nodes: Iterable[Element], codes: dict[str, str], number: int = 19) -> Found:
    everything = list(nodes)
    for element, code in codes.items():
        for found in coded_as(everything, number, code):
            yield element, value(at(found, "value")[0])


def _case(case: Element) -> Found:
    names = {f"{SPACES}1": "C.1.1", f"{SPACES}2": "C.1.8.1"}
    for identifier in at(case, "id"):
        yield names[identifier.attrib["root"]], value(identifier)
    yield from _simple(
        case,
        {
            "C.1.4": "effectiveTime/low",
            "C.1.5": "availabilityTime",
        },
    )
    yield from _observed(
        at(case, "component/observationEvent"),
        {
            "C.1.6.1": "1",
            "C.1.7": "23",
        },
    )
    characteristics = at(case, "subjectOf2/investigationCharacteristic")
    about = {"C.1.3": "1", "C.1.9.1": "2", "C.1.11.1": "3", "C.1.11.2": "4"}
    yield from _observed(characteristics, about, 23)
    related = at(case, "outboundRelationship/relatedInvestigation")
    person = "subjectOf2/controlActEvent/author/assignedEntity"
    for first in coded_as(related, 22, "1"):
        yield from _simple(first, {"C.1.8.2": f"{person}/code"})
    for one in related:
        if at(one, "code")[0].get("nullFlavor") == "NA":
            yield from _simple(
                one,
                {
                    "C.1.10.r": "subjectOf2/controlActEvent/id",
                },
            )
    org = "representedOrganization/assignedEntity/representedOrganization/name"
    for source in coded_as(related, 22, "2"):
        told = {
            "C.2.r.1.4": "assignedPerson/name/family",
            "C.2.r.2.1": org,
            "C.2.r.3": "assignedPerson/asLocatedEntity/location/code",
            "C.2.r.4": "assignedPerson/asQualifiedEntity/code",
        }
        yield from _simple(source, {number: f"{person}/{path}" for number, path in told.items()})
    yield from _simple(
        case,
        {
            "C.2.r.5": "outboundRelationship/priorityNumber",
        },
    )
    [sender] = at(case, "subjectOf1/controlActEvent/author/assignedEntity")
    yield from _simple(
        sender,
        {
            "C.3.1": "code",
            "C.3.2": org,
            "C.3.4.5": "assignedPerson/asLocatedEntity/location/code",
        },
    )


def _study(subject: Element) -> Found:
    [study] = at(subject, "subjectOf1/researchStudy")
    registered = "authorization/studyRegistration"
    country = f"{registered}/author/territorialAuthority/governingPlace/code"
    yield from _simple(
        study,
        {
            "C.5.1.r.1": f"{registered}/id",
            "C.5.1.r.2": country,
            "C.5.2": "title",
            "C.5.3": "id",
            "C.5.4": "code",
        },
    )


def _subject(subject: Element) -> Found:
    yield from _simple(
        subject,
        {
            "D.1": "player1/name",
            "D.1.1.4": "player1/asIdentifiedEntity/id",
            "D.5": "player1/administrativeGenderCode",
            "D.9.1": "player1/deceasedTime",
        },
    )
    observed = at(subject, "subjectOf2/observation")
    yield from _observed(
        observed,
        {
            "D.2.3": "4",
            "D.9.3": "5",
        },
    )
    history = coded_as(at(subject, "subjectOf2/organizer"), 20, "1")
    facts = [fact for one in history for fact in at(one, "component/observation")]
    yield from _observed(
        facts,
        {
            "D.7.2": "18",
            "D.7.3": "11",
        },
    )
    for cause in coded_as(observed, 19, "32"):
        [told] = at(cause, "value")
        yield "D.9.2.r.1a", told.attrib["codeSystemVersion"]
        yield "D.9.2.r.1b", told.attrib["code"]
        yield "D.9.2.r.2", value(at(told, "originalText")[0])


def _reaction(reaction: Element) -> Found:
    [told] = at(reaction, "value")
    [term] = at(told, "originalText")
    yield "E.i.1.1a", value(term)
    yield "E.i.1.1b", term.attrib["language"]
    yield "E.i.2.1a", told.attrib["codeSystemVersion"]
    yield "E.i.2.1b", told.attrib["code"]
    criteria = dict(zip("abcdef", ("34", "21", "33", "35", "12", "26"), strict=True))
    judged = at(reaction, "outboundRelationship2/observation")
    yield from _observed(judged, {f"E.i.3.2{letter}": code for letter, code in criteria.items()})
    yield from _simple(
        reaction,
        {
            "E.i.4": "effectiveTime/low",
            "E.i.5": "effectiveTime/high",
        },
    )
    yield from _observed(
        judged,
        {
            "E.i.7": "27",
        },
    )
    yield from _simple(
        reaction,
        {
            "E.i.9": "location/locatedEntity/locatedPlace/code",
        },
    )


def _drug(drug: Element, judged: list[Element]) -> Found:
    [identifier] = [one.attrib["root"] for one in at(drug, "id")]
    mine = [
        one
        for one in judged
        if [ref.get("root") for ref in at(one, "subject2/productUseReference/id")] == [identifier]
    ]
    yield from _observed(
        mine,
        {
            "G.k.1": "20",
        },
    )
    yield from _simple(
        drug,
        {
            "G.k.2.2": "consumable/instanceOfKind/kindOfProduct/name",
        },
    )
    for given in at(drug, "outboundRelationship2/substanceAdministration"):
        yield from _dosage(given)
    notes = at(drug, "outboundRelationship2/observation")
    yield from _observed(
        at(drug, "inboundRelationship/observation"),
        {
            "G.k.7.r.1": "19",
        },
    )
    yield from _simple(
        drug,
        {
            "G.k.8": "inboundRelationship/act/code",
        },
    )
    for one in coded_as(mine, 19, "39"):
        [reaction] = at(one, "subject1/adverseEffectReference/id")
        yield "G.k.9.i.1", reaction.attrib["root"]
        yield from _simple(
            one,
            {
                "G.k.9.i.2.r.1": "author/assignedEntity/code",
                "G.k.9.i.2.r.3": "value",
            },
        )
    yield from _observed(
        notes,
        {
            "G.k.11": "2",
        },
    )


def _dosage(given: Element) -> Found:
    for dose in at(given, "doseQuantity"):
        yield "G.k.4.r.1a", dose.attrib["value"]
        yield "G.k.4.r.1b", dose.attrib["unit"]
    times = [*at(given, "effectiveTime"), *at(given, "effectiveTime/comp")]
    for every in (one for time in times for one in at(time, "period")):
        yield "G.k.4.r.2", every.attrib["value"]
        yield "G.k.4.r.3", every.attrib["unit"]
    for number, bound in (("G.k.4.r.4", "low"), ("G.k.4.r.5", "high")):
        for one in (found for time in times for found in at(time, bound)):
            yield number, value(one)
    form = "consumable/instanceOfKind/kindOfProduct/formCode"
    yield from _simple(
        given,
        {
            "G.k.4.r.8": "text",
            "G.k.4.r.9.1": form,
            "G.k.4.r.10.1": "routeCode",
        },
    )

"""The vocabulary of a message in HL7 version 3: nodes, codes, times, and values that are missing.

Elements and attributes are written as they stand in the file, with the
namespaces declared once at the root.
"""

from collections.abc import Iterable
from datetime import date, datetime
from xml.etree.ElementTree import Element

from services.api.case_reports.codes import code_list
from services.api.case_reports.schemas import Coded, Missing

NAMESPACE = "urn:hl7-org:v3"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

Part = Element | str | None | Iterable[Element]


def node(name: str, *parts: Part, **attributes: str | None) -> Element:
    """An element with its children in this order, or its text; what is None is left out.

    `xsi_type` is written as `xsi:type`.
    """
    given = {
        key.replace("xsi_", "xsi:"): text for key, text in attributes.items() if text is not None
    }
    made = Element(name, given)
    for part in parts:
        if isinstance(part, str):
            made.text = part
        elif isinstance(part, Element):
            made.append(part)
        elif part is not None:
            made.extend(part)
    return made


def moment(time: datetime) -> str:
    """A time with its offset, to the second: CCYYMMDDhhmmss+ZZzz."""
    return time.strftime("%Y%m%d%H%M%S%z")


def day(on: date) -> str:
    """A calendar day: CCYYMMDD."""
    return on.strftime("%Y%m%d")


def observation_code(code: str, name: str) -> Element:
    """What an observation is about, by ICH's list 19."""
    return node("code", code=code, codeSystem=code_list(19), displayName=name)


def coded(name: str, value: Coded | Missing, system: str, xsi_type: str | None = None) -> Element:
    """A value of a code list, or why there is none."""
    if isinstance(value, Missing):
        return node(name, xsi_type=xsi_type, nullFlavor=value.null_flavor.value)
    return node(
        name,
        xsi_type=xsi_type,
        code=value.code,
        codeSystem=system,
        displayName=value.meaning,
    )


def boolean(value: bool | Missing) -> Element:
    """Yes or no, or why it is not said."""
    if isinstance(value, Missing):
        return node("value", xsi_type="BL", nullFlavor=value.null_flavor.value)
    return node("value", xsi_type="BL", value=str(value).lower())


def period(started: date | None, ended: date | None) -> list[Element]:
    """The bounds of a time, as far as they are known."""
    bounds = (("low", started), ("high", ended))
    return [node(name, value=day(on)) for name, on in bounds if on is not None]


def organisation(name: str) -> Element:
    """An organisation without departments, where the message has a place for one of either."""
    return node(
        "representedOrganization",
        node(
            "assignedEntity",
            node(
                "representedOrganization",
                node("name", name),
                classCode="ORG",
                determinerCode="INSTANCE",
            ),
            classCode="ASSIGNED",
        ),
        classCode="ORG",
        determinerCode="INSTANCE",
    )


def located(country: str, system: str) -> Element:
    """Where a person is."""
    return node(
        "asLocatedEntity",
        node(
            "location",
            node("code", code=country, codeSystem=system),
            classCode="COUNTRY",
            determinerCode="INSTANCE",
        ),
        classCode="LOCE",
    )


def act(name: str, *parts: Part, of: str = "OBS") -> Element:
    """Something that happened."""
    return node(name, *parts, classCode=of, moodCode="EVN")

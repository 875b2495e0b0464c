"""The small parts that resources are made of: codes, references, times.

Source: HL7 FHIR R5 (5.0.0), data types.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

Json = dict[str, Any]

NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
MEDDRA = "https://www.meddra.org"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem"
"""Where HL7 keeps most of its code systems."""

PSEUDONYMISED: Json = {
    "security": [{"system": f"{HL7}/v3-ObservationValue", "code": "PSEUDED"}],
}
"""Of everything about a subject: what names the person was left out, a number stands for it."""


class Names:
    """What the trial calls its own resources, codes and identifiers, made from its registry number.

    They are names and no addresses: `.invalid` is kept from ever being anybody's (RFC 6761,
    section 6.4), so the names stay the same wherever the service runs, and nothing answers there.
    """

    def __init__(self, nct_id: str) -> None:
        self.nct_id = nct_id
        self.base = f"https://{nct_id.lower()}.invalid/fhir"
        self._concepts: dict[tuple[str, ...], Json] = {}

    def url(self, kind: str, resource_id: object) -> str:
        """The whole name of a resource."""
        return f"{self.base}/{kind}/{resource_id}"

    def system(self, name: str) -> str:
        """The code system of that name: see `codes`."""
        return self.url("CodeSystem", name.replace("_", "-"))

    def coding(self, system: str, code: object) -> Json:
        """A code of one of the trial's own code systems."""
        return {"system": self.system(system), "code": written(code)}

    def concept(self, system: str, code: object, *others: Json, text: str | None = None) -> Json:
        """A code of the trial's own, with the same in official systems after it.

        Few are used, and often: each is made once, and not to be changed.
        """
        key = (system, written(code), text or "", *(one["code"] for one in others))
        if key not in self._concepts:
            self._concepts[key] = concept(self.coding(system, code), *others, text=text)
        return self._concepts[key]

    def identifier(self, kind: str, value: object) -> Json:
        """A value that is unique among those of its kind, such as a subject's number."""
        return {"system": f"{self.base}/identifier/{kind}", "value": str(value)}


def written(code: object) -> str:
    """A value as a code: `true` of a truth, as JSON writes it."""
    return str(code).lower() if isinstance(code, bool) else str(code)


def coding(system: str, code: str, display: str | None = None) -> Json:
    """A code of an official system."""
    return kept(system=system, code=code, display=display)


def concept(*codings: Json, text: str | None = None) -> Json:
    """One meaning in the codes of several systems, in words, or both."""
    return kept(coding=list(codings), text=text)


def reference(kind: str, resource_id: object) -> Json:
    """A reference to a resource of the same export."""
    return {"reference": f"{kind}/{resource_id}"}


def quantity(value: float, unit: str, code: str) -> Json:
    """A measured value, with its unit in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def instant(at: datetime) -> str:
    """A moment in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def period(start: date | None, end: date | None = None) -> Json | None:
    """The local days from and to which something lasted, None when neither is known."""
    known = kept(start=start and start.isoformat(), end=end and end.isoformat())
    return known or None


def resource(kind: str, resource_id: object, /, **elements: Any) -> Json:
    """A resource; elements without a value are left out, for FHIR has no empty ones."""
    return kept(resourceType=kind, id=str(resource_id), **elements)


def recorded(row: Any) -> Json:
    """The `meta` of what is recorded about a subject: which version, and when it was made."""
    version = getattr(row, "version", None)
    return kept(
        versionId=None if not isinstance(version, int) else str(version),
        lastUpdated=instant(row.recorded_at),
        **PSEUDONYMISED,
    )


def kept(**elements: Any) -> Json:
    """Those of the elements that have a value: neither null, nor an empty list or object."""
    return {name: value for name, value in elements.items() if value not in (None, [], {}, "")}


def listed(*values: Json | None) -> list[Json]:
    """Those of the values that there are."""
    return [value for value in values if value is not None]


def extension(url: str, **value: Any) -> Json:
    """An element that R5 itself does not have."""
    return {"url": url, **value}


def first(values: Iterable[date]) -> date | None:
    """The earliest day, if there is one."""
    return min(values, default=None)

"""What both versions of ODM write alike: since when a site takes part, who did what, who signed."""

from collections.abc import Iterator
from typing import Any

from services.api.exports.csv.column import Kind
from services.api.exports.extract import Extract
from services.api.exports.odm import names
from services.api.exports.odm.items import told
from services.api.exports.odm.versions import Made
from services.api.exports.odm.xml import element, leaf
from services.api.signatures.rules import SignatureMeaning


def references(extract: Extract, site: str) -> Iterator[str]:
    """Since when the protocol has been approved at a site; its first day where it is not yet."""
    protocol = extract.protocol
    days = [
        one.approved_on
        for one in extract.activations
        if one.site == site and one.protocol_version == protocol.version
    ]
    yield element(
        "MetaDataVersionRef",
        StudyOID=names.study(protocol.study.nct_id),
        MetaDataVersionOID=names.metadata(protocol.version),
        EffectiveDate=str(min(days, default=protocol.effective_on)),
    )


def meanings() -> Iterator[str]:
    """What may be stated by a signature."""
    for one in SignatureMeaning:
        yield element(
            "SignatureDef",
            leaf("Meaning", one.value),
            leaf("LegalReason", "Equivalent to a handwritten signature (21 CFR 11.50, 11.200)"),
            OID=names.signature(one.value),
            Methodology="Electronic",
        )


def audit(made: Made) -> str:
    """Who made a version, where, when and why."""
    return element(
        "AuditRecord",
        element("UserRef", UserOID=names.user(made.by)),
        element("LocationRef", LocationOID=names.location(made.site)),
        leaf("DateTimeStamp", told(Kind.DATETIME, made.at) or ""),
        leaf("ReasonForChange", made.reason) if made.reason else "",
        leaf("SourceID", made.record),
    )


def signature(row: Any) -> str:
    """A person's signature on a version."""
    return element(
        "Signature",
        element("UserRef", UserOID=names.user(row.recorded_by)),
        element("LocationRef", LocationOID=names.location(row.site)),
        element("SignatureRef", SignatureOID=names.signature(row.meaning)),
        leaf("DateTimeStamp", told(Kind.DATETIME, row.recorded_at) or ""),
        ID=f"SIG.{row.id}",
    )

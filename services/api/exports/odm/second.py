"""ODM 2.0: a form is an item group of item groups, and values are elements."""

from collections.abc import Iterable, Iterator, Mapping

from services.api.exports.csv.column import Kind
from services.api.exports.extract import Extract
from services.api.exports.odm import codelists, names
from services.api.exports.odm.events import Event
from services.api.exports.odm.evidence import audit, meanings, references, signature
from services.api.exports.odm.groups import Group
from services.api.exports.odm.header import Header
from services.api.exports.odm.items import Item
from services.api.exports.odm.people import TYPES, Person
from services.api.exports.odm.transactions import Transaction
from services.api.exports.odm.versions import Made, Place
from services.api.exports.odm.xml import element, end, leaf, start
from services.api.protocol.schema import Protocol

VERSION = "2.0"
SCHEDULE = "SEG.SCHEDULE"
TYPE: Mapping[Kind, str] = {
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "decimal",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
}


def root(header: Header) -> str:
    """The beginning of the file."""
    return start(
        "ODM",
        xmlns="http://www.cdisc.org/ns/odm/v2.0",
        ODMVersion=VERSION,
        FileType="Transactional",
        Granularity="All",
        Context="Exchange",
        FileOID=header.oid,
        CreationDateTime=header.created,
        AsOfDateTime=header.created,
        Originator=header.originator,
        SourceSystem=header.system,
        SourceSystemVersion=header.system_version,
    ) + _english("Description", header.description)


def _words(name: str, words: codelists.Words) -> str:
    told = (
        leaf("TranslatedText", text, **{"xml:lang": language, "Type": "text/plain"})
        for language, text in words.items()
    )
    return element(name, *told)


def _english(name: str, text: str) -> str:
    return _words(name, {"en": text})


def study(extract: Extract, groups: tuple[Group, ...], events: Iterable[Event]) -> Iterator[str]:
    """The study's metadata."""
    protocol = extract.protocol
    facts = protocol.study
    yield start(
        "Study",
        OID=names.study(facts.nct_id),
        StudyName=facts.brief_title,
        ProtocolName=facts.organisation_study_id,
        VersionID=protocol.version,
    )
    yield _english("Description", facts.official_title)
    yield start(
        "MetaDataVersion",
        OID=names.metadata(protocol.version),
        Name=f"Protocol {protocol.version}",
    )
    events = tuple(events)
    yield _protocol(protocol)
    yield element(
        "StudyEventGroupDef",
        *(
            element(
                "StudyEventRef",
                StudyEventOID=names.event(one.code),
                OrderNumber=str(place),
                Mandatory="No",
            )
            for place, one in enumerate(events, start=1)
        ),
        OID=SCHEDULE,
        Name="Schedule of the protocol",
    )
    for one in events:
        yield _event(one)
    for name in dict.fromkeys(group.form for group in groups):
        yield _form(name, [group for group in groups if group.form == name])
    for group in groups:
        yield _group(group)
    for group in groups:
        for item in group.items:
            yield _item(group, item)
            if item.column.unit is not None:
                yield _unit(group, item)
    for name in codelists.used(groups):
        yield element(
            "CodeList",
            *(
                element(
                    "CodeListItem",
                    _words("Decode", words),
                    CodedValue=value,
                    OrderNumber=str(place),
                )
                for place, (value, words) in enumerate(
                    codelists.values(name, protocol).items(), start=1
                )
            ),
            OID=names.codelist(name),
            Name=name,
            DataType="text",
        )
    yield end("MetaDataVersion") + end("Study")


def _protocol(protocol: Protocol) -> str:
    arms = (
        element(
            "Arm", _english("Description", one.description), OID=f"ARM.{one.code}", Name=one.label
        )
        for one in protocol.arms
    )
    return element(
        "Protocol",
        _english("Description", protocol.study.official_title),
        element("StudyStructure", *arms),
        element("StudyEventGroupRef", StudyEventGroupOID=SCHEDULE, Mandatory="Yes"),
    )


def _event(one: Event) -> str:
    return element(
        "StudyEventDef",
        _english("Description", one.label),
        *(
            element(
                "ItemGroupRef",
                ItemGroupOID=names.form(form),
                OrderNumber=str(place),
                Mandatory="No",
            )
            for place, form in enumerate(one.forms, start=1)
        ),
        OID=names.event(one.code),
        Name=one.label,
        Repeating="Yes" if one.repeats else "No",
        Type=one.type,
    )


def _form(name: str, groups: list[Group]) -> str:
    return element(
        "ItemGroupDef",
        _english("Description", groups[0].meaning),
        *(
            element(
                "ItemGroupRef",
                ItemGroupOID=names.group(group.name),
                OrderNumber=str(place),
                Mandatory="No",
            )
            for place, group in enumerate(groups, start=1)
        ),
        OID=names.form(name),
        Name=name,
        Repeating="No",
        Type="Form",
    )


def _group(group: Group) -> str:
    return element(
        "ItemGroupDef",
        _english("Description", group.meaning),
        *(_references(group)),
        OID=names.group(group.name),
        Name=group.name,
        Repeating="Dynamic" if group.repeats else "No",
        Type="Section",
    )


def _references(group: Group) -> Iterator[str]:
    """The items of a group; beside each with a fixed unit the item that names it."""
    place = 0
    for item in group.items:
        place += 1
        by = _unit_name(item)
        yield element(
            "ItemRef",
            element("Origin", Type="Derived", Source="Sponsor") if group.derived else "",
            ItemOID=names.item(group.name, item.name),
            OrderNumber=str(place),
            Mandatory="No",
            UnitsItemOID=names.item(group.name, by) if by else None,
        )
        if item.column.unit is not None and by is not None:
            place += 1
            yield element(
                "ItemRef",
                ItemOID=names.item(group.name, by),
                OrderNumber=str(place),
                Mandatory="No",
                PreSpecifiedValue=item.column.unit,
            )


def _unit_name(item: Item) -> str | None:
    return f"{item.name}.fixed_unit" if item.column.unit is not None else item.unit_item


def _item(group: Group, item: Item) -> str:
    column = item.column
    return element(
        "ItemDef",
        _english("Description", column.label),
        _english("Question", column.label),
        *(
            element("RangeCheck", leaf("CheckValue", f"{bound:g}"), Comparator=how, SoftHard="Hard")
            for how, bound in zip(("GE", "LE"), item.bounds or (), strict=False)
        ),
        element("CodeListRef", CodeListOID=names.codelist(item.codes)) if item.codes else "",
        element("Alias", Context="Source", Name=column.source),
        OID=names.item(group.name, item.name),
        Name=item.name,
        DataType=TYPE.get(column.kind, "text"),
    )


def _unit(group: Group, item: Item) -> str:
    """The unit of an item, which is always the same and not repeated in the data."""
    name = f"{item.name}.fixed_unit"
    return element(
        "ItemDef",
        _english("Description", f"Unit of {item.name}: {item.column.unit}"),
        OID=names.item(group.name, name),
        Name=name,
        DataType="text",
    )


def admin(extract: Extract, people: Iterable[Person]) -> Iterator[str]:
    """Who made the records, where, and what signatures mean."""
    yield start("AdminData", StudyOID=names.study(extract.protocol.study.nct_id))
    for one in people:
        yield element(
            "User",
            leaf("UserName", one.role) if one.role else "",
            OID=one.oid,
            UserType=TYPES.get(one.role, "Other"),
            LocationOID=names.location(one.sites[0]) if len(one.sites) == 1 else None,
        )
    for site in extract.sites:
        yield element(
            "Organization",
            OID=f"ORG.{site.code}",
            Name=site.name,
            Type="Site",
            LocationOID=names.location(site.code),
        )
    for site in extract.sites:
        yield element(
            "Location",
            *references(extract, site.code),
            element("Address", leaf("City", site.city)),
            OID=names.location(site.code),
            Name=site.name,
            Role="Site",
            OrganizationOID=f"ORG.{site.code}",
        )
    yield from meanings()
    yield end("AdminData")


# --- data -----------------------------------------------------------------------------------


def subject_start(number: str, made: Made) -> str:
    """The beginning of a subject's data."""
    return start("SubjectData", SubjectKey=number, TransactionType="Insert") + element(
        "SiteRef", LocationOID=names.location(made.site)
    )


def subject_end(made: Made) -> str:
    """The end of a subject's data."""
    return audit(made) + end("SubjectData")


def event_start(place: Place) -> str:
    """The beginning of what belongs to a study event."""
    return start(
        "StudyEventData",
        StudyEventOID=names.event(place.event),
        StudyEventRepeatKey=place.repeat,
        TransactionType="Insert",
    )


def form_start(name: str) -> str:
    """The beginning of a form."""
    return start("ItemGroupData", ItemGroupOID=names.form(name), TransactionType="Insert")


FORM_END, EVENT_END = end("ItemGroupData"), end("StudyEventData")


def transaction(group: Group, one: Transaction) -> str:
    """One change of an item group."""
    return element(
        "ItemGroupData",
        *(
            element(
                "ItemData",
                leaf("Value", value) if value is not None else "",
                ItemOID=names.item(group.name, name),
                IsNull="Yes" if value is None else None,
            )
            for name, value in one.values.items()
        ),
        audit(one.made),
        signature(one.signature) if one.signature is not None else "",
        ItemGroupOID=names.group(group.name),
        ItemGroupRepeatKey=one.key,
        TransactionType=one.kind,
    )

"""ODM 1.3.2: study events hold forms, forms hold item groups, values are attributes."""

from collections.abc import Iterable, Iterator, Mapping

from services.api.exports.csv.column import Kind
from services.api.exports.extract import Extract
from services.api.exports.odm import codelists, names
from services.api.exports.odm.events import Event
from services.api.exports.odm.evidence import audit, meanings, references, signature
from services.api.exports.odm.groups import Group
from services.api.exports.odm.header import Header
from services.api.exports.odm.items import Item
from services.api.exports.odm.people import FIRST_TYPES, TYPES, Person
from services.api.exports.odm.transactions import Transaction
from services.api.exports.odm.versions import Made, Place
from services.api.exports.odm.xml import element, end, leaf, start

VERSION = "1.3.2"
TYPE: Mapping[Kind, str] = {
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "float",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
}


def root(header: Header) -> str:
    """The beginning of the file."""
    return start(
        "ODM",
        xmlns="http://www.cdisc.org/ns/odm/v1.3",
        ODMVersion=VERSION,
        FileType="Transactional",
        Granularity="All",
        FileOID=header.oid,
        CreationDateTime=header.created,
        AsOfDateTime=header.created,
        Originator=header.originator,
        SourceSystem=header.system,
        SourceSystemVersion=header.system_version,
        Description=header.description,
    )


def _words(name: str, words: codelists.Words) -> str:
    told = (
        leaf("TranslatedText", text, **{"xml:lang": language}) for language, text in words.items()
    )
    return element(name, *told)


def _english(name: str, text: str) -> str:
    return _words(name, {"en": text})


def study(extract: Extract, groups: tuple[Group, ...], events: Iterable[Event]) -> Iterator[str]:
    """The study's metadata."""
    protocol = extract.protocol
    facts = protocol.study
    yield start("Study", OID=names.study(facts.nct_id))
    yield element(
        "GlobalVariables",
        leaf("StudyName", facts.brief_title),
        leaf("StudyDescription", facts.official_title),
        leaf("ProtocolName", facts.organisation_study_id),
    )
    yield element(
        "BasicDefinitions",
        *(
            element("MeasurementUnit", _english("Symbol", one), OID=names.unit(one), Name=one)
            for one in _units(groups)
        ),
    )
    version = protocol.version
    yield start("MetaDataVersion", OID=names.metadata(version), Name=f"Protocol {version}")
    events = tuple(events)
    yield element(
        "Protocol",
        *(
            element(
                "StudyEventRef",
                StudyEventOID=names.event(one.code),
                OrderNumber=str(place),
                Mandatory="No",
            )
            for place, one in enumerate(events, start=1)
        ),
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
    for name in codelists.used(groups):
        yield element(
            "CodeList",
            *(
                element("CodeListItem", _words("Decode", words), CodedValue=value)
                for value, words in codelists.values(name, protocol).items()
            ),
            OID=names.codelist(name),
            Name=name,
            DataType="text",
        )
    yield end("MetaDataVersion") + end("Study")


def _units(groups: Iterable[Group]) -> list[str]:
    return sorted(
        {item.column.unit for group in groups for item in group.items if item.column.unit}
    )


def _event(one: Event) -> str:
    return element(
        "StudyEventDef",
        _english("Description", one.label),
        *(
            element("FormRef", FormOID=names.form(form), OrderNumber=str(place), Mandatory="No")
            for place, form in enumerate(one.forms, start=1)
        ),
        OID=names.event(one.code),
        Name=one.label,
        Repeating="Yes" if one.repeats else "No",
        Type=one.type,
    )


def _form(name: str, groups: list[Group]) -> str:
    return element(
        "FormDef",
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
    )


def _group(group: Group) -> str:
    return element(
        "ItemGroupDef",
        _english("Description", group.meaning),
        *(
            element(
                "ItemRef",
                ItemOID=names.item(group.name, item.name),
                OrderNumber=str(place),
                Mandatory="No",
            )
            for place, item in enumerate(group.items, start=1)
        ),
        OID=names.group(group.name),
        Name=group.name,
        Repeating="Yes" if group.repeats else "No",
        Origin="Derived" if group.derived else None,
        Comment=group.meaning,
    )


def _item(group: Group, item: Item) -> str:
    column = item.column
    unit = element("MeasurementUnitRef", MeasurementUnitOID=names.unit(column.unit or ""))
    return element(
        "ItemDef",
        _english("Description", column.label),
        _english("Question", column.label),
        unit if column.unit else "",
        *(
            element("RangeCheck", leaf("CheckValue", f"{bound:g}"), Comparator=how, SoftHard="Hard")
            for how, bound in zip(("GE", "LE"), item.bounds or (), strict=False)
        ),
        element("CodeListRef", CodeListOID=names.codelist(item.codes)) if item.codes else "",
        OID=names.item(group.name, item.name),
        Name=item.name,
        DataType=TYPE.get(column.kind, "text"),
        Origin="Derived" if group.derived else column.source,
    )


def admin(extract: Extract, people: Iterable[Person]) -> Iterator[str]:
    """Who made the records, where, and what signatures mean."""
    protocol = extract.protocol
    yield start("AdminData", StudyOID=names.study(protocol.study.nct_id))
    for one in people:
        kind = TYPES.get(one.role, "Other")
        yield element(
            "User",
            leaf("DisplayName", one.role) if one.role else "",
            *(element("LocationRef", LocationOID=names.location(site)) for site in one.sites),
            OID=one.oid,
            UserType=kind if kind in FIRST_TYPES else "Other",
        )
    for site in extract.sites:
        yield element(
            "Location",
            *references(extract, site.code),
            OID=names.location(site.code),
            Name=site.name,
            LocationType="Site",
        )
    yield from meanings()
    yield end("AdminData")


# --- data -----------------------------------------------------------------------------------


def subject_start(number: str, made: Made) -> str:
    """The beginning of a subject's data."""
    return start("SubjectData", SubjectKey=number, TransactionType="Insert") + (
        audit(made) + element("SiteRef", LocationOID=names.location(made.site))
    )


def subject_end(_: Made) -> str:
    """The end of a subject's data."""
    return end("SubjectData")


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
    return start("FormData", FormOID=names.form(name), TransactionType="Insert")


FORM_END, EVENT_END = end("FormData"), end("StudyEventData")


def transaction(group: Group, one: Transaction) -> str:
    """One change of an item group."""
    return element(
        "ItemGroupData",
        audit(one.made),
        signature(one.signature) if one.signature is not None else "",
        *(
            element(
                "ItemData",
                ItemOID=names.item(group.name, name),
                Value=value,
                IsNull="Yes" if value is None else None,
            )
            for name, value in one.values.items()
        ),
        ItemGroupOID=names.group(group.name),
        ItemGroupRepeatKey=one.key,
        TransactionType=one.kind,
    )

"""The whole file: valid, closed in itself, and what the database and its trail say."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from services.api.exports.extract import Options, Part
from services.api.exports.odm.groups import groups
from services.api.exports.odm.writer import VERSIONS, write
from services.api.language.tags import Language
from tests.exports.conftest import Opener
from tests.exports.odm.reading import Change, Document
from tests.lived import Lived
from tests.make import Api, Json, ok, plan

HOSTILE = 'a ]]> <b attr="x"> & \' 😀 用药后 \u00a0 end'


def test_it_is_valid_by_the_official_schema(
    document: Document, schemas: Mapping[str, etree.XMLSchema]
) -> None:
    schema = schemas[document.version]
    assert schema.validate(document.root), schema.error_log
    broken = etree.fromstring(document.content)
    Document(b"", broken).all("StudyEventData")[0].set("StudyEventOID", "")
    assert not schema.validate(broken)
    with pytest.raises(etree.DocumentInvalid):
        schema.assertValid(broken)


def test_an_empty_trial_is_valid(
    api: Api, open_extract: Opener, schemas: Mapping[str, etree.XMLSchema]
) -> None:
    extract = open_extract(api)
    for version in VERSIONS:
        found = Document.of(b"".join(write(extract, Options(version=version))))
        assert schemas[version].validate(found.root), schemas[version].error_log
        assert found.all("SubjectData") == []


REFERENCES = {
    "StudyOID": "Study",
    "MetaDataVersionOID": "MetaDataVersion",
    "StudyEventGroupOID": "StudyEventGroupDef",
    "StudyEventOID": "StudyEventDef",
    "FormOID": "FormDef",
    "ItemGroupOID": "ItemGroupDef",
    "ItemOID": "ItemDef",
    "UnitsItemOID": "ItemDef",
    "CodeListOID": "CodeList",
    "MeasurementUnitOID": "MeasurementUnit",
    "UserOID": "User",
    "LocationOID": "Location",
    "OrganizationOID": "Organization",
    "SignatureOID": "SignatureDef",
}


def test_whatever_it_refers_to_is_defined_once(document: Document) -> None:
    defined = {
        name: Counter(one.get("OID") for one in document.all(name))
        for name in {*REFERENCES.values()}
    }
    for oids in defined.values():
        assert set(oids.values()) <= {1}
    for element in document.root.iter():
        for name, value in element.attrib.items():
            if name in REFERENCES:
                assert value in defined[REFERENCES[name]], (element.tag, value)


def test_data_stand_where_the_metadata_say(document: Document) -> None:
    """Each form at its event, each group in its form, each item in its group."""
    form_def = "FormDef" if document.version == "1.3.2" else "ItemGroupDef"
    form_ref = (
        ("FormRef", "FormOID") if document.version == "1.3.2" else ("ItemGroupRef", "ItemGroupOID")
    )

    def holds(name: str, ref: tuple[str, str]) -> dict[str, set[str]]:
        return {
            one.get("OID"): {part.get(ref[1]) for part in document.children(one, ref[0])}
            for one in document.all(name)
        }

    at_event = holds("StudyEventDef", form_ref)
    in_form = holds(form_def, ("ItemGroupRef", "ItemGroupOID"))
    in_group = holds("ItemGroupDef", ("ItemRef", "ItemOID"))
    repeats = {one.get("OID"): one.get("Repeating") for one in document.all("ItemGroupDef")}
    for change in document.changes():
        assert change.form in at_event[change.event]
        assert change.group in in_form[change.form]
        assert change.values.keys() <= in_group[change.group]
        assert (change.key is not None) == (repeats[change.group] != "No")


def readable(kind: str, value: str) -> bool:
    """Whether a value is of its data type."""
    match kind:
        case "integer":
            return value == str(int(value))
        case "float" | "decimal":
            return float(value) == float(value)
        case "boolean":
            return value in {"true", "false"}
        case "date":
            return value == date.fromisoformat(value).isoformat()
        case "datetime":
            return datetime.fromisoformat(value).tzinfo is not None
    return kind == "text"


def test_each_value_is_of_its_type_in_its_list_and_within_its_bounds(document: Document) -> None:
    lists = {
        one.get("OID"): {item.get("CodedValue") for item in document.children(one, "CodeListItem")}
        for one in document.all("CodeList")
    }
    items = {one.get("OID"): one for one in document.all("ItemDef")}
    seen: set[str] = set()
    for change in document.changes():
        for oid, value in change.values.items():
            if value is None:
                continue
            seen.add(oid)
            item = items[oid]
            assert readable(item.get("DataType"), value), (oid, value)
            for ref in document.children(item, "CodeListRef"):
                assert value in lists[ref.get("CodeListOID")], (oid, value)
            for check in document.children(item, "RangeCheck"):
                bound = float(document.text(check, "CheckValue") or "")
                least = check.get("Comparator") == "GE"
                assert float(value) >= bound if least else float(value) <= bound, (oid, value)
    assert len(seen) > 150
    checked = [one for one in items.values() if document.children(one, "RangeCheck")]
    assert len(checked) > 15


def test_each_value_of_a_list_is_told_in_every_language(document: Document) -> None:
    languages = {language.value for language in Language}
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    told = {
        one.get("OID"): [
            {text.get(lang) for text in document.all("TranslatedText", item)}
            for item in document.children(one, "CodeListItem")
        ]
        for one in document.all("CodeList")
    }
    assert all(one == languages for one in told["CL.MucosalAppearance"])
    assert len(told["CL.MucosalAppearance"]) == 5


def test_the_two_versions_tell_the_same(documents: Mapping[str, Document]) -> None:
    one, other = ([change[:8] for change in documents[version].changes()] for version in VERSIONS)
    assert one == other
    assert documents[VERSIONS[0]].root.get("FileOID") != documents[VERSIONS[1]].root.get("FileOID")


def current(lived: Lived, table: str, key: str) -> int:
    return int(lived.api.rows(f"SELECT count(DISTINCT ({key})) FROM {table}")[0][0])


def test_after_every_transaction_there_is_what_the_database_holds(
    document: Document, lived: Lived
) -> None:
    held = Counter(entity[4] for entity in document.state())
    subjects = current(lived, "subject", "id")
    assert held["IG.subjects"] == held["IG.endpoints"] == subjects
    for group in groups(lived.api.state.loaded.protocol):
        own = [part for part in group.parts if part.source.name in COUNTED.get(group.name, ())]
        for part in own:
            key = ", ".join({"subject_id": "", **dict.fromkeys(part.source.key, "")})
            table = part.source.name
            assert held[f"IG.{group.name}"] == current(lived, table, key) > 0, group.name


COUNTED = {
    "consents": ("consent",),
    "eligibility": ("eligibility_evaluation",),
    "eligibility_facts": ("eligibility_evaluation",),
    "eligibility_criteria": ("eligibility_evaluation",),
    "radiotherapy": ("radiotherapy",),
    "randomizations": ("allocation",),
    "randomization_corrections": ("randomization_correction",),
    "visits": ("visit",),
    "gradings": ("grading",),
    "verifications": ("grading_verification",),
    "adjudications": ("adjudication",),
    "exposures": ("exposure",),
    "discontinuations": ("discontinuation",),
    "deviations": ("deviation",),
    "adverse_events": ("adverse_event",),
    "submissions": ("safety_submission",),
    "deadlines": ("safety_deadline",),
    "queries": ("data_query",),
    "query_steps": ("data_query_step",),
    "locks": ("subject_lock",),
}
"""The table whose records a group holds one for one."""


def test_every_record_kind_is_counted(lived: Lived) -> None:
    names = {group.name for group in groups(lived.api.state.loaded.protocol)}
    assert names - COUNTED.keys() == {"subjects", "endpoints", "interruptions"}
    tables = {table for found in COUNTED.values() for table in found}
    signed = {part.source.name for part in Part if part.name.endswith("SIGNATURES")}
    assert {part.source.name for part in Part} - tables == signed | {"consent_withdrawal"}


def test_gradings_are_those_of_the_database_version_by_version(
    document: Document, lived: Lived
) -> None:
    rows = lived.api.rows(
        "SELECT g.id, s.number, g.visit, g.grade, g.pain_score, g.diet, g.version FROM grading g"
        " JOIN subject s ON s.id = g.subject_id ORDER BY g.id, g.version"
    )
    told: defaultdict[str | None, list[tuple[str, dict[str, str | None]]]] = defaultdict(list)
    for change in document.changes():
        if change.group == "IG.gradings":
            event = change.event.removeprefix("SE.").replace("n", change.event_repeat or "n")
            assert event == next(row.visit for row in rows if str(row.id) == change.key)
            told[change.key].append((change.subject, change.values))
    assert sum(map(len, told.values())) == len(rows)
    for key, versions in told.items():
        held: dict[str, str | None] = {}
        stored = [row for row in rows if str(row.id) == key]
        for (subject, values), row in zip(versions, stored, strict=True):
            held |= values
            assert subject == row.number
            for name in ("grade", "pain_score", "diet"):
                assert held[f"IT.gradings.{name}"] == str(getattr(row, name))
    assert max(row.version for row in rows) > 1


def test_a_grading_has_the_flags_that_the_api_answers(
    api: Api, uncertified: list[Json], open_extract: Opener
) -> None:
    document = Document.of(b"".join(write(open_extract(api), Options())))
    prefix = "IT.gradings.flags."
    told = {
        change.key: {
            name.removeprefix(prefix)
            for name, value in change.values.items()
            if name.startswith(prefix) and value == "true"
        }
        for change in document.changes()
        if change.group == "IG.gradings"
    }
    assert told == {one["id"]: set(one["flags"]) for one in uncertified}


def of_trail(lived: Lived) -> dict[str, Any]:
    """Each event that made a row, by what an audit record's source names.

    A visit has no id: the trail's `record_id` is its subject's, and the code tells which.
    """
    found: dict[str, Any] = {}
    for event in lived.api.rows(
        "SELECT record, record_id, actor, at, reason, site, subject_id, new FROM audit_event"
        " WHERE operation IN ('INSERT', 'UPDATE') AND subject_id IS NOT NULL ORDER BY id"
    ):
        parts = [event.record, event.record_id]
        if event.record == "visit":
            parts.append(event.new["code"])
        versioned = "version" in event.new and event.record not in {"subject", "consent"}
        if versioned and event.record != "grading_verification":
            parts.append(str(event.new["version"]))
        named = "/".join(parts)
        assert event.record == "subject" or named not in found  # whose row alone is overwritten
        found[named] = event
    return found


def test_each_audit_record_agrees_with_the_trail(document: Document, lived: Lived) -> None:
    numbers = {row.number: str(row.id) for row in lived.api.rows("SELECT id, number FROM subject")}
    trail = of_trail(lived)
    compared: Counter[str] = Counter()
    for change in document.changes():
        source = document.text(change.audit, "SourceID") or ""
        if source.startswith("endpoint/"):
            continue
        event = trail[source]
        assert numbers[change.subject] == str(event.subject_id)
        (user,) = document.children(change.audit, "UserRef")
        (location,) = document.children(change.audit, "LocationRef")
        at = datetime.fromisoformat(document.text(change.audit, "DateTimeStamp") or "")
        assert location.get("LocationOID") == f"LOC.{event.site}"
        assert user.get("UserOID") == f"USR.{event.new['recorded_by']}"
        if event.actor is not None:
            assert event.actor == event.new["recorded_by"]
        assert abs(event.at - at) < timedelta(seconds=30)
        assert document.text(change.audit, "ReasonForChange") == event.new.get("reason")
        compared[event.record] += 1
    assert len(compared) > 18
    assert compared["grading"] == len([key for key in trail if key.startswith("grading/")])


def test_every_change_of_a_record_has_its_reason(document: Document) -> None:
    updates = [change for change in document.changes() if change.kind == "Update"]
    groups_changed = {change.group for change in updates}
    assert {"IG.gradings", "IG.adverse_events", "IG.radiotherapy"} <= groups_changed
    automatic = {"IG.deadlines", "IG.adjudications", "IG.locks"}
    for change in updates:
        told = document.text(change.audit, "ReasonForChange")
        assert told or change.group in automatic, change


def test_what_happened_to_one_thing_stands_in_the_order_of_time(document: Document) -> None:
    created = datetime.fromisoformat(document.root.get("CreationDateTime"))
    last: dict[tuple[str | None, ...], datetime] = {}
    for change in document.changes():
        stamps = [document.text(change.audit, "DateTimeStamp")]
        stamps += [document.text(one, "DateTimeStamp") for one in change.signatures]
        for stamp in stamps:
            at = datetime.fromisoformat(stamp or "")
            assert last.get(change.entity, at) <= at <= created
            last[change.entity] = at


def test_each_signature_stands_on_the_version_that_was_signed(
    document: Document, lived: Lived
) -> None:
    signed: Counter[tuple[str, str, str]] = Counter()
    for change in document.changes():
        for one in change.signatures:
            (user,) = document.children(one, "UserRef")
            (meaning,) = document.children(one, "SignatureRef")
            source = document.text(change.audit, "SourceID") or ""
            signed[source, user.get("UserOID"), meaning.get("SignatureOID")] += 1
    stored: Counter[tuple[str, str, str]] = Counter()
    for table, key, record, meanings in (
        ("eligibility_signature", "subject_id", "eligibility_evaluation", "ELIGIBLE"),
        ("grading_signature", "grading_id", "grading", "GRADING"),
        ("adverse_event_signature", "adverse_event_id", "adverse_event", "ADVERSE_EVENT"),
    ):
        for row in lived.api.rows(f"SELECT {key} AS key, version, recorded_by FROM {table}"):
            source = f"{record}/{row.key}/{row.version}"
            stored[source, f"USR.{row.recorded_by}", f"SIG.{meanings}"] += 1
    assert signed == stored
    assert len(stored) >= 3


def test_the_same_trial_gives_the_same_bytes_and_another_name_when_it_changed(
    api: Api, open_extract: Opener
) -> None:
    api.as_("investigator").consented()
    first = b"".join(write(open_extract(api), Options(version="2.0")))
    assert b"".join(write(open_extract(api), Options(version="2.0"))) == first
    api.as_("investigator").screened()
    after = Document.of(b"".join(write(open_extract(api), Options(version="2.0"))))
    assert after.root.get("FileOID") != Document.of(first).root.get("FileOID")
    assert len(after.all("SubjectData")) == 2


def test_hostile_text_comes_back_as_it_was_written(
    api: Api, open_extract: Opener, schemas: Mapping[str, etree.XMLSchema]
) -> None:
    caller = api.as_("investigator")
    here = f"/v1/subjects/{caller.consented()['id']}"
    start = caller.today() + timedelta(days=10)
    ok(caller.put(f"{here}/radiotherapy", plan(start), version=0))
    ok(caller.put(f"{here}/visits/SCR", {"missed_reason": HOSTILE}, version=0))
    for version in VERSIONS:
        document = Document.of(b"".join(write(open_extract(api), Options(version=version))))
        assert schemas[version].validate(document.root)
        (told,) = (
            change.values["IT.visits.missed_reason"]
            for change in document.changes()
            if change.group == "IG.visits"
        )
        assert told == HOSTILE


def test_nobody_is_named_and_no_account_of_an_event_is_told(
    document: Document, lived: Lived
) -> None:
    text = document.content.decode()
    for name, username, role in lived.api.rows("SELECT name, username, role FROM account"):
        assert name not in text
        assert username not in text or username == role.replace("_", "-")
    assert "tube feeding" not in text


def test_changes_tell_only_what_changed(document: Document) -> None:
    corrected = [
        change
        for change in document.changes()
        if change.group == "IG.gradings" and change.kind == "Update"
    ]
    assert corrected
    assert all(len(change.values) < 5 for change in corrected)
    assert isinstance(corrected[0], Change)


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_the_version_that_was_asked_for_is_answered(living: Api, version: str | None) -> None:
    asked = {} if version is None else {"version": version}
    answer = living.as_("statistician").get("/v1/exports/odm", params=asked)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/xml"
    assert Document.of(answer.content).version == (version or "2.0")


def test_another_version_is_refused_with_those_there_are(living: Api) -> None:
    answer = living.as_("data_manager").get("/v1/exports/odm", params={"version": "1.2"})
    assert answer.status_code == 422
    assert all(version in answer.text for version in VERSIONS)

"""The message has the structure that E2B(R3) gives it, and tells what the JSON tells."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.case_reports.content import case_report
from services.api.case_reports.message import xml
from services.api.case_reports.rules import Case
from services.api.case_reports.schemas import CaseReport
from tests.case_reports.cases import CASE, CREATED, EVERY_KIND, PROTOCOL, case, version
from tests.case_reports.reader import at, from_message
from tests.case_reports.structure import faults
from tests.case_reports.told import from_json


def told(made: Case) -> CaseReport:
    return case_report(made, PROTOCOL, CREATED)


def by_number(elements: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each element, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for number, text in elements:
        found[number].append(text)
    return found


def assert_the_same(report: CaseReport) -> None:
    as_json = by_number(from_json(json.loads(report.model_dump_json())))
    assert by_number(from_message(xml(report))) == as_json


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_message_is_made_as_it_must_be(kind: str) -> None:
    assert faults(fromstring(xml(told(EVERY_KIND[kind])))) == []


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_message_and_json_tell_the_same_element_by_element(kind: str) -> None:
    assert_the_same(told(EVERY_KIND[kind]))


def test_every_element_of_the_schema_is_in_some_message() -> None:
    schema = json.dumps(CaseReport.model_json_schema())
    numbers = set(re.findall(r'"title": "([A-Z]\.[^"]+)"', schema))
    written = {
        number for made in EVERY_KIND.values() for number, _ in from_message(xml(told(made)))
    }
    assert numbers == written


def test_the_same_records_give_the_same_bytes() -> None:
    assert xml(told(CASE)) == xml(told(CASE))


def test_only_the_dates_of_creation_follow_the_clock() -> None:
    later = case_report(CASE, PROTOCOL, CREATED + timedelta(days=1))
    lines = zip(xml(told(CASE)).splitlines(), xml(later).splitlines(), strict=True)
    changed = [one.split()[0] for one, other in lines if one != other]
    assert changed == [b"<creationTime", b"<creationTime", b"<effectiveTime"]


# --- the structure can be missed ----------------------------------------------------------


def drop(batch: Element) -> None:
    at(batch, "PORR_IN049016UV/controlActProcess/subject/investigationEvent")[0].remove(
        at(batch, "PORR_IN049016UV/controlActProcess/subject/investigationEvent/statusCode")[0]
    )


def swap(batch: Element) -> None:
    batch[0], batch[1] = batch[1], batch[0]


def repeat(batch: Element) -> None:
    batch.append(at(batch, "sender")[0])


def invent(batch: Element) -> None:
    SubElement(at(batch, "PORR_IN049016UV")[0], "{urn:hl7-org:v3}note")


def reclassify(batch: Element) -> None:
    at(batch, "PORR_IN049016UV/controlActProcess")[0].set("moodCode", "INT")


def backdate(batch: Element) -> None:
    at(batch, "creationTime")[0].set("value", "2026-04-12")


def untype(batch: Element) -> None:
    path = "PORR_IN049016UV/controlActProcess/subject/investigationEvent/component/observationEvent"
    del at(batch, f"{path}/value")[0].attrib["{http://www.w3.org/2001/XMLSchema-instance}type"]


def chatter(batch: Element) -> None:
    batch.text = "hello"


def rename(batch: Element) -> None:
    batch.tag = "{urn:hl7-org:v3}MCCI_IN200101UV01"


@pytest.mark.parametrize(
    "harm", [drop, swap, repeat, invent, reclassify, backdate, untype, chatter, rename]
)
def test_a_message_made_otherwise_has_a_fault(harm: Callable[[Element], None]) -> None:
    batch = fromstring(xml(told(CASE)))
    harm(batch)
    assert faults(batch)


# --- texts ------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(narrative=TEXTS, detail=TEXTS, reason=TEXTS)
def test_any_text_reaches_both_forms_alike(narrative: str, detail: str, reason: str) -> None:
    texts = version(narrative=narrative, term_detail=detail)
    gone = version(
        version=2, narrative=narrative, term_detail=detail, reason=reason, nullified=True
    )
    report = told(case(texts, gone))
    assert faults(fromstring(xml(report))) == []
    assert_the_same(report)


def test_what_xml_cannot_carry_shows_as_lost() -> None:
    report = told(case(version(narrative="a\x01b\x0bc\x1fd\ufffee\uffff")))
    assert report.narrative.text.endswith("a�b�c�d�e�")
    assert dict(from_message(xml(report)))["H.1"] == report.narrative.text


def test_signs_of_every_plane_and_of_markup_are_kept() -> None:
    signs = "吞咽困难 𠀀 😷 <b>&amp; ]]> \"'\tend"
    report = told(case(version(narrative=signs)))
    assert dict(from_message(xml(report)))["H.1"].endswith(signs)


def test_line_ends_are_those_that_xml_reads() -> None:
    report = told(case(version(narrative="one\r\ntwo\rthree\nfour")))
    assert report.narrative.text.endswith("one\ntwo\nthree\nfour")


def test_a_narrative_of_full_length_is_told_whole() -> None:
    longest = "𠀀" * 20_000
    report = told(case(version(narrative=longest)))
    assert report.narrative.text.endswith(longest)
    assert report.narrative.continued == []


def test_what_the_narrative_has_no_room_for_goes_on_and_nothing_is_lost() -> None:
    narrative = told(EVERY_KIND["continued"]).narrative
    whole = narrative.text + "".join(more.text for more in narrative.continued)
    assert len(narrative.text) == 100_000
    assert [whole.count(str(number) * 20_000) for number in range(1, 8)] == [1] * 7
    assert "x" * 20_000 in whole

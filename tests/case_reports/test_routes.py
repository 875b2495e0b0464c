"""Who gets a case report, in which form, and of which case there is one."""

import json
from xml.etree.ElementTree import fromstring

import pytest

from tests.case_reports.reader import from_message
from tests.case_reports.structure import faults
from tests.case_reports.told import from_json
from tests.make import SUSPECTED, Api, Json, ok, problem

XML = {"Accept": "application/xml"}


def susar(api: Api) -> Json:
    """A serious adverse event that the site suspects the study drug of, not assessed yet."""
    investigator = api.as_("investigator")
    return investigator.reported(investigator.consented(), **SUSPECTED)


def where(event: Json) -> str:
    return f"/v1/adverse-events/{event['id']}/case-report"


def test_the_report_is_json_unless_xml_is_asked_for(api: Api) -> None:
    investigator, event = api.as_("investigator"), susar(api)
    plain = investigator.get(where(event))
    assert plain.headers["Content-Type"] == "application/json"
    assert plain.headers["Vary"].split(", ")[0] == "Accept"
    assert plain.headers["ETag"]
    message = investigator.get(where(event), headers=XML)
    assert message.headers["Content-Type"] == "application/xml"
    assert message.headers["Vary"].split(", ")[0] == "Accept"
    assert message.content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")


def test_the_message_tells_what_the_json_tells(api: Api) -> None:
    investigator, event = api.as_("investigator"), susar(api)
    created = {"N.1.5", "N.2.r.4", "C.1.2"}  # the clock goes on between the two requests
    as_json = sorted(from_json(ok(investigator.get(where(event)))))
    message = investigator.get(where(event), headers=XML).content
    assert [one for one in as_json if one[0] not in created] == [
        one for one in sorted(from_message(message)) if one[0] not in created
    ]
    assert faults(fromstring(message)) == []


def test_another_form_is_refused(api: Api) -> None:
    investigator, event = api.as_("investigator"), susar(api)
    for accept in ("text/html", "application/pdf;q=1, application/json;q=0", "nonsense"):
        refused = investigator.get(where(event), headers={"Accept": accept})
        problem(refused, 406, "not_acceptable")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"serious": False, "seriousness": []}, "/serious", "not_serious"),
        (
            {"causality": {"study_drug": "unlikely", "radiotherapy": "related"}},
            "/causality/study_drug",
            "not_suspected",
        ),
    ],
)
def test_a_case_that_is_no_susar_has_no_report_and_is_told_why(
    api: Api, changes: Json, pointer: str, code: str
) -> None:
    investigator = api.as_("investigator")
    event = investigator.reported(investigator.consented(), **{**SUSPECTED, **changes})
    refused = investigator.get(where(event))
    [lack] = problem(refused, 409, "not_reportable")["errors"]
    assert (lack["pointer"], lack["code"]) == (pointer, code)


def test_whoever_may_not_know_the_arm_gets_no_report(api: Api) -> None:
    event = susar(api)
    for role in ("assessor", "dmc", "admin"):
        problem(api.as_(role).get(where(event)), 403, "forbidden")
        problem(api.as_(role).get(where(event), headers=XML), 403, "forbidden")


def test_the_report_of_another_site_does_not_exist(api: Api) -> None:
    event = susar(api)
    problem(api.as_("investigator", "LZ").get(where(event)), 404, "not_found")


def test_a_read_of_either_form_is_in_the_trail_of_the_subject(api: Api) -> None:
    event = susar(api)
    officer = api.as_("safety_officer")
    for headers in ({}, XML):
        assert officer.get(where(event), headers=headers).status_code == 200
    [reads] = api.rows(
        "SELECT count(*) FROM audit_event WHERE operation = 'READ' AND role = 'safety_officer'"
        " AND record = 'read_case_report' AND subject_id = :subject",
        subject=event["subject_id"],
    )
    assert reads.count == 2


def test_no_report_holds_what_names_a_person(api: Api) -> None:
    event = susar(api)
    told = json.dumps(ok(api.as_("safety_officer").get(where(event))))
    subject = ok(api.as_("safety_officer").get(f"/v1/subjects/{event['subject_id']}"))
    assert subject["number"] in told
    assert str(subject["year_of_birth"]) not in told
    assert subject["id"] not in told

"""A report follows the records: occurrences, follow-ups, assessments, nullification, the arm."""

from datetime import timedelta

from tests.make import SUSPECTED, Api, Json, ok, problem

REASON: Json = {"reason": "Told by the ward"}


def report(api: Api, event: Json) -> Json:
    return ok(api.as_("safety_officer").get(f"/v1/adverse-events/{event['id']}/case-report"))


def change(api: Api, event: Json, **changes: object) -> Json:
    return ok(api.patch(f"/v1/adverse-events/{event['id']}", {**REASON, **changes}))


def suspected(api: Api, subject: Json, **changes: object) -> Json:
    return api.as_("investigator").reported(subject, **{**SUSPECTED, **changes})


def test_the_study_drug_of_a_treated_subject_is_suspected_with_the_days_taken(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    first = api.today()
    investigator.took_study_drug(subject)
    api.move_to(first + timedelta(days=2))
    investigator = api.as_("investigator")
    investigator.took_study_drug(subject)
    drug = report(api, suspected(api, subject))["drugs"][0]
    assert drug["role"]["meaning"] == "suspect"
    assert drug["dosages"][0]["started_on"] == str(first)
    assert drug["dosages"][0]["ended_on"] == str(first + timedelta(days=2))


def test_a_control_subject_was_not_given_the_study_drug(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    while investigator.receives_study_drug(subject):
        subject = investigator.randomized()
    drug = report(api, suspected(api, subject))["drugs"][0]
    assert drug["role"]["meaning"] == "drug not administered"
    assert drug["dosages"] == []


def test_a_subject_who_is_not_randomized_was_not_given_it_either(api: Api) -> None:
    event = suspected(api, api.as_("investigator").consented())
    [drug] = report(api, event)["drugs"]
    assert drug["role"]["meaning"] == "drug not administered"


def test_radiotherapy_is_told_once_it_began(api: Api) -> None:
    subject = api.as_("investigator").in_radiotherapy()
    told = report(api, suspected(api, subject))
    assert [drug["name"] for drug in told["drugs"]][1:] == ["Radiotherapy"]


def test_every_occurrence_of_a_case_leads_to_the_same_report(api: Api) -> None:
    investigator = api.as_("investigator")
    first = suspected(api, investigator.consented())
    second = suspected(api, {"id": first["subject_id"]}, grade=4, continues=first["id"])
    told = report(api, first)
    assert [reaction["id"] for reaction in told["reactions"]] == [first["id"], second["id"]]
    other = report(api, second)
    assert other["report"]["safety_report_id"] == told["report"]["safety_report_id"]
    assert told["report"]["safety_report_id"].endswith(first["id"])


def test_a_follow_up_is_another_version_of_the_same_report(api: Api) -> None:
    investigator = api.as_("investigator")
    event = suspected(api, investigator.consented())
    before = report(api, event)
    change(investigator, event, outcome="recovered", resolved_on=str(api.today()))
    after = report(api, event)
    assert before["report"]["safety_report_id"] == after["report"]["safety_report_id"]
    assert before["report"]["first_received_at"] == after["report"]["first_received_at"]
    assert before["report"]["latest_information_at"] <= after["report"]["latest_information_at"]
    assert [one["message"]["batch_number"][-2:] for one in (before, after)] == ["-1", "-2"]
    assert after["reactions"][0]["outcome"]["code"] == "1"


def test_the_sponsors_judgment_alone_makes_a_case_reportable_and_stands_beside(api: Api) -> None:
    investigator, officer = api.as_("investigator"), api.as_("safety_officer")
    event = investigator.reported(investigator.consented())
    change(officer, event, sponsor_causality="related", expectedness="unexpected")
    assert [one["result"] for one in report(api, event)["drugs"][0]["assessments"]] == [
        "Unlikely related",
        "Related",
    ]


def test_another_case_of_the_subject_is_linked_only_when_it_has_a_report(api: Api) -> None:
    investigator = api.as_("investigator")
    event = suspected(api, investigator.consented())
    subject: Json = {"id": event["subject_id"]}
    suspected(api, subject, term="Nausea", grade=2, serious=False, seriousness=[])
    assert report(api, event)["report"]["linked_reports"] == []
    other = suspected(api, subject, term="Aspiration")
    [linked] = report(api, event)["report"]["linked_reports"]
    assert linked == report(api, other)["report"]["safety_report_id"]


def test_a_nullified_susar_has_a_nullification_report(api: Api) -> None:
    investigator = api.as_("investigator")
    event = suspected(api, investigator.consented())
    change(investigator, event, nullified=True)
    told = report(api, event)
    assert told["report"]["change"]["meaning"] == "nullification"
    assert told["report"]["change_reason"] == REASON["reason"]


def test_a_nullified_event_that_never_was_a_susar_has_none(api: Api) -> None:
    investigator = api.as_("investigator")
    event = investigator.reported(investigator.consented())
    change(investigator, event, nullified=True)
    refused = investigator.get(f"/v1/adverse-events/{event['id']}/case-report")
    [lack] = problem(refused, 409, "not_reportable")["errors"]
    assert (lack["pointer"], lack["code"]) == ("/nullified", "never_reportable")


def test_a_death_is_told_with_its_day(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    investigator.died(subject)
    fatal = {"grade": 5, "outcome": "fatal", "seriousness": ["death"], "term": "Aspiration"}
    event = suspected(api, subject, **fatal)
    told = report(api, event)
    assert told["patient"]["death"]["died_on"] == str(api.today())
    assert [cause["text"] for cause in told["patient"]["death"]["causes"]] == ["Aspiration"]
    assert told["reactions"][0]["death"] is True

"""Adverse events over HTTP."""

from datetime import timedelta

from tests.make import FATAL, Api, Json, adverse_event, created, mistakes, ok, problem

REASON = "Follow-up from the ward"


def path(subject: Json) -> str:
    return f"/v1/subjects/{subject['id']}/adverse-events"


def report(api: Api, **changed: object) -> Json:
    """The body of a report, with something changed."""
    return {**adverse_event(api.today()), **changed}


def reported(api: Api, **changed: object) -> Json:
    """An adverse event of a new subject, reported by an investigator."""
    investigator = api.as_("investigator")
    where = path(investigator.consented())
    return created(investigator.post(where, report(api, **changed)))


def at(event: Json) -> str:
    return f"/v1/adverse-events/{event['id']}"


# --- reporting --------------------------------------------------------------------------


def test_a_report_is_coded_and_kept_with_the_version_of_the_dictionary(api: Api) -> None:
    body = report(api)
    event = created(api.as_("coordinator").post(path(api.as_("coordinator").consented()), body))
    assert event.items() >= {name: body[name] for name in body if name != "aware_at"}.items()
    assert (event["meddra_code"], event["ctcae_version"]) == ("10013950", "5.0")
    assert (event["sponsor_causality"], event["expectedness"]) == (None, None)
    assert event["version"] == 1
    assert ok(api.as_("monitor").get(at(event))) == event


def test_a_term_is_found_whatever_its_capitals_and_kept_in_its_wording(api: Api) -> None:
    assert reported(api, term="dYSPHAGIA")["term"] == "Dysphagia"


def test_a_term_ctcae_does_not_have_is_refused(api: Api) -> None:
    investigator = api.as_("investigator")
    answer = investigator.post(path(investigator.consented()), report(api, term="Sore mouth"))
    assert mistakes(answer) == [("/term", "unknown")]


def test_alopecia_has_no_grade_3(api: Api) -> None:
    investigator = api.as_("investigator")
    where = path(investigator.consented())
    answer = investigator.post(where, report(api, term="Alopecia", grade=3))
    assert mistakes(answer) == [("/grade", "no_such_grade")]
    assert "1, 2" in answer.json()["errors"][0]["detail"]
    created(investigator.post(where, report(api, term="Alopecia", grade=2)))


def test_dates_and_judgments_that_contradict_each_other_are_named(api: Api) -> None:
    investigator = api.as_("investigator")
    where = path(investigator.consented())
    today = api.today()
    yesterday, tomorrow = str(today - timedelta(days=1)), str(today + timedelta(days=1))
    soon = (api.state.clock.now() + timedelta(minutes=5)).isoformat()
    not_serious = {"serious": False, "seriousness": []}
    other = {"term": "Gastrointestinal disorders - Other, specify"}
    cases: list[tuple[Json, list[tuple[str, str]]]] = [
        ({"onset_on": yesterday}, [("/onset_on", "before_consent")]),
        ({"onset_on": tomorrow}, [("/onset_on", "future"), ("/aware_at", "before_onset")]),
        ({"resolved_on": yesterday}, [("/resolved_on", "before_onset")]),
        ({"resolved_on": tomorrow}, [("/resolved_on", "future")]),
        ({"aware_at": soon}, [("/aware_at", "future")]),
        ({"seriousness": []}, [("/seriousness", "missing")]),
        ({"serious": False}, [("/serious", "contradiction")]),
        ({"grade": 5}, [("/outcome", "contradiction")]),
        ({"outcome": "fatal"}, [("/outcome", "contradiction")]),
        ({"seriousness": ["death"]}, [("/outcome", "contradiction")]),
        (other, [("/term_detail", "missing")]),
        ({"term": "Mucositis oral", **not_serious}, [("/term", "graded_instead")]),
    ]
    for changed, expected in cases:
        assert mistakes(investigator.post(where, report(api, **changed))) == expected, changed
    assert api.count("adverse_event") == 0
    for accepted in (
        not_serious,
        {**other, "term_detail": "Fistula of the floor of the mouth"},
        {"term": "Mucositis oral"},
        {"resolved_on": str(today)},
    ):
        created(investigator.post(where, report(api, **accepted)))


def test_adverse_events_are_collected_from_consent_on(api: Api) -> None:
    investigator = api.as_("investigator")
    answer = investigator.post(path(investigator.screened()), report(api))
    problem(answer, 409, "no_consent")
    assert api.count("adverse_event") == 0


def test_a_site_does_not_judge_for_the_sponsor_when_it_reports(api: Api) -> None:
    investigator = api.as_("investigator")
    body = report(api, sponsor_causality="related", expectedness="expected")
    refused = mistakes(investigator.post(path(investigator.consented()), body))
    assert refused == [
        ("/sponsor_causality", "extra_forbidden"),
        ("/expectedness", "extra_forbidden"),
    ]


# --- follow-up --------------------------------------------------------------------------


def test_a_follow_up_is_a_new_version_with_its_reason(api: Api) -> None:
    first = reported(api)
    body = {"outcome": "recovered", "resolved_on": str(api.today()), "reason": REASON}
    second = ok(api.as_("investigator").patch(at(first), body))
    assert (second["version"], second["outcome"], second["reason"]) == (2, "recovered", REASON)
    assert second["narrative"] == first["narrative"]
    versions = ok(api.as_("monitor").get(f"{at(first)}/versions"))["items"]
    assert versions == [first, second]
    assert ok(api.as_("monitor").get(at(first))) == second


def test_a_follow_up_has_a_reason_and_a_current_version(api: Api) -> None:
    investigator = api.as_("investigator")
    event = reported(api)
    assert mistakes(investigator.patch(at(event), {"grade": 2})) == [("/reason", "missing")]
    ok(investigator.patch(at(event), {"grade": 2, "reason": REASON}))
    late = investigator.patch(at(event), {"grade": 1, "reason": REASON}, version=1)
    problem(late, 412, "stale_version")


def test_a_follow_up_is_judged_as_a_whole(api: Api) -> None:
    investigator = api.as_("investigator")
    event = reported(api)
    answer = investigator.patch(at(event), {"outcome": "fatal", "reason": REASON})
    assert mistakes(answer) == [("/outcome", "contradiction")]
    api.as_("investigator").died({"id": event["subject_id"]})
    died = ok(investigator.patch(at(event), {**FATAL, "reason": "The subject died"}))
    assert (died["grade"], died["seriousness"]) == (5, ["death"])


def test_null_removes_what_is_optional_and_nothing_else(api: Api) -> None:
    investigator = api.as_("investigator")
    event = reported(api, resolved_on=str(api.today()))
    again = {"resolved_on": None, "narrative": None, "reason": "It came back"}
    changed = ok(investigator.patch(at(event), again))
    assert (changed["resolved_on"], changed["narrative"]) == (None, None)
    assert mistakes(investigator.patch(at(event), {"grade": None, "reason": REASON}))


def test_a_corrected_causality_keeps_the_verdict_that_is_not_named(api: Api) -> None:
    event = reported(api)
    assert event["causality"] == {"study_drug": "unlikely", "radiotherapy": "probably"}
    body = {"causality": {"study_drug": "related"}, "reason": "Rechallenge was positive"}
    changed = ok(api.as_("investigator").patch(at(event), body))
    assert changed["causality"] == {"study_drug": "related", "radiotherapy": "probably"}
    both = {"study_drug": "possibly", "radiotherapy": "unlikely"}
    body = {"causality": both, "reason": REASON}
    assert ok(api.as_("investigator").patch(at(event), body))["causality"] == both
    body = {"causality": {"study_drug": None}, "reason": REASON}
    assert mistakes(api.as_("investigator").patch(at(event), body))


def test_a_safety_officer_judges_for_the_sponsor_and_changes_nothing_else(api: Api) -> None:
    event = reported(api)
    officer, investigator = api.as_("safety_officer"), api.as_("investigator")
    judgment = {"sponsor_causality": "possibly", "expectedness": "unexpected"}
    judged = ok(officer.patch(at(event), {**judgment, "reason": "Assessed as SUSAR"}))
    assert judged.items() >= judgment.items()
    assert judged["causality"] == event["causality"]
    for refused in ({"grade": 4}, {**judgment, "narrative": "Rewritten"}):
        answer = officer.patch(at(event), {**refused, "reason": REASON})
        problem(answer, 403, "not_yours_to_assess")
    for name, value in judgment.items():
        answer = investigator.patch(at(event), {name: value, "reason": REASON})
        problem(answer, 403, "not_yours_to_assess")
    followed = ok(investigator.patch(at(event), {"outcome": "recovered", "reason": REASON}))
    assert followed.items() >= {**judgment, "version": 3}.items()


# --- lists ------------------------------------------------------------------------------


def test_events_are_filtered_by_site_seriousness_and_grade_in_their_current_version(
    api: Api,
) -> None:
    investigator = api.as_("investigator")
    where = path(investigator.consented())
    mild: Json = {"serious": False, "seriousness": [], "grade": 1}
    first = created(investigator.post(where, report(api)))
    second = created(investigator.post(where, report(api, **mild)))
    liuzhou = api.as_("investigator", "LZ")
    third = created(liuzhou.post(path(liuzhou.consented(site="LZ")), report(api)))
    ok(investigator.patch(at(second), {"grade": 2, "reason": REASON}))

    def ids(api: Api, query: str = "") -> list[str]:
        return [event["id"] for event in ok(api.get(f"/v1/adverse-events{query}"))["items"]]

    officer = api.as_("safety_officer")
    assert ids(officer) == [first["id"], second["id"], third["id"]]
    assert ids(officer, "?serious=true") == [first["id"], third["id"]]
    assert ids(officer, "?serious=false") == [second["id"]]
    assert ids(officer, "?grade=1") == []
    assert ids(officer, "?grade=2") == [second["id"]]
    assert ids(officer, "?site=LZ&serious=true") == [third["id"]]
    assert ids(investigator) == [first["id"], second["id"]]
    assert ids(investigator, "?site=LZ") == []


def test_pages_of_events_hold_each_once_while_others_are_added(api: Api) -> None:
    investigator = api.as_("investigator")
    where = path(investigator.consented())
    made = [created(investigator.post(where, report(api)))["id"] for _ in range(3)]
    ok(investigator.patch(f"/v1/adverse-events/{made[0]}", {"grade": 2, "reason": REASON}))
    seen: list[str] = []
    following: str | None = f"{where}?limit=2"
    while following:
        answer = investigator.get(following)
        page = ok(answer)
        assert len(page["items"]) <= 2
        seen += [event["id"] for event in page["items"]]
        if page["next_cursor"] and len(made) < 5:
            made.append(created(investigator.post(where, report(api)))["id"])
        following = answer.links.get("next", {}).get("url")
        assert (following is None) == (page["next_cursor"] is None)
    assert seen == made


def test_events_are_filtered_by_case_term_suspicion_and_nullification(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = investigator.reported(subject)
    second = investigator.reported(subject, grade=2, continues=first["id"])
    drug = {"causality": {"study_drug": "possibly", "radiotherapy": "unlikely"}}
    third = investigator.reported(subject, term="Nausea", **drug)
    judged = {"sponsor_causality": "related", "reason": "Plausible time course"}
    ok(api.as_("safety_officer").patch(at(first), judged))
    ok(investigator.patch(at(second), {"nullified": True, "reason": "Another subject's"}))
    names = {first["id"]: 1, second["id"]: 2, third["id"]: 3}

    def listed(**asked: object) -> list[int]:
        page = ok(investigator.get("/v1/adverse-events", params=asked))
        return [names[event["id"]] for event in page["items"]]

    assert listed(case_id=first["id"]) == [1, 2]
    assert listed(case_id=second["id"]) == []
    assert listed(term="Dysphagia") == [1, 2]
    assert listed(term="Nausea", serious="true") == [3]
    assert listed(nullified="true") == [2]
    assert listed(nullified="false") == listed(suspected="true") == [1, 3]
    assert listed(suspected="false") == [2]


# --- nullification ----------------------------------------------------------------------


def test_a_nullified_event_stays_readable_with_its_reason_and_takes_no_change(api: Api) -> None:
    investigator, officer = api.as_("investigator"), api.as_("safety_officer")
    for caller in (investigator, officer):
        event = reported(api)
        body = {"nullified": True, "reason": "Entered for the wrong subject"}
        nullified = ok(caller.patch(at(event), body))
        assert nullified.items() >= {**body, "version": 2, "grade": event["grade"]}.items()
        assert ok(investigator.get(at(event))) == nullified
        versions = ok(investigator.get(f"{at(event)}/versions"))["items"]
        assert [one["nullified"] for one in versions] == [False, True]
        for again in (body, {"grade": 2, "reason": REASON}, {"narrative": None, "reason": REASON}):
            problem(investigator.patch(at(event), again), 409, "nullified")
        judged = {"expectedness": "unexpected", "reason": REASON}
        problem(officer.patch(at(event), judged), 409, "nullified")


def test_an_event_is_nullified_with_a_reason_and_nothing_else(api: Api) -> None:
    investigator, event = api.as_("investigator"), reported(api)
    alone = {"nullified": True, "outcome": "recovered", "reason": REASON}
    assert mistakes(investigator.patch(at(event), alone)) == [("/nullified", "alone")]
    assert mistakes(investigator.patch(at(event), {"nullified": True})) == [("/reason", "missing")]
    for never in (False, None):
        assert mistakes(investigator.patch(at(event), {"nullified": never, "reason": REASON}))
    assert ok(investigator.get(at(event))) == event


def test_a_fatal_event_is_nullified_as_any_other(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    investigator.died(subject)
    event = investigator.reported(subject, **FATAL)
    body = {"nullified": True, "reason": "The death had another cause"}
    assert ok(investigator.patch(at(event), body))["nullified"] is True

"""Gradings over HTTP."""

from datetime import UTC, date, datetime, time, timedelta

from httpx import Response

from tests.make import SEVERE, Api, at_noon, created, grading, mistakes, ok, path, plan, problem

REASON = "Misread the source record"


def days(number: int) -> timedelta:
    return timedelta(days=number)


def recorded(api: Api, code: str = "RT1A", after: int = 0) -> str:
    """The path of a visit that takes place today, so many days after consent."""
    coordinator = api.as_("coordinator")
    where = path(coordinator.in_radiotherapy(), "visits", code)
    if after:
        api.move_to(api.today() + days(after))
    ok(coordinator.put(where, {"date": str(api.today())}))
    return where


def test_a_grading_keeps_the_entered_grade_beside_the_derived_ones(api: Api) -> None:
    assessor = api.as_("assessor")
    where = recorded(api)
    answer = created(assessor.post(f"{where}/gradings", grading(api.today(), **SEVERE)))
    assert answer["derived"] == {"protocol": 3, "who": 1, "rtog": 3}
    assert (answer["grade"], answer["flags"], answer["version"]) == (3, [], 1)
    assert answer["assessed_on"] == str(api.today())
    assert ok(assessor.get(f"/v1/gradings/{answer['id']}")) == answer
    assert ok(assessor.get(f"{where}/gradings"))["items"] == [answer]


def test_a_grade_that_differs_from_its_components_is_flagged_and_never_overwritten(
    api: Api,
) -> None:
    answer = created(
        api.as_("assessor").post(f"{recorded(api)}/gradings", grading(api.today(), grade=4))
    )
    assert (answer["grade"], answer["derived"]["protocol"]) == (4, 2)
    assert answer["flags"] == ["differs_from_components"]


def test_a_baseline_above_grade_0_is_flagged(api: Api) -> None:
    where = f"{recorded(api, 'BL')}/gradings"
    intact = {"mucosal_appearance": "normal", "pain_score": 0, "diet": "solid"}
    normal = grading(api.today(), grade=0, **intact)
    assert created(api.as_("assessor").post(where, normal))["flags"] == []
    red = grading(api.today(), grade=1, **{**intact, "mucosal_appearance": "erythema"})
    answer = created(api.as_("assessor", place=2).post(where, red))
    assert answer["flags"] == ["above_highest_grade"]


SHANGHAI_AHEAD_OF_UTC = timedelta(hours=8)


def test_a_grading_belongs_to_the_local_date_of_its_visit(api: Api) -> None:
    where = f"{recorded(api, after=1)}/gradings"
    visited = api.today()
    api.move_to(visited + days(2))

    def grade(place: int, day: date, at: time) -> Response:
        local = datetime.combine(day, at, UTC)
        moment = (local - SHANGHAI_AHEAD_OF_UTC).isoformat()
        body = grading(visited, assessed_at=moment)
        return api.as_("assessor", place=place).post(where, body)

    last_second = time(23, 59, 59)
    for day, at in ((visited - days(1), last_second), (visited + days(1), time(0))):
        assert mistakes(grade(1, day, at)) == [("/assessed_at", "other_day")]
    for place, at in ((1, time(0)), (2, last_second)):
        assert created(grade(place, visited, at))["assessed_on"] == str(visited)


def test_an_offset_names_the_same_moment_as_utc(api: Api) -> None:
    where = recorded(api)
    body = grading(api.today(), assessed_at=f"{api.today()}T00:00:00.25+08:00")
    answer = created(api.as_("assessor").post(f"{where}/gradings", body))
    assert answer["assessed_at"] == f"{api.today() - days(1)}T16:00:00.250000Z"


def test_a_grading_is_not_made_ahead_of_time(api: Api) -> None:
    where = recorded(api)
    soon = (api.state.clock.now() + timedelta(minutes=5)).isoformat()
    answer = api.as_("assessor").post(f"{where}/gradings", grading(api.today(), assessed_at=soon))
    assert mistakes(answer) == [("/assessed_at", "future")]


def test_a_grading_needs_a_visit_that_took_place(api: Api) -> None:
    assessor = api.as_("assessor")
    subject = api.as_("coordinator").in_radiotherapy()
    body = grading(api.today())
    problem(assessor.post(path(subject, "visits/RT1A/gradings"), body), 409, "visit_not_recorded")
    ok(assessor.put(path(subject, "visits/RT1A"), {"missed_reason": "Away"}))
    problem(assessor.post(path(subject, "visits/RT1A/gradings"), body), 409, "visit_not_recorded")
    problem(assessor.post(path(subject, "visits/RT99A/gradings"), body), 404, "not_found")
    assert api.count("grading") == 0


def test_the_screening_visit_is_not_graded(api: Api) -> None:
    answer = api.as_("assessor").post(f"{recorded(api, 'SCR')}/gradings", grading(api.today()))
    problem(answer, 409, "visit_not_graded")


def test_a_second_assessors_grading_is_a_second_grading(api: Api) -> None:
    assessor, another = api.as_("assessor"), api.as_("assessor", place=2)
    where = f"{recorded(api)}/gradings"
    first = created(assessor.post(where, grading(api.today())))
    problem(assessor.post(where, grading(api.today(), grade=1)), 409, "already_graded")
    second = created(another.post(where, grading(api.today(), **SEVERE)))
    assert ok(assessor.get(where))["items"] == [first, second]
    assert first["assessor"] != second["assessor"]


def test_a_graded_visit_was_not_missed(api: Api) -> None:
    where = recorded(api)
    created(api.as_("assessor").post(f"{where}/gradings", grading(api.today())))
    answer = api.as_("coordinator").put(where, {"missed_reason": "Was not here", "reason": REASON})
    problem(answer, 409, "visit_has_gradings")


def test_a_wrong_visit_date_is_corrected_first_at_the_visit_then_at_its_grading(api: Api) -> None:
    where = recorded(api, after=1)
    coordinator, assessor = api.as_("coordinator"), api.as_("assessor")
    made = created(assessor.post(f"{where}/gradings", grading(api.today())))
    before = api.today() - days(1)
    moved = {"assessed_at": at_noon(before), "reason": REASON}
    refused = assessor.patch(f"/v1/gradings/{made['id']}", moved)
    assert mistakes(refused) == [("/assessed_at", "other_day")]
    ok(coordinator.put(where, {"date": str(before), "reason": REASON}))
    corrected = ok(assessor.patch(f"/v1/gradings/{made['id']}", moved))
    assert corrected["assessed_on"] == str(before)


def test_nothing_is_graded_before_the_day_of_consent(api: Api) -> None:
    where = f"{recorded(api)}/gradings"
    early = api.as_("assessor").post(where, grading(api.today() - days(1)))
    problem(early, 409, "before_consent")
    made = created(api.as_("assessor").post(where, grading(api.today())))
    body = {"assessed_at": at_noon(api.today() - days(1)), "reason": REASON}
    answer = api.as_("assessor").patch(f"/v1/gradings/{made['id']}", body)
    problem(answer, 409, "before_consent")


def test_what_was_seen_before_the_subject_left_is_graded_and_corrected_after_it(api: Api) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    where = recorded(api)
    here, last = where.partition("/visits")[0], api.today()
    [consent] = ok(investigator.get(f"{here}/consents"))["items"]
    left = {"withdrawn_on": str(last), "reason": "Moves away"}
    created(investigator.post(f"{here}/consents/{consent['id']}/withdrawal", left))
    api.move_to(last + days(2))
    assessor = api.as_("assessor")
    made = created(assessor.post(f"{where}/gradings", grading(last)))
    reading = f"/v1/gradings/{made['id']}"
    ok(assessor.patch(reading, {**SEVERE, "reason": REASON}))
    later = {"assessed_at": at_noon(last + days(1)), "reason": REASON}
    problem(assessor.patch(reading, later), 409, "after_leaving")
    another = api.as_("assessor", place=2)
    problem(another.post(f"{where}/gradings", grading(last + days(1))), 409, "after_leaving")


def test_grade_5_does_not_exist(api: Api) -> None:
    where = f"{recorded(api)}/gradings"
    answer = api.as_("assessor").post(where, grading(api.today(), grade=5))
    assert mistakes(answer) == [("/grade", "less_than_equal")]
    assert api.count("grading") == 0


def test_gradings_of_a_visit_that_is_not_scheduled_are_not_found(api: Api) -> None:
    subject = api.as_("investigator").on_treatment()
    answer = api.as_("assessor").get(f"/v1/subjects/{subject['id']}/visits/ZZ9/gradings")
    problem(answer, 404, "not_found")


def test_nothing_is_graded_before_consent(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    here = f"/v1/subjects/{subject['id']}"
    ok(investigator.put(f"{here}/radiotherapy", plan(api.today())))
    problem(investigator.put(f"{here}/visits/BL", {"date": str(api.today())}), 409, "no_consent")


# --- corrections ------------------------------------------------------------------------


def graded(api: Api, after: int = 0) -> str:
    """The path of an assessor's grading of today, so many days after consent."""
    where = recorded(api, after=after)
    made = created(api.as_("assessor").post(f"{where}/gradings", grading(api.today())))
    return f"/v1/gradings/{made['id']}"


def test_the_author_corrects_a_grading_and_every_version_stays_readable(api: Api) -> None:
    assessor = api.as_("assessor")
    where = graded(api)
    changed = {"mucosal_appearance": "confluent", "pain_score": 8, "grade": 3}
    corrected = ok(assessor.patch(where, {**changed, "reason": REASON}))
    assert corrected.items() >= changed.items()
    assert (corrected["diet"], corrected["derived"]["protocol"]) == ("soft", 3)
    history = ok(api.as_("monitor").get(f"{where}/versions"))["items"]
    assert [(one["version"], one["grade"], one["reason"]) for one in history] == [
        (1, 2, None),
        (2, 3, REASON),
    ]
    assert ok(assessor.get(where)) == corrected == history[-1]


def test_another_person_does_not_correct_a_grading(api: Api) -> None:
    where = graded(api)
    body = {"grade": 3, "reason": REASON}
    problem(api.as_("investigator").patch(where, body), 403, "not_the_author")
    assert ok(api.as_("assessor").get(where))["version"] == 1


def test_a_correction_has_a_reason_and_a_current_version(api: Api) -> None:
    assessor = api.as_("assessor")
    where = graded(api)
    assert mistakes(assessor.patch(where, {"grade": 3})) == [("/reason", "missing")]
    ok(assessor.patch(where, {"grade": 3, "reason": REASON}))
    late = assessor.patch(where, {"grade": 1, "reason": REASON}, version=1)
    problem(late, 412, "stale_version")


def test_a_corrected_time_stays_on_the_day_of_the_visit(api: Api) -> None:
    where = graded(api, after=1)
    soon = (api.state.clock.now() + timedelta(minutes=5)).isoformat()
    for assessed_at, code in ((at_noon(api.today() - days(1)), "other_day"), (soon, "future")):
        body = {"assessed_at": assessed_at, "reason": REASON}
        assert mistakes(api.as_("assessor").patch(where, body)) == [("/assessed_at", code)]

"""The end of treatment and of taking part, over HTTP."""

from datetime import date, timedelta

import pytest

from tests.make import (
    Api,
    Json,
    created,
    ended,
    grading,
    mistakes,
    ok,
    path,
    problem,
)

REASON = "Corrected from the source record"
DAY = timedelta(days=1)


def discontinue(api: Api, subject: Json, **parts: object) -> Json:
    return ok(api.put(path(subject, "discontinuation"), parts))


def withdraw(api: Api, subject: Json, on: date) -> None:
    """The subject's only consent, withdrawn on that day."""
    (consent,) = ok(api.get(path(subject, "consents")))["items"]
    body = {"withdrawn_on": str(on), "reason": "Moves away"}
    created(api.post(path(subject, "consents", consent["id"], "withdrawal"), body))


def test_nothing_is_discontinued_at_first(api: Api) -> None:
    subject = api.as_("coordinator").consented()
    seen = ok(api.as_("coordinator").get(path(subject, "discontinuation")))
    assert (seen["version"], seen["treatment"], seen["study"]) == (0, None, None)
    answer = api.as_("investigator").put(path(subject, "discontinuation"), {})
    problem(answer, 409, "nothing_discontinued")


def test_follow_up_goes_on_after_the_end_of_treatment(api: Api) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.on_treatment()
    end = ended(api.today(), "adverse_event")
    seen = discontinue(investigator, subject, treatment=end)
    assert (seen["treatment"], seen["study"]) == (end, None)
    assert seen["treatment_ended_on"] == str(api.today())
    still = ok(investigator.get(path(subject)))
    assert (still["status"], still["left_on"]) == ("on_treatment", None)
    api.move_to(api.today() + DAY)
    ok(assessor.put(path(subject, "visits/RT1A"), {"date": str(api.today())}))
    created(assessor.post(path(subject, "visits/RT1A/gradings"), grading(api.today())))


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("consent_withdrawn", "withdrawn"),
        ("lost_to_follow_up", "lost_to_follow_up"),
        ("death", "died"),
        ("physician_decision", "withdrawn"),
        ("other", "withdrawn"),
    ],
)
def test_leaving_the_study_moves_the_subject_and_ends_the_treatment(
    api: Api, cause: str, status: str
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    api.move_to(api.today() + 3 * DAY)
    left_on = api.today() - DAY
    seen = discontinue(investigator, subject, study=ended(left_on, cause))
    assert (seen["treatment"], seen["treatment_ended_on"]) == (None, str(left_on))
    left = ok(investigator.get(path(subject)))
    assert (left["status"], left["left_on"]) == (status, str(left_on))


def test_nothing_returns_a_subject_to_the_study_and_a_wrong_day_is_corrected(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    api.move_to(first + 5 * DAY)
    where = path(subject, "discontinuation")
    discontinue(investigator, subject, study=ended(first + 3 * DAY))
    problem(investigator.put(where, {"reason": REASON}), 409, "left_for_good")
    corrected = {"study": ended(first + 2 * DAY)}
    assert mistakes(investigator.put(where, corrected)) == [("/reason", "missing")]
    assert ok(investigator.put(where, {**corrected, "reason": REASON}))["version"] == 2
    left = ok(investigator.get(path(subject)))
    assert (left["status"], left["left_on"]) == ("withdrawn", str(first + 2 * DAY))


CAUSES = ("consent_withdrawn", "lost_to_follow_up", "death")


@pytest.mark.parametrize("before", CAUSES)
@pytest.mark.parametrize("now", CAUSES)
def test_a_corrected_cause_never_contradicts_the_status(api: Api, before: str, now: str) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    where = path(subject, "discontinuation")
    discontinue(investigator, subject, study=ended(api.today(), before))
    left = ok(investigator.get(path(subject)))
    answer = investigator.put(where, {"study": ended(api.today(), now), "reason": REASON})
    if before == now:
        ok(answer)
    else:
        problem(answer, 409, "cause_contradicts_status")
        assert ok(investigator.get(where))["study"]["cause"] == before
    assert ok(investigator.get(path(subject))) == left


def test_a_cause_is_corrected_once_the_status_is(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    discontinue(investigator, subject, study=ended(api.today(), "lost_to_follow_up"))
    ok(investigator.patch(path(subject), {"status": "died", "reason": REASON}))
    seen = discontinue(
        investigator, subject, study=ended(api.today(), "death"), reason="Told by the family"
    )
    assert seen["study"]["cause"] == "death"


def test_the_day_is_corrected_also_after_a_later_withdrawal_changed_the_status(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    api.move_to(first + 5 * DAY)
    lost = "lost_to_follow_up"
    discontinue(investigator, subject, study=ended(first + 3 * DAY, lost))
    withdraw(investigator, subject, first + 4 * DAY)
    discontinue(investigator, subject, study=ended(first + 2 * DAY, lost), reason=REASON)
    left = ok(investigator.get(path(subject)))
    assert (left["status"], left["left_on"]) == ("withdrawn", str(first + 2 * DAY))


def test_a_subject_who_died_after_leaving_stays_dead(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    discontinue(investigator, subject, study=ended(api.today(), "consent_withdrawn"))
    ok(investigator.patch(path(subject), {"status": "died", "reason": REASON}))
    again = {"study": ended(api.today(), "consent_withdrawn"), "reason": REASON}
    ok(investigator.put(path(subject, "discontinuation"), again))
    assert ok(investigator.get(path(subject)))["status"] == "died"


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("withdrawn", "consent_withdrawn"),
        ("lost_to_follow_up", "lost_to_follow_up"),
        ("died", "death"),
    ],
)
@pytest.mark.parametrize("days", [-3, 0, 1])
def test_the_day_of_a_status_set_by_hand_follows_the_discontinuation(
    api: Api, status: str, cause: str, days: int
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    api.move_to(api.today() + 5 * DAY)
    set_on = api.today()
    ok(investigator.patch(path(subject), {"status": status, "reason": REASON}))
    api.move_to(set_on + DAY)
    discontinue(investigator, subject, study=ended(set_on + days * DAY, cause))
    left = ok(investigator.get(path(subject)))
    assert (left["status"], left["left_on"]) == (status, str(set_on + days * DAY))


def test_nobody_leaves_after_the_consent_was_withdrawn(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    api.move_to(first + 5 * DAY)
    withdraw(investigator, subject, first + 2 * DAY)
    where = path(subject, "discontinuation")
    for cause in ("consent_withdrawn", "death"):
        told = {"study": ended(first + 3 * DAY, cause)}
        assert mistakes(investigator.put(where, told)) == [("/study/on", "after_withdrawal")]
    discontinue(investigator, subject, study=ended(first + DAY, "consent_withdrawn"))
    late = {"study": ended(first + 3 * DAY, "consent_withdrawn"), "reason": REASON}
    assert mistakes(investigator.put(where, late)) == [("/study/on", "after_withdrawal")]
    assert ok(investigator.get(path(subject)))["left_on"] == str(first + DAY)


def test_a_withdrawal_earlier_than_the_discontinuation_moves_the_day_of_leaving(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    api.move_to(first + 5 * DAY)
    discontinue(investigator, subject, study=ended(first + 4 * DAY, "consent_withdrawn"))
    withdraw(investigator, subject, first + 2 * DAY)
    assert ok(investigator.get(path(subject)))["left_on"] == str(first + 2 * DAY)


def test_who_left_otherwise_did_so_before_the_day_already_known(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    first = api.today()
    ok(investigator.patch(path(subject), {"status": "lost_to_follow_up", "reason": REASON}))
    api.move_to(first + 2 * DAY)
    where = path(subject, "discontinuation")
    died = {"study": ended(api.today(), "death")}
    assert mistakes(investigator.put(where, died)) == [("/study/on", "after_leaving")]
    ok(investigator.put(where, {"study": ended(first, "death")}))
    left = ok(investigator.get(path(subject)))
    assert (left["status"], left["left_on"]) == ("died", str(first))


def test_treatment_ends_between_randomization_and_today_and_before_the_study(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    today = api.today()
    where = path(subject, "discontinuation")
    for body, pointer, code in (
        ({"treatment": ended(today - DAY)}, "/treatment/on", "before_randomization"),
        ({"treatment": ended(today + DAY)}, "/treatment/on", "future"),
        ({"study": ended(today + DAY)}, "/study/on", "future"),
        ({"study": ended(today - DAY)}, "/study/on", "before_consent"),
    ):
        assert mistakes(investigator.put(where, body)) == [(pointer, code)]
    api.move_to(today + 2 * DAY)
    late = {"treatment": ended(today + 2 * DAY), "study": ended(today + DAY)}
    assert mistakes(investigator.put(where, late)) == [("/treatment/on", "after_study")]
    assert api.count("discontinuation") == 0


def test_only_whoever_receives_the_study_drug_can_stop_it(api: Api) -> None:
    investigator = api.as_("investigator")
    waiting = investigator.eligible()
    control = investigator.randomized(concurrent_chemotherapy=False)
    body = {"treatment": ended(api.today())}
    for subject, code in ((waiting, "no_treatment"), (control, "no_study_drug")):
        problem(investigator.put(path(subject, "discontinuation"), body), 409, code)
    assert api.count("discontinuation") == 0


def test_who_never_consented_or_failed_screening_has_nothing_to_leave(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    body = {"study": ended(api.today())}
    problem(investigator.put(path(subject, "discontinuation"), body), 409, "no_consent")
    ok(investigator.patch(path(subject), {"status": "screen_failed", "reason": REASON}))
    problem(investigator.put(path(subject, "discontinuation"), body), 409, "subject_closed")


def test_an_end_of_treatment_recorded_by_mistake_is_taken_back_with_a_reason(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.on_treatment()
    discontinue(investigator, subject, treatment=ended(api.today()))
    seen = discontinue(investigator, subject, reason="Entered for another subject")
    assert (seen["treatment"], seen["treatment_ended_on"], seen["version"]) == (None, None, 2)


@pytest.mark.parametrize("role", ["assessor", "dmc", "admin"])
def test_who_grades_blind_never_sees_why_treatment_ended(api: Api, role: str) -> None:
    subject = api.as_("investigator").treated()
    problem(api.as_(role).get(path(subject, "discontinuation")), 403, "forbidden")

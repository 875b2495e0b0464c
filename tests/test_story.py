"""The main job: a subject goes from screening to endpoint over HTTP."""

from datetime import timedelta

from tests.make import Api, adverse_event, created, grading, ok, plan


def test_a_subject_goes_from_screening_to_endpoint(api: Api) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject = investigator.randomized()
    here = f"/v1/subjects/{subject['id']}"
    assert subject["status"] == "randomized"
    assert ok(investigator.get(f"{here}/randomization"))["arm"] in {"experimental", "control"}
    first = investigator.today() + timedelta(days=10)
    api.move_to(first)
    body = plan(first, first_fraction_on=str(first), reason="First fraction delivered")
    ok(investigator.put(f"{here}/radiotherapy", body))
    assert ok(investigator.get(here))["status"] == "on_treatment"
    api.move_to(first + timedelta(days=1))
    visits = ok(investigator.get(f"{here}/visits"))["items"]
    visit = next(visit for visit in visits if visit["code"] == "RT1A")
    assert visit["status"] == "due"
    today = str(api.today())
    ok(assessor.put(f"{here}/visits/RT1A", {"date": today}))
    graded = created(
        assessor.post(
            f"{here}/visits/RT1A/gradings",
            grading(
                api.today(),
                grade=3,
                mucosal_appearance="confluent",
                pain_score=8,
                analgesic="opioid",
            ),
        )
    )
    assert graded["derived"] == {"protocol": 3, "who": 1, "rtog": 3}
    event = created(investigator.post(f"{here}/adverse-events", adverse_event(api.today())))
    assert event["meddra_code"]
    endpoint = ok(investigator.get(f"{here}/endpoint"))
    assert endpoint["primary"]["status"] == "event"
    assert endpoint["primary"]["deciding_grading"] == graded["id"]
    assert endpoint["days_to_first_severe"] == 1

"""What each write tells: exactly its events, nothing where it is refused, and ids alone."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from services.api.enrolment import service as enrolment
from services.api.enrolment.rules import LEFT, SubjectStatus, may_move
from tests.make import (
    SEVERE,
    SUBJECT,
    Api,
    Json,
    created,
    ended,
    grading,
    lock,
    ok,
    path,
    plan,
    problem,
    query,
)
from tests.webhooks.telling import EVERYWHERE

Told = list[tuple[str, str, str]]
COLUMNS = {
    *("seq", "id", "position", "type", "at", "once", "audience"),
    *("site", "subject_id", "record", "record_id"),
}


class Feed:
    """Reads what was told since it was read last."""

    def __init__(self, api: Api) -> None:
        self.api, self.last = api, 0
        self.new()

    def new(self) -> Told:
        """Type, record and id of each event since, in the order of their commits."""
        statement = "SELECT * FROM feed_event WHERE seq > :last ORDER BY seq"
        rows = self.api.rows(statement, last=self.last)
        self.last = max([self.last, *(row.seq for row in rows)])
        assert {row.site for row in rows} <= {"NN"}
        assert all(row.audience is None for row in rows)
        return [(row.type, row.record, row.record_id) for row in rows]

    def types(self) -> list[str]:
        return [kind for kind, _, _ in self.new()]


@pytest.fixture
def feed(api: Api) -> Feed:
    return Feed(api)


def started(api: Api, subject: Json, **changed: object) -> None:
    """Radiotherapy that began today."""
    today = str(api.today())
    body = plan(api.today(), first_fraction_on=today, reason="First fraction", **changed)
    ok(api.put(path(subject, "radiotherapy"), body))


def set_status(api: Api, subject: Json, status: str) -> Json:
    return ok(api.patch(path(subject), {"status": status, "reason": "As the source says"}))


def test_a_subject_s_way_through_the_trial_is_told_status_by_status(api: Api, feed: Feed) -> None:
    investigator = api.as_("investigator")
    subject = investigator.screened()
    own = subject["id"]
    assert feed.new() == [("subject.screened", "subject", own)]
    consent = {"version": "1.0", "signed_on": str(api.today())}
    created(investigator.post(path(subject, "consents"), consent))
    assert feed.new() == []
    subject = investigator.eligible()
    own = subject["id"]
    assert feed.types() == ["subject.screened", "radiotherapy.recorded", "subject.eligible"]
    created(investigator.post(path(subject, "randomization")))
    assert feed.new() == [("subject.randomized", "subject", own)]
    started(investigator, subject)
    first = api.today()
    assert feed.new() == [
        ("radiotherapy.recorded", "radiotherapy", own),
        ("subject.on_treatment", "subject", own),
    ]
    api.move_to(first + timedelta(days=44))
    last = {"first_fraction_on": str(first), "last_fraction_on": str(api.today())}
    ok(investigator.put(path(subject, "radiotherapy"), plan(first, **last, reason="Done")))
    assert feed.types() == ["radiotherapy.recorded", "subject.in_follow_up"]
    set_status(investigator, subject, "completed")
    assert feed.new() == [("subject.completed", "subject", own)]
    set_status(investigator, subject, "died")
    assert feed.new() == [("subject.died", "subject", own)]


@pytest.mark.parametrize("status", ["screen_failed", "withdrawn", "lost_to_follow_up", "died"])
def test_leaving_the_trial_is_told_once_whichever_way(api: Api, feed: Feed, status: str) -> None:
    investigator = api.as_("investigator")
    subject = investigator.consented()
    feed.new()
    set_status(investigator, subject, status)
    assert feed.new() == [(f"subject.{status}", "subject", subject["id"])]


def _before(status: SubjectStatus) -> SubjectStatus:
    """A state of a subject who takes part, from which that one is reached."""
    return next(one for one in SubjectStatus if one not in LEFT and may_move(one, status, True))


def test_every_status_that_a_subject_can_reach_has_its_event(api: Api, feed: Feed) -> None:
    subject = api.as_("investigator").consented()
    feed.new()
    for status in SubjectStatus:
        with api.state.database.session(EVERYWHERE) as session:
            held = enrolment.get_subject(session, EVERYWHERE, UUID(subject["id"]), lock=True)
            held.status, held.left_on = _before(status).value, None
            enrolment.move(session, held, status, on=api.today())
            session.commit()
        (told,) = feed.types()
        assert told == ("subject.screened" if status == "screening" else f"subject.{status}")


def test_withdrawing_consent_and_discontinuing_tell_the_status_they_lead_to(
    api: Api, feed: Feed
) -> None:
    investigator = api.as_("investigator")
    one, other = investigator.consented(), investigator.consented()
    feed.new()
    (consent,) = ok(investigator.get(path(one, "consents")))["items"]
    withdrawal = {"withdrawn_on": str(api.today()), "reason": "Moves away"}
    created(investigator.post(path(one, "consents", consent["id"], "withdrawal"), withdrawal))
    assert feed.new() == [("subject.withdrawn", "subject", one["id"])]
    study = {"study": ended(api.today(), "lost_to_follow_up")}
    ok(investigator.put(path(other, "discontinuation"), study))
    assert feed.new() == [("subject.lost_to_follow_up", "subject", other["id"])]
    study["study"]["detail"] = "Told by the family"
    ok(investigator.put(path(other, "discontinuation"), {**study, "reason": "Source"}))
    assert feed.new() == []


def test_new_facts_of_an_eligible_subject_bring_them_back_to_screening(
    api: Api, feed: Feed
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    feed.new()
    facts = ok(investigator.get(path(subject, "eligibility")))["facts"]
    changed = {"facts": {**facts, "life_expectancy": 11}, "reason": "Asked again"}
    ok(investigator.put(path(subject, "eligibility"), changed))
    assert feed.types() == ["subject.screened"]


def test_visits_gradings_and_adjudications_tell_each_of_their_writes(api: Api, feed: Feed) -> None:
    investigator, assessors = (
        api.as_("investigator"),
        [api.as_("assessor", place=n) for n in (1, 2)],
    )
    subject, today = investigator.in_radiotherapy(), api.today()
    feed.new()
    visit = path(subject, "visits", "RT1A")
    ok(investigator.put(visit, {"date": str(today)}))
    assert feed.new() == [("visit.recorded", "visit", "RT1A")]
    first = created(assessors[0].post(f"{visit}/gradings", grading(today)))
    assert feed.new() == [("grading.recorded", "grading", first["id"])]
    second = created(assessors[1].post(f"{visit}/gradings", grading(today, **SEVERE)))
    (opened,) = ok(api.as_("monitor").get("/v1/adjudications"))["items"]
    assert feed.new() == [
        ("grading.recorded", "grading", second["id"]),
        ("adjudication.opened", "adjudication", opened["id"]),
    ]
    higher = {"pain_score": 9, "reason": "Misread"}
    ok(assessors[1].patch(f"/v1/gradings/{second['id']}", higher))
    assert feed.new() == [("grading.corrected", "grading", second["id"])]
    for grade in (3, 2):
        decision = {"grade": grade, "reason": "The photograph"}
        ok(investigator.patch(f"/v1/adjudications/{opened['id']}", decision))
        assert feed.new() == [("adjudication.decided", "adjudication", opened["id"])]


def test_a_query_is_told_when_it_is_opened_by_a_person_or_by_the_service(
    api: Api, feed: Feed
) -> None:
    subject = api.as_("investigator").in_radiotherapy()
    feed.new()
    asked = created(api.as_("monitor").post("/v1/queries", query(subject)))
    assert feed.new() == [("query.opened", "query", asked["id"])]
    answer = {"action": "answer", "text": "Corrected"}
    ok(api.as_("coordinator").patch(f"/v1/queries/{asked['id']}", answer))
    ok(api.as_("monitor").patch(f"/v1/queries/{asked['id']}", {"action": "close", "text": "Done"}))
    assert feed.new() == []
    # Grade 1 contradicts patchy mucositis: the service asks.
    api.graded(subject, "RT1A", api.today(), grade=1)
    assert feed.types() == ["visit.recorded", "grading.recorded", "query.opened"]


def test_what_is_refused_tells_nothing(api: Api, feed: Feed) -> None:
    investigator, assessor = api.as_("investigator"), api.as_("assessor")
    subject, today = investigator.in_radiotherapy(), api.today()
    visit, tomorrow = path(subject, "visits", "RT1A"), today + timedelta(days=1)
    made = api.graded(subject, "RT1A", today)
    here, radiotherapy = f"/v1/gradings/{made['id']}", path(subject, "radiotherapy")
    feed.new()
    born = {**SUBJECT, "year_of_birth": today.year + 1}
    problem(investigator.post("/v1/subjects", born), 422, "invalid")
    done = {"status": "completed", "reason": "Too early"}
    problem(investigator.patch(path(subject), done), 409, "move_not_allowed")
    problem(investigator.post(path(subject, "randomization")), 409, "not_ready")
    early = plan(today, first_fraction_on=str(tomorrow), reason="Tomorrow")
    problem(investigator.put(radiotherapy, early), 422, "invalid")
    problem(investigator.put(radiotherapy, plan(today), version=7), 412, "stale_version")
    problem(investigator.put(visit, {"date": str(tomorrow)}), 422, "invalid")
    problem(
        investigator.put(visit, {"missed_reason": "Holiday", "reason": "x y z"}),
        409,
        "visit_has_gradings",
    )
    problem(assessor.post(f"{visit}/gradings", grading(today)), 409, "already_graded")
    problem(
        assessor.patch(here, {"grade": 3, "reason": "Misread"}, version=7), 412, "stale_version"
    )
    problem(api.as_("monitor").post("/v1/queries", query(subject, field="x")), 422, "invalid")
    ok(api.as_("data_manager").put(path(subject, "lock"), lock("locked")))
    later = {"date": str(today), "reason": "Another day"}
    problem(investigator.put(visit, later), 409, "record_locked")
    assert feed.new() == []


def test_a_write_that_is_rolled_back_tells_nothing(api: Api, feed: Feed) -> None:
    subject = api.as_("investigator").consented()
    feed.new()
    with api.state.database.session(EVERYWHERE) as session:
        held = enrolment.get_subject(session, EVERYWHERE, UUID(subject["id"]), lock=True)
        enrolment.move(session, held, SubjectStatus.DIED, on=api.today())
        session.rollback()
    assert feed.new() == []


def test_a_request_that_is_sent_again_tells_once(api: Api, feed: Feed) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    feed.new()
    start = threading.Barrier(4)

    def randomize() -> None:
        start.wait()
        investigator.post(path(subject, "randomization"), key="the-same-key-of-one-request")

    threads = [threading.Thread(target=randomize) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert feed.types() == ["subject.randomized"]


def test_an_event_holds_ids_and_nothing_of_what_was_recorded(api: Api) -> None:
    subject = api.as_("investigator").lived()
    rows = api.rows("SELECT * FROM feed_event WHERE subject_id = :own", own=UUID(subject["id"]))
    assert len(rows) > 10
    codes = {row[0] for row in api.rows("SELECT DISTINCT code FROM visit")}
    for row in rows:
        assert set(row._mapping) == COLUMNS
        assert row.type.startswith(f"{row.record}.")
        assert row.record_id in codes or UUID(row.record_id)
        told = " ".join(str(value) for value in row)
        assert not any(word in told for word in ("experimental", "control", subject["number"]))

"""What the service asks by itself, and what is left to settle."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.permissions import Role
from services.api.enrolment.models import Subject
from services.api.enrolment.service import get_subject
from services.api.queries import service
from services.api.sandbox.service import NAMESPACE
from tests.make import Api, Json, created, ok, problem, query

GRADING = "019c8a55-1b77-7e0a-8c54-7a3f9b2d6e18"
NOTICED: dict[str, str] = {
    "record": "grading",
    "record_id": GRADING,
    "code": "differs_from_components",
    "text": "The grade is not the one that the components give",
}

Act = Callable[[Session, Principal, Subject], Any]


def principal(role: Role, site: str = "NN") -> Principal:
    account = uuid5(NAMESPACE, f"{role.value}-{site.lower()}")
    return Principal(account, "Demo", role, (site,), machine=False, session=uuid4())


def act(api: Api, subject: Json, work: Act) -> Any:
    """Do something in a transaction of the subject's assessor, who holds the subject's lock."""
    caller = principal(Role.INVESTIGATOR)
    with api.state.database.session(caller) as session:
        held = get_subject(session, caller, UUID(subject["id"]), lock=True)
        result = work(session, caller, held)
        session.commit()
        return result


def notice(api: Api, subject: Json, **changed: str) -> None:
    given = {"field": "grade", **NOTICED, **changed}
    clock = api.state.clock
    act(api, subject, lambda s, caller, of: service.raise_by_system(s, caller, clock, of, **given))


def settle(api: Api, subject: Json, **changed: str) -> None:
    given = {**NOTICED, "text": "The grading was corrected", **changed}
    act(api, subject, lambda s, caller, of: service.settle_by_system(s, caller, of, **given))


def queries(api: Api) -> list[Json]:
    found: list[Json] = ok(api.as_("monitor").get("/v1/queries"))["items"]
    return found


def statuses(api: Api) -> list[str]:
    return [one["status"] for one in queries(api)]


def step(caller: Api, asked: Json, action: str) -> Json:
    body = {"action": action, "text": f"To {action}"}
    return ok(caller.patch(f"/v1/queries/{asked['id']}", body))


def test_what_the_service_notices_is_asked_once_while_it_is_not_settled(api: Api) -> None:
    subject = api.as_("investigator").screened()
    notice(api, subject)
    notice(api, subject)
    (asked,) = queries(api)
    assert (asked["origin"], asked["code"]) == ("system", NOTICED["code"])
    assert (asked["record"], asked["record_id"], asked["field"]) == ("grading", GRADING, "grade")
    assert [(one["name"], one["role"]) for one in asked["conversation"]] == [(None, None)]
    step(api.as_("coordinator"), asked, "answer")
    notice(api, subject)
    assert statuses(api) == ["answered"]
    step(api.as_("monitor"), asked, "close")
    notice(api, subject)
    assert statuses(api) == ["closed", "open"]


def test_another_code_or_record_or_subject_is_asked_about_apart(api: Api) -> None:
    investigator = api.as_("investigator")
    subject, other = investigator.screened(), investigator.screened()
    notice(api, subject)
    notice(api, subject, code="above_highest_grade")
    notice(api, subject, record_id=str(uuid4()))
    notice(api, other)
    assert statuses(api) == ["open"] * 4


def test_a_correction_settles_what_the_service_asked_open_or_answered_and_nothing_else(
    api: Api,
) -> None:
    subject = api.as_("investigator").screened()
    settle(api, subject)
    notice(api, subject)
    notice(api, subject, code="above_highest_grade")
    created(api.as_("monitor").post("/v1/queries", query(subject)))
    settle(api, subject)
    assert statuses(api) == ["closed", "open", "open"]
    settle(api, subject)
    (closed, _, __) = queries(api)
    assert [one["action"] for one in closed["conversation"]] == ["raise", "close"]
    notice(api, subject)
    step(api.as_("coordinator"), queries(api)[3], "answer")
    settle(api, subject)
    assert statuses(api) == ["closed", "open", "open", "closed"]


def test_the_services_query_is_answered_before_a_monitor_closes_it(api: Api) -> None:
    subject = api.as_("investigator").screened()
    notice(api, subject)
    (asked,) = queries(api)
    body = {"action": "close", "text": "Seen"}
    here = f"/v1/queries/{asked['id']}"
    problem(api.as_("monitor").patch(here, body), 409, "query_move_not_allowed")
    # The service noticed it in this investigator's request, who is not its opener for that.
    problem(api.as_("investigator").patch(here, body), 403, "not_the_opener")
    step(api.as_("investigator"), asked, "answer")
    step(api.as_("data_manager"), asked, "close")


def test_the_data_manager_closes_the_services_query_that_nobody_answers(api: Api) -> None:
    subject = api.as_("investigator").screened()
    notice(api, subject)
    (asked,) = queries(api)
    closed = step(api.as_("data_manager"), asked, "close")
    assert closed["status"] == "closed"
    said = [(one["action"], one["role"], one["text"]) for one in closed["conversation"]]
    assert said[1] == ("close", "data_manager", "To close")


def test_what_is_open_or_answered_is_left_to_settle(api: Api) -> None:
    site, monitor = api.as_("coordinator"), api.as_("monitor")
    subject, other = site.screened(), site.screened()
    first, second, _ = (
        created(monitor.post("/v1/queries", query(one))) for one in (subject, subject, other)
    )
    step(site, first, "answer")
    step(monitor, second, "close")

    def left(sites: list[str], of: Json | None = None) -> int:
        subject_id = UUID(of["id"]) if of else None
        return int(act(api, subject, lambda s, *_: service.open_count(s, sites, subject_id)))

    assert left(["NN"]) == left(["LZ", "NN", "YL"]) == 2
    assert left(["NN"], subject) == left(["NN"], other) == 1
    assert left(["LZ"]) == left([]) == 0


def test_postgresql_shows_an_assessor_no_query_but_about_their_own_gradings(api: Api) -> None:
    """Whatever the service asks for."""
    subject = api.as_("investigator").in_radiotherapy()
    graded = api.as_("investigator").graded(subject, "RT1A", api.today())
    monitor = api.as_("monitor")
    about = query(subject, record="grading", record_id=graded["id"], field="grade")
    created(monitor.post("/v1/queries", about))
    created(monitor.post("/v1/queries", query(subject)))
    for role, seen in ((Role.ASSESSOR, 1), (Role.COORDINATOR, 2)):
        with api.state.database.session(principal(role)) as session:
            for table in ("data_query", "data_query_step"):
                counted = session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}")
                assert counted.scalar_one() == seen, (role, table)

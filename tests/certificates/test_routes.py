"""Certificates over HTTP: who records them, who reads whose, and what they change."""

from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import pytest

from services.api.core.permissions import GRANTS, Action, Role
from services.api.sandbox.service import NAMESPACE
from tests.make import Api, Json, created, mistakes, ok, problem

CERTIFICATES = "/v1/certificates"
REASON = "Missed the yearly calibration"
GRADERS = 9
"""Two assessors and an investigator at each of three sites, all certified by the sandbox."""


def account(name: str) -> str:
    return str(uuid5(NAMESPACE, name))


def certificate(name: str = "assessor-nn", **changed: object) -> Json:
    return {
        "assessor": account(name),
        "valid_from": "2026-01-12",
        "valid_until": "2028-01-11",
        "training": "Calibration course, 20 photographs",
        **changed,
    }


def address(made: Json) -> str:
    return f"{CERTIFICATES}/{made['id']}"


def listed(api: Api, **asked: object) -> list[Json]:
    found: list[Json] = ok(api.get(CERTIFICATES, params=asked))["items"]
    return found


def test_the_data_manager_certifies_an_assessor_and_an_investigator(api: Api) -> None:
    manager = api.as_("data_manager")
    for name in ("assessor-nn", "investigator-lz"):
        made = created(manager.post(CERTIFICATES, certificate(name)))
        assert made.items() >= {**certificate(name), "version": 1, "reason": None}.items()
        assert made["recorded_by"] == account("data-manager")
        assert ok(manager.get(address(made))) == made
        assert made in listed(manager, assessor=account(name))


def test_a_certificate_is_corrected_or_ended_early_with_a_reason(api: Api) -> None:
    manager = api.as_("data_manager")
    made = created(manager.post(CERTIFICATES, certificate()))
    change = {"valid_until": "2026-09-30", "reason": REASON}
    ended = ok(manager.patch(address(made), change))
    assert ended.items() >= {**change, "version": 2, "valid_from": "2026-01-12"}.items()
    assert ok(manager.get(address(made))) == ended
    assert ended in listed(manager, assessor=account("assessor-nn"))
    missing = manager.patch(address(made), {"training": "Another course"})
    assert mistakes(missing) == [("/reason", "missing")]
    problem(manager.patch(address(made), change, version=1), 412, "stale_version")


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"assessor": str(UUID(int=7))}, "/assessor", "unknown"),
        ({"assessor": account("his-nn")}, "/assessor", "unknown"),
        ({"assessor": account("monitor-nn")}, "/assessor", "never_grades"),
        ({"valid_until": "2026-01-11"}, "", "value_error"),
        ({"training": "ok"}, "/training", "string_too_short"),
        ({"grade": 3}, "/grade", "extra_forbidden"),
    ],
)
def test_a_certificate_is_of_someone_who_grades_and_valid_for_a_day_at_least(
    unchanged: Api, changed: Json, pointer: str, code: str
) -> None:
    answer = unchanged.as_("data_manager").post(CERTIFICATES, certificate(**changed))
    assert mistakes(answer) == [(pointer, code)]


def test_a_correction_keeps_the_days_in_order(unchanged: Api) -> None:
    manager = unchanged.as_("data_manager")
    [held] = listed(manager, assessor=account("assessor-nn"))
    body = {"valid_until": "2025-12-31", "reason": REASON}
    assert mistakes(manager.patch(address(held), body)) == [("/valid_until", "before_start")]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.DATA_MANAGER}))
def test_nobody_but_the_data_manager_certifies(unchanged: Api, role: str) -> None:
    caller = unchanged.as_(role)
    problem(caller.post(CERTIFICATES, certificate()), 403, "forbidden")
    where = f"{CERTIFICATES}/{uuid5(NAMESPACE, 'certificate of assessor-nn')}"
    problem(
        caller.patch(where, {"training": "none", "reason": REASON}, version=1), 403, "forbidden"
    )


def test_a_site_is_told_of_its_own_assessors_only(unchanged: Api) -> None:
    own = {account(name) for name in ("assessor-nn", "assessor-nn-2", "investigator-nn")}
    assert {one["assessor"] for one in listed(unchanged.as_("monitor"))} == own
    assert len(listed(unchanged.as_("data_manager"))) == GRADERS
    [held] = listed(unchanged.as_("monitor", "LZ"), assessor=account("assessor-lz"))
    problem(unchanged.as_("monitor").get(address(held)), 404, "not_found")
    assert listed(unchanged.as_("monitor"), assessor=account("assessor-lz")) == []


def test_an_assessor_reads_their_own_certificates_only(unchanged: Api) -> None:
    assessor = unchanged.as_("assessor")
    [own] = listed(assessor)
    assert own["assessor"] == account("assessor-nn")
    other = f"{CERTIFICATES}/{uuid5(NAMESPACE, 'certificate of assessor-nn-2')}"
    assert ok(assessor.get(address(own))) == own
    problem(assessor.get(other), 404, "not_found")
    problem(assessor.get(f"{CERTIFICATES}/{uuid4()}"), 404, "not_found")


def test_every_role_that_reads_gradings_reads_certificates() -> None:
    for granted in GRANTS.values():
        assert (Action.READ_CERTIFICATES in granted) == (Action.READ_GRADINGS in granted)


# --- what a certificate changes --------------------------------------------------------------

NOT_CERTIFIED = "assessor_not_certified"


def ended(api: Api, name: str, last: object) -> Json:
    """The one certificate of an account, ended on a day."""
    manager = api.as_("data_manager")
    [held] = listed(manager, assessor=account(name))
    return ok(manager.patch(address(held), {"valid_until": str(last), "reason": REASON}))


def test_a_grading_without_a_certificate_on_its_day_is_stored_and_flagged(api: Api) -> None:
    ended(api, "assessor-nn", api.today() - timedelta(days=1))
    subject = api.as_("coordinator").in_radiotherapy()
    made = api.graded(subject, "RT1A", api.today())
    assert made["flags"] == [NOT_CERTIFIED]
    assert api.count("data_query") == 0


def test_a_certificate_that_is_entered_late_takes_the_flag_away(api: Api) -> None:
    held = ended(api, "assessor-nn", api.today() - timedelta(days=1))
    subject = api.as_("coordinator").in_radiotherapy()
    made = api.graded(subject, "RT1A", api.today())
    reading = f"/v1/gradings/{made['id']}"
    manager, today = api.as_("data_manager"), str(api.today())
    body = certificate(valid_from=today, valid_until=today)
    late = created(manager.post(CERTIFICATES, body))
    for asked in (reading, f"{reading}/versions"):
        answer = ok(api.as_("monitor").get(asked))
        [read] = answer.get("items", [answer])
        assert read["flags"] == []
    moved = {"valid_from": held["valid_from"], "valid_until": held["valid_from"], "reason": REASON}
    ok(manager.patch(address(late), moved))
    assert ok(api.as_("monitor").get(reading))["flags"] == [NOT_CERTIFIED]

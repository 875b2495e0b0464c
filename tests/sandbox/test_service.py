"""What a sandbox is furnished with, once, and how its clock goes on after a restart."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from services.api import setup
from services.api.core.clock import Clock
from services.api.core.permissions import SITE_BOUND, Role
from services.api.sandbox import service
from services.api.sandbox.errors import ClockRunsForward
from services.api.sandbox.models import SandboxClock
from services.api.settings import Settings
from tests.make import Api

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.INVESTIGATOR, "investigator-nn"),
        (Role.HOSPITAL_SYSTEM, "his-nn"),
        (Role.DATA_MANAGER, "data-manager"),
        (Role.DMC, "dmc"),
    ],
)
def test_a_demo_account_is_named_after_its_role_and_site(role: Role, name: str) -> None:
    assert service.username(role, "NN") == name


def test_there_is_an_account_for_every_role_and_site(unchanged: Api) -> None:
    accounts = service.demo_accounts(unchanged.state.loaded.protocol)
    names = [name for name, _, _, _ in accounts]
    assert len(set(names)) == len(names)
    for role in Role:
        expected = [["NN"], ["LZ"], ["YL"]] if role in SITE_BOUND else [[]]
        twice = 2 if role is Role.ASSESSOR else 1
        assert [sites for _, _, one, sites in accounts if one is role] == expected * twice
    stored = unchanged.rows("SELECT username, role, sites FROM account")
    assert {(row.username, row.role, tuple(row.sites)) for row in stored} == {
        (name, role.value, tuple(sites)) for name, _, role, sites in accounts
    }


def test_who_grades_in_a_sandbox_is_certified(unchanged: Api) -> None:
    certified = unchanged.rows("SELECT assessor FROM certificate")
    graders = unchanged.rows("SELECT id FROM account WHERE role IN ('assessor', 'investigator')")
    assert {row.assessor for row in certified} == {row.id for row in graders}


def test_every_site_of_a_sandbox_may_recruit(unchanged: Api) -> None:
    rows = unchanged.rows("SELECT site, consent_version FROM site_activation ORDER BY site")
    assert [tuple(row) for row in rows] == [("LZ", "1.0"), ("NN", "1.0"), ("YL", "1.0")]


def test_a_second_start_adds_nothing_and_resumes_the_clock(api: Api, settings: Settings) -> None:
    api.move_to(api.today() + timedelta(days=100))
    before = api.changes(), api.count("account"), api.count("site_activation")
    restarted = Clock(ZONE)
    setup.prepare(
        api.state.database, settings, api.state.loaded, api.state.randomization_secret, restarted
    )
    assert abs(restarted.offset - api.state.clock.offset) < timedelta(seconds=1)
    assert before == (api.changes(), api.count("account"), api.count("site_activation"))


def test_production_refuses_the_database_of_a_sandbox(api: Api, settings: Settings) -> None:
    """Its accounts have a published password."""
    production = settings.model_copy(update={"sandbox": False})
    with pytest.raises(setup.SandboxDatabase):
        setup.prepare(
            api.state.database,
            production,
            api.state.loaded,
            api.state.randomization_secret,
            Clock(ZONE),
        )


@pytest.fixture
def session(unchanged: Api) -> Session:
    """A session whose work is not kept."""
    made: Session = unchanged.state.database.session()
    return made


def test_the_clock_goes_forward_and_stays_within_ten_years(session: Session) -> None:
    clock = Clock(ZONE)
    now = datetime.now(UTC)
    with session:
        for ahead in (timedelta(days=1), timedelta(days=3652)):
            clock.offset = service.move_clock(session, clock, now + ahead)
            stored = session.get_one(SandboxClock, 1).ahead
            assert stored == clock.offset
            assert ahead - timedelta(minutes=1) < stored <= ahead
        for refused in (now, clock.now() - timedelta(seconds=1), now + timedelta(days=3654)):
            with pytest.raises(ClockRunsForward):
                service.move_clock(session, clock, refused)
        assert session.get_one(SandboxClock, 1).ahead == clock.offset

"""What the figures of randomization count."""

from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.permissions import WITHOUT_CLINICAL_DATA, Role
from services.api.endpoint import rules
from services.api.reports import service
from tests.first_trial import FIRST_TRIAL
from tests.lived import Lived
from tests.make import (
    WITHOUT_CHEMOTHERAPY,
    Api,
    Json,
    correction,
    created,
    ok,
    path,
    plan,
)

REPORT = "/v1/reports/randomization"


def figures(api: Api) -> Json:
    """Those that are not zero."""
    total = ok(api.as_("statistician").get(REPORT))["total"]
    return {name: count for name, count in total.items() if count}


def test_a_stratum_counts_as_wrong_only_while_its_last_correction_differs(api: Api) -> None:
    subject = api.as_("investigator").randomized()
    where = path(subject, "randomization", "corrections")
    for chemotherapy, expected in (
        (False, {"wrong_stratum": 1}),
        (True, {}),
        (False, {"wrong_stratum": 1}),
    ):
        stratum = {**WITHOUT_CHEMOTHERAPY, "concurrent_chemotherapy": chemotherapy}
        body = correction(api.today(), "wrong_stratum", stratum=stratum)
        created(api.as_("data_manager").post(where, body))
        assert figures(api) == {"randomized": 1, **expected}


def test_late_randomization_is_counted(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    body = plan(api.today() + timedelta(days=2), reason="Brought forward")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    created(investigator.post(path(subject, "randomization")))
    assert figures(api) == {"randomized": 1, "late_randomization": 1}


def test_of_a_person_randomized_three_times_one_allocation_is_retained(api: Api) -> None:
    first, second, third = (api.as_("investigator").randomized()["id"] for _ in range(3))
    api.paired(first, second)
    api.paired(second, third)
    assert figures(api) == {"randomized": 3, "duplicate": 3, "duplicate_not_retained": 2}


def test_a_report_is_the_same_whatever_the_arms(api: Api) -> None:
    for _ in range(2):
        api.as_("investigator").randomized()
    before = api.as_("statistician").get(REPORT)
    api.rows("SET session_replication_role = replica; UPDATE allocation SET arm = 'x'")
    assert api.as_("statistician").get(REPORT).content == before.content


@pytest.mark.parametrize("arm", ["experimental", "control", "arm"])
def test_a_report_names_no_arm(api: Api, arm: str) -> None:
    api.as_("investigator").randomized()
    assert arm not in api.as_("statistician").get(REPORT).text


# --- the snapshot ---------------------------------------------------------------------------------


def principal(role: Role) -> Principal:
    sites = () if role in WITHOUT_CLINICAL_DATA else ("LZ", "NN", "YL")
    return Principal(uuid4(), "Demo", role, sites, machine=False, session=uuid4())


def test_a_report_s_own_transaction_writes_nothing(unchanged: Api) -> None:
    database: Database = unchanged.state.database
    with (
        database.snapshot(principal(Role.STATISTICIAN)) as now,
        pytest.raises(DBAPIError) as refused,
    ):
        now.connection().exec_driver_sql("UPDATE site SET name = 'x'")
    assert getattr(refused.value.orig, "sqlstate", None) == "25006"  # read-only


def test_a_report_sees_the_data_of_one_moment(api: Api) -> None:
    count = "SELECT count(*) FROM subject"
    database: Database = api.state.database
    with database.snapshot(principal(Role.STATISTICIAN)) as now:
        before = now.connection().exec_driver_sql(count).scalar_one()
        api.as_("investigator").screened()
        assert now.connection().exec_driver_sql(count).scalar_one() == before
    assert api.rows(count) == [(before + 1,)]


def test_outcomes_are_derived_when_no_transaction_waits_for_them(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large trial it takes longer than a transaction may be idle."""
    database, clock = Database(lived.app_url, pool_size=1), Clock(ZoneInfo("Asia/Shanghai"))
    pool, derive, held = database.engine.pool, rules.endpoint, []
    assert isinstance(pool, QueuePool)

    def watched(*given: Any, **named: Any) -> rules.Outcome:
        held.append(pool.checkedout())
        return derive(*given, **named)

    monkeypatch.setattr(rules, "endpoint", watched)
    caller = principal(Role.STATISTICIAN)
    protocol = FIRST_TRIAL.protocol
    with closing(database), database.session(caller) as session:
        for blind in (service.recruitment_of, service.consort_of):
            blind(session, caller, clock, protocol, None)
        for by_arm in (service.endpoints_of, service.safety_of):
            by_arm(session, caller, clock, protocol)
    assert len(held) >= 4
    assert set(held) == {0}


def test_the_committee_s_widened_sight_ends_with_the_report(lived: Lived) -> None:
    database = Database(lived.app_url, pool_size=1)
    caller = principal(Role.DMC)
    protocol = FIRST_TRIAL.protocol
    with closing(database), database.session(caller) as session:
        told = service.endpoints_of(session, caller, Clock(ZoneInfo("Asia/Shanghai")), protocol)
        assert sum(flow.randomized for flow in told.flow) > 0
        # The same connection of the pool, in the request's own transaction.
        seen = session.connection().exec_driver_sql("SELECT count(*) FROM subject").scalar_one()
        assert seen == 0
    assert caller.sites == ()
    database.close()

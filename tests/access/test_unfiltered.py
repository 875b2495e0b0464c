"""The service's queries without their own site filter, as if a developer had forgotten it.

The filter is cut out of the statement on its way to PostgreSQL, so whatever query asks for sites
is tried. Row-level security alone keeps another site's rows away: for the superuser, whom it does
not bind, the same requests show them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from services.api.core.db import Database
from services.api.identity.watch import SessionWatch
from tests.lived import Lived
from tests.make import Api, ok, problem

FILTER = re.compile(r"[\w.]*\bsite (?:IN|= ANY) \((?:[^()]|\([^()]*\))*\)")
READS = (
    "",
    "/consents",
    "/eligibility",
    "/radiotherapy",
    "/deviations",
    "/exposures",
    "/discontinuation",
    "/randomization",
    "/randomization/corrections",
    "/visits",
    "/visits/RT1A",
    "/visits/RT1A/gradings",
    "/endpoint",
    "/adverse-events",
    "/lock",
)
LISTS = (
    "/v1/subjects",
    "/v1/adjudications",
    "/v1/deviations",
    "/v1/visits",
    "/v1/randomizations",
    "/v1/randomization/corrections",
    "/v1/adverse-events",
    "/v1/safety/deadlines",
    "/v1/queries",
    "/v1/verifications",
    "/v1/audit-events",
)


@dataclass
class Careless:
    """An API whose queries ask for no site, and the filters that were cut out of them."""

    api: Api
    cut: list[str] = field(default_factory=list)

    def forget(self, *given: Any) -> tuple[str, Any]:
        """SQLAlchemy's hook before a statement is sent."""
        _, _, statement, parameters, *_ = given
        self.cut += FILTER.findall(statement)
        return FILTER.sub("true", statement), parameters


@contextmanager
def careless(lived: Lived, url: str) -> Iterator[Careless]:
    database, state = Database(url, pool_size=5), lived.api.state
    made = Careless(lived.api)
    event.listen(database.engine, "before_cursor_execute", made.forget, retval=True)
    with SessionWatch(lived.app_url) as watch:
        state.database, state.watch = database, watch
        yield made
    database.close()


@pytest.fixture
def bound(lived: Lived) -> Iterator[Careless]:
    """As the role that serves, which row-level security binds."""
    with careless(lived, lived.app_url) as made:
        yield made


@pytest.fixture
def unbound(lived: Lived) -> Iterator[Careless]:
    """As the superuser, whom it does not bind."""
    with careless(lived, lived.api.admin_url) as made:
        yield made


@pytest.mark.parametrize("role", ["investigator", "assessor", "monitor", "hospital_system"])
@pytest.mark.parametrize("path", READS)
def test_another_site_s_subject_still_does_not_exist(
    lived: Lived, bound: Careless, path: str, role: str
) -> None:
    caller = bound.api.as_(role)
    theirs = caller.get(f"/v1/subjects/{lived.subjects['LZ']}{path}")
    assert theirs.status_code in {403, 404}, theirs.text
    own = caller.get(f"/v1/subjects/{lived.subjects['NN']}{path}")
    assert (own.status_code, theirs.status_code) in {(200, 404), (403, 403)}
    assert own.status_code == 403 or bound.cut


@pytest.mark.parametrize("path", READS)
def test_it_is_row_level_security_that_hides_the_subject(
    lived: Lived, unbound: Careless, path: str
) -> None:
    answer = unbound.api.as_("investigator").get(f"/v1/subjects/{lived.subjects['LZ']}{path}")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("role", ["investigator", "assessor"])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_still_holds_no_other_site(bound: Careless, path: str, role: str) -> None:
    answer = bound.api.as_(role).get(path, params={"limit": 200})
    if answer.status_code == 403:
        return
    asked_of_nobody = (path, role) == ("/v1/queries", "assessor")
    assert {item["site"] for item in ok(answer)["items"]} == (set() if asked_of_nobody else {"NN"})
    assert bound.cut


@pytest.mark.parametrize("path", LISTS)
def test_it_is_row_level_security_that_keeps_the_list_short(unbound: Careless, path: str) -> None:
    items = ok(unbound.api.as_("investigator").get(path, params={"limit": 200}))["items"]
    assert {item["site"] for item in items} >= {"NN", "LZ"}


def test_a_filter_by_another_site_finds_nothing(bound: Careless) -> None:
    for path in LISTS:
        asked = {"limit": 200, "site": "LZ"}
        assert ok(bound.api.as_("investigator").get(path, params=asked))["items"] == []


# --- people -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["investigator", "monitor"])
def test_whom_accounts_belong_to_is_told_to_no_site(lived: Lived, role: str) -> None:
    """Who signed in and whose account changed stands in the trail, outside every site."""
    with lived.as_app("NN,LZ,YL") as connection:
        connection.execute("SELECT set_config('trial.role', %s, true)", (role,))
        told = connection.execute(
            "SELECT count(*) FROM audit_event WHERE record LIKE 'account%' OR site IS NULL"
        )
        assert told.fetchone() == (0,)
        every = connection.execute("SELECT count(*) > 0 FROM audit_event").fetchone()
        assert every == (True,)


@pytest.mark.parametrize("role", ["investigator", "coordinator", "assessor", "monitor"])
def test_a_site_s_caller_reads_no_account(bound: Careless, role: str) -> None:
    for path in ("/v1/users", "/v1/clients"):
        problem(bound.api.as_(role).get(path), 403, "forbidden")

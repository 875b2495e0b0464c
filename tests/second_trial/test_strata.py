"""Strata without a site, of factors that the document names: recorded, required, and shared."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.util import CommandError

from services.api import migrate
from services.api.core.db import Database
from services.api.embedded import Cluster
from services.api.protocol.load import Loaded
from services.api.randomization.rules import Design, strata
from services.api.randomization.secret import sandbox_secret
from services.api.setup import prepare
from tests.conftest import APP_PASSWORD, admin_url, cloned
from tests.make import Api, Json, correction, created, mistakes, ok, path, plan, problem
from tests.second_trial.subjects import WEEKLY_DEFINITIVE, calling, randomize, signed

TOOL = Path(__file__).parents[2] / "tools" / "verify_randomization.py"
SITES = ("HA", "SU")


def test_the_strata_are_the_documents_and_of_no_site(roman: Api, second: Loaded) -> None:
    stored = roman.rows("SELECT code, site, levels FROM stratum ORDER BY code")
    expected = sorted(strata(second.protocol.randomization), key=lambda one: one.code)
    assert [one.code for one in expected] == ["T-D", "T-P", "W-D", "W-P"]
    assert stored == [(one.code, None, dict(one.levels)) for one in expected]
    design = ok(roman.get("/v1/randomization/commitment"))["design"]
    assert design["arms"] == [{"code": "avasopasem", "share": 3}, {"code": "placebo", "share": 2}]


def test_every_block_of_the_list_holds_three_of_five(second: Loaded) -> None:
    design = Design.of(second.protocol.randomization)
    whole = sandbox_secret(design).list_for(design)
    for stratum in design.strata:
        blocks = whole.blocks(stratum)
        for block in (next(blocks) for _ in range(20)):
            counted = Counter(block)
            assert 2 * counted["avasopasem"] == 3 * counted["placebo"] > 0


def test_nobody_is_randomized_before_every_factor_is_recorded(roman: Api) -> None:
    subject = signed(roman, "HA", None)
    refused = problem(randomize(roman, subject), 409, "not_ready")
    assert [one["code"] for one in refused["errors"]] == ["stratification_missing"]
    assert "cisplatin_schedule, treatment_setting" in refused["errors"][0]["detail"]
    caller = roman.as_("investigator", "HA")
    where = path(subject, "radiotherapy")
    body = {name: ok(caller.get(where))[name] for name in plan(roman.today())}
    reason = {"reason": "The oncologist decided"}
    ok(caller.put(where, {**body, "stratification": WEEKLY_DEFINITIVE, **reason}))
    assert created(randomize(roman, subject))["stratum"] == WEEKLY_DEFINITIVE


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (
            {},
            [
                ("/stratification/cisplatin_schedule", "factor_missing"),
                ("/stratification/treatment_setting", "factor_missing"),
            ],
        ),
        (
            {"cisplatin_schedule": "weekly"},
            [("/stratification/treatment_setting", "factor_missing")],
        ),
        (
            {**WEEKLY_DEFINITIVE, "treatment_setting": "palliative"},
            [("/stratification/treatment_setting", "unknown_level")],
        ),
        (
            {**WEEKLY_DEFINITIVE, "treatment_setting": True},
            [("/stratification/treatment_setting", "unknown_level")],
        ),
        ({**WEEKLY_DEFINITIVE, "smoker": True}, [("/stratification", "unknown_factor")]),
    ],
)
def test_recorded_factors_are_the_protocols_and_nothing_else_is_stored(
    roman: Api, given: Json, faults: list[tuple[str, str]]
) -> None:
    coordinator = roman.as_("coordinator", "SU")
    where = path(coordinator.screened(site="SU"), "radiotherapy")
    body = {**plan(roman.today()), "stratification": given}
    before = roman.changes()
    assert mistakes(coordinator.put(where, body, version=0)) == faults
    assert roman.changes() == before


def test_a_recorded_factor_is_not_left_out_again(roman: Api) -> None:
    coordinator = roman.as_("coordinator", "SU")
    where = path(coordinator.screened(site="SU"), "radiotherapy")
    body = plan(roman.today())
    recorded = coordinator.put(where, {**body, "stratification": WEEKLY_DEFINITIVE}, version=0)
    assert ok(recorded)["stratification"] == WEEKLY_DEFINITIVE
    codes = {code for _, code in mistakes(coordinator.put(where, {**body, "reason": "New dose"}))}
    assert codes == {"factor_missing"}


def test_a_factor_changed_after_randomization_is_a_deviation(roman: Api) -> None:
    subject = signed(roman, "HA", WEEKLY_DEFINITIVE)
    created(randomize(roman, subject))
    caller, where = roman.as_("investigator", "HA"), path(subject, "radiotherapy")
    body = {**plan(roman.today()), "stratification": WEEKLY_DEFINITIVE, "reason": "Chart review"}

    def deviations() -> list[str]:
        return [one["code"] for one in ok(caller.get(path(subject, "deviations")))["items"]]

    ok(caller.put(where, {**body, "concurrent_chemotherapy": False}))
    assert deviations() == [], "chemotherapy is no factor of this trial"
    ok(
        caller.put(
            where,
            body | {"stratification": WEEKLY_DEFINITIVE | {"treatment_setting": "postoperative"}},
        )
    )
    assert deviations() == ["stratum_changed"]
    assert ok(caller.get(path(subject, "randomization")))["stratum"] == WEEKLY_DEFINITIVE


def test_subjects_of_every_site_draw_from_one_stratum_without_gap(roman: Api) -> None:
    """Under row-level security no site sees the other's allocations, and the number goes on."""
    levels = {"cisplatin_schedule": "every_three_weeks", "treatment_setting": "postoperative"}
    before = roman.rows("SELECT drawn FROM stratum WHERE code = 'T-P'")[0][0]
    subjects = [signed(roman, SITES[n % 2], levels) for n in range(8)]
    with ThreadPoolExecutor(len(subjects)) as threads:
        told = [created(one) for one in threads.map(lambda one: randomize(roman, one), subjects)]
    rows = roman.rows(
        "SELECT seq, site, arm, randomized_at FROM allocation WHERE stratum = 'T-P' ORDER BY seq"
    )
    assert [row.seq for row in rows] == list(range(1, before + 9))
    assert {row.site for row in rows} == set(SITES)
    assert [row.randomized_at for row in rows] == sorted(row.randomized_at for row in rows)
    assert {one["randomization_number"] for one in told} == {
        f"T-P-{seq:03d}" for seq in range(before + 1, before + 9)
    }
    drawn = roman.rows("SELECT drawn, drawn_at FROM stratum WHERE code = 'T-P'")
    assert drawn == [(before + 8, rows[-1].randomized_at)]


def test_the_correct_stratum_is_recorded_with_the_documents_factors(roman: Api) -> None:
    subject = signed(roman, "SU", WEEKLY_DEFINITIVE)
    created(randomize(roman, subject))
    manager = calling(roman, "data-manager")
    where = path(subject, "randomization", "corrections")
    correct = {**WEEKLY_DEFINITIVE, "cisplatin_schedule": "every_three_weeks"}

    def wrong_stratum(stratum: Json) -> Json:
        return correction(roman.today(), "wrong_stratum", stratum=stratum)

    assert mistakes(manager.post(where, wrong_stratum({**correct, "site": "SU"}))) == [
        ("/stratum", "extra_forbidden")
    ]
    recorded = created(manager.post(where, wrong_stratum(correct)))
    assert (recorded["stratum"], recorded["stratum_used"]) == (correct, WEEKLY_DEFINITIVE)


def test_the_auditors_tool_verifies_every_allocation(roman: Api, tmp_path: Path) -> None:
    subject = signed(roman, "HA", WEEKLY_DEFINITIVE)
    created(randomize(roman, subject))
    auditor = calling(roman, "auditor")
    files = [tmp_path / "commitment.json", tmp_path / "proofs.json"]
    asked = ("/v1/randomization/commitment", "/v1/randomization/proofs?limit=200")
    for file, address in zip(files, asked, strict=True):
        file.write_text(json.dumps(ok(auditor.get(address))))
    command = [sys.executable, str(TOOL), *map(str, files), "--complete"]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_revision_that_cannot_hold_them_is_not_gone_back_to(
    roman: Api, cluster: Cluster, migrated: str
) -> None:
    """On a database of its own: what else a trial has recorded would be refused before."""
    state = roman.state
    with cloned(cluster, "second_trial_prepared", migrated) as name:
        database = Database(cluster.url("trial_app", APP_PASSWORD, name), pool_size=1)
        prepare(database, state.settings, state.loaded, state.randomization_secret, state.clock)
        database.close()
        prepared = replace(roman, admin_url=admin_url(cluster, name))
        with pytest.raises(CommandError, match=r"strata .* before strata .*: keep this version"):
            migrate.downgrade(prepared.admin_url, to="conduct")
        assert prepared.count("stratum WHERE site IS NULL") == 4

"""The ceremony at the keyboard: prepared apart, combined once, restored from sealed copies."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.api import cli
from services.api.embedded import Cluster
from services.api.randomization import commands
from services.api.randomization.contributions import RandomizationSecret
from tests.allocation_list import DESIGN, LIST, SECRET, another_secret
from tests.conftest import APP_PASSWORD
from tests.make import Api, created, problem

SIZES = "4,6"


class Desk:
    """A party's machine: its folder, and what the commands say there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: object, typed: str | None = None, **settings: str) -> str:
        status, said = self.try_(*arguments, typed=typed, **settings)
        assert status == 0, said
        return said

    def refused(self, *arguments: object, typed: str | None = None, **settings: str) -> str:
        status, said = self.try_(*arguments, typed=typed, **settings)
        assert status == 1, said
        return " ".join(said.split())

    def try_(
        self, *arguments: object, typed: str | None = None, **settings: str
    ) -> tuple[int, str]:
        given = ["randomization", *map(str, arguments)]
        answer = CliRunner().invoke(cli.app, given, input=typed, env=settings)
        for file in self.folder.rglob("*contribution.json"):
            assert json.loads(file.read_text())["secret"] not in answer.output
        return answer.exit_code, answer.output

    def prepare(self, party: str) -> tuple[Path, Path]:
        typed = f"{SIZES}\n{SIZES}\n" if party == "sponsor" else None
        self.run("prepare", party, "--out", self.folder / party, typed=typed)
        where = self.folder / party
        return where / f"{party}-contribution.json", where / f"{party}-commitment.json"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


Prepared = tuple[tuple[Path, Path], tuple[Path, Path]]


@pytest.fixture
def prepared(desk: Desk) -> Prepared:
    """Contribution and commitment of the sponsor, and of the DMC."""
    return desk.prepare("sponsor"), desk.prepare("dmc")


def combine(prepared: Prepared, out: Path) -> list[object]:
    (sponsor, given), (dmc, also_given) = prepared
    return [
        "combine",
        dmc,
        sponsor,
        "--commitment",
        given,
        "--commitment",
        also_given,
        "--out",
        out,
    ]


def rewritten(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def test_each_party_keeps_its_contribution_and_gives_its_commitment_away(desk: Desk) -> None:
    for party, sizes in (("sponsor", [4, 6]), ("dmc", [])):
        kept, given = desk.prepare(party)
        contribution, commitment = json.loads(kept.read_text()), json.loads(given.read_text())
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert (contribution["party"], contribution["block_sizes"]) == (party, sizes)
        assert commitment.keys() == {"party", "design", "commitment"}
        assert contribution["design"] == commitment["design"] == DESIGN.digest()


def test_nothing_that_is_shown_tells_the_block_sizes(desk: Desk) -> None:
    said = desk.run("prepare", "sponsor", "--out", desk.folder, typed="34,46\n34,46\n")
    # Neither the commitment nor the folder, whose names hold numbers of their own.
    said = re.sub("[0-9a-f]{64}", "", said).replace(str(desk.folder), "")
    for shown in ("34,46", "34", "46"):
        assert shown not in said


def test_two_draws_differ(desk: Desk) -> None:
    first, _ = desk.prepare("dmc")
    second, _ = Desk(desk.folder / "again").prepare("dmc")
    assert json.loads(first.read_text())["secret"] != json.loads(second.read_text())["secret"]


def test_a_contribution_is_never_written_over(desk: Desk) -> None:
    kept, _ = desk.prepare("dmc")
    before = kept.read_bytes()
    assert "File exists" in desk.refused("prepare", "dmc", "--out", kept.parent)
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "told"), [("5\n5\n", "multiple of 2"), ("four\nfour\n", "numbers")]
)
def test_block_sizes_that_fit_no_block_are_refused(desk: Desk, typed: str, told: str) -> None:
    assert told in desk.refused("prepare", "sponsor", "--out", desk.folder, typed=typed)
    assert list(desk.folder.iterdir()) == []


def test_both_parties_together_make_the_secret_and_its_root(desk: Desk, prepared: Prepared) -> None:
    out = desk.folder / "secret.json"
    said = desk.run(*combine(prepared, out))
    secret = RandomizationSecret.model_validate_json(out.read_bytes())
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert secret.list_for(DESIGN).root.hex() in said
    assert "1,200 slots" in said
    assert "File exists" in desk.refused(*combine(prepared, out))


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        (0, {"secret": "0" * 64}),
        (0, {"block_sizes": [6, 4]}),
        (1, {"secret": "0" * 64}),
    ],
)
def test_a_contribution_other_than_the_committed_one_is_refused(
    desk: Desk, prepared: Prepared, place: int, changed: dict[str, Any]
) -> None:
    rewritten(prepared[place][0], **changed)
    out = desk.folder / "secret.json"
    assert "not the one that was committed to" in desk.refused(*combine(prepared, out))
    assert not out.exists()


def test_a_missing_commitment_a_second_contribution_of_one_party_or_none_are_refused(
    desk: Desk, prepared: Prepared
) -> None:
    (sponsor, given), (dmc, _) = prepared
    out = desk.folder / "secret.json"
    assert "missing" in desk.refused("combine", sponsor, dmc, "--commitment", given, "--out", out)
    assert "the sponsor's and the DMC's" in desk.refused(
        "combine", sponsor, sponsor, "--commitment", given, "--out", out
    )
    assert "is no contribution" in desk.refused(
        "combine", given, dmc, "--commitment", given, "--out", out
    )
    assert "No such file" in desk.refused(
        "combine", desk.folder / "nowhere", dmc, "--commitment", given, "--out", out
    )
    assert not out.exists()


def test_contributions_for_another_protocol_are_refused(desk: Desk, prepared: Prepared) -> None:
    for contribution, commitment in prepared:
        rewritten(contribution, design="0" * 64)
        rewritten(commitment, design="0" * 64)
    assert "another design" in desk.refused(*combine(prepared, desk.folder / "secret.json"))


# --- loss and restore -----------------------------------------------------------------------


@pytest.fixture
def sealed_copies(desk: Desk) -> list[Path]:
    """Both contributions of the running trial, as each party kept them."""
    copies = []
    for one in SECRET.contributions:
        path = desk.folder / f"{one.party}-contribution.json"
        path.write_text(one.model_dump_json())
        copies.append(path)
    return copies


def test_a_lost_secret_is_restored_while_the_service_runs(
    api: Api,
    cluster: Cluster,
    database: str,
    desk: Desk,
    sealed_copies: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = desk.folder / "secret.json"
    monkeypatch.setattr(api.state.randomization_secret, "path", lost)
    investigator = api.as_("investigator")
    path = f"/v1/subjects/{investigator.eligible()['id']}/randomization"
    problem(investigator.post(path, key="retried"), 503, "list_absent")
    readiness = api.client.get("/readyz").json()
    assert "randomization_secret" in {one["code"] for one in readiness["errors"]}
    url = cluster.url("trial_app", APP_PASSWORD, database)
    said = desk.run("restore", *sealed_copies, "--out", lost, TRIAL_DATABASE_URL=url)
    assert LIST.root.hex() in said
    assert stat.S_IMODE(lost.stat().st_mode) == 0o600
    assert created(investigator.post(path, key="retried"))["arm"] == LIST.arm("NN-C", 1)
    readiness = api.client.get("/readyz").json()
    assert "randomization_secret" not in {one["code"] for one in readiness.get("errors", [])}


def test_a_wrong_secret_is_not_restored(
    unchanged: Api, cluster: Cluster, shared_database: str, desk: Desk, sealed_copies: list[Path]
) -> None:
    rewritten(sealed_copies[1], secret="0" * 64)
    out = desk.folder / "secret.json"
    url = cluster.url("trial_app", APP_PASSWORD, shared_database)
    said = desk.refused("restore", *sealed_copies, "--out", out, TRIAL_DATABASE_URL=url)
    assert LIST.root.hex() in said
    assert not out.exists()


def test_restoring_needs_the_database_of_the_trial(desk: Desk, sealed_copies: list[Path]) -> None:
    out = desk.folder / "secret.json"
    said = desk.refused("restore", *sealed_copies, "--out", out, TRIAL_DATABASE_URL="")
    assert "TRIAL_DATABASE_URL" in said


def test_a_restore_puts_the_right_secret_in_the_place_of_a_wrong_one(
    unchanged: Api, cluster: Cluster, shared_database: str, desk: Desk, sealed_copies: list[Path]
) -> None:
    out = desk.folder / "secret.json"
    out.write_text(another_secret().model_dump_json())
    url = cluster.url("trial_app", APP_PASSWORD, shared_database)
    desk.run("restore", *sealed_copies, "--out", out, TRIAL_DATABASE_URL=url)
    assert RandomizationSecret.model_validate_json(out.read_bytes()) == SECRET


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    desk: Desk, sealed_copies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = desk.folder / "secret.json"
    out.write_text("as it was")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        commands._write(out, SECRET, mode=0o600)
    assert out.read_text() == "as it was"
    assert {path.name for path in desk.folder.iterdir()} == {
        "secret.json",
        *(path.name for path in sealed_copies),
    }


def test_where_nothing_is_published_there_is_nothing_to_restore(
    api: Api, cluster: Cluster, database: str, desk: Desk, sealed_copies: list[Path]
) -> None:
    api.rows("ALTER TABLE randomization_commitment DISABLE TRIGGER USER")
    api.rows("DELETE FROM randomization_commitment")
    out, url = desk.folder / "secret.json", cluster.url("trial_app", APP_PASSWORD, database)
    said = desk.refused("restore", *sealed_copies, "--out", out, TRIAL_DATABASE_URL=url)
    assert "nothing to restore" in said
    assert not out.exists()

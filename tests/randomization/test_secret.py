"""The secret's file: absent, wrong, restored, and never the sandbox's in production."""

from pathlib import Path

import pytest

from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.rules import Design
from services.api.randomization.secret import SecretFile, SecretUnusable
from tests.allocation_list import DESIGN, LIST, SECRET, another_secret, secret_file


def test_the_file_makes_the_list_and_names_both_commitments(tmp_path: Path) -> None:
    opened = secret_file(tmp_path).opened()
    assert opened.list.root == LIST.root
    assert opened.commitments == SECRET.commitments()


def test_the_list_is_made_once_for_a_file(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    assert file.opened() is file.opened()


def test_a_file_that_goes_and_comes_back_is_noticed_each_time(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    kept = file.path.read_bytes()
    file.opened()
    file.path.unlink()
    with pytest.raises(SecretUnusable, match="no readable file"):
        file.opened()
    file.path.write_bytes(kept)
    assert file.opened().list.root == LIST.root
    file.path.write_text(another_secret().model_dump_json(indent=1))
    assert file.opened().list.root != LIST.root


@pytest.mark.parametrize("text", ["", "5e" * 32, "{}", '{"contributions": []}', "\x00", "[]"])
def test_a_file_that_is_no_secret_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = secret_file(tmp_path)
    file.path.write_text(text)
    with pytest.raises(SecretUnusable, match="two contributions") as refusal:
        file.opened()
    assert len(text) < 3 or text not in str(refusal.value)


def test_contributions_for_another_design_are_refused(tmp_path: Path) -> None:
    path = secret_file(tmp_path).path
    longer = Design(DESIGN.arms, DESIGN.strata, DESIGN.slots_per_stratum + 1)
    with pytest.raises(SecretUnusable, match="another design"):
        SecretFile(path, longer, sandbox=True).opened()


def test_production_refuses_the_public_secret_of_the_sandbox(tmp_path: Path) -> None:
    path = secret_file(tmp_path).path
    with pytest.raises(SecretUnusable, match="public contribution of the sandbox"):
        SecretFile(path, DESIGN).opened()
    for half in (0, 1):  # one of them is enough to be refused
        parts = list(another_secret().contributions)
        parts[half] = SECRET.contributions[half]
        half_public = RandomizationSecret(contributions=(parts[0], parts[1]))
        path = secret_file(tmp_path, half_public).path
        with pytest.raises(SecretUnusable, match="public contribution of the sandbox"):
            SecretFile(path, DESIGN).opened()
    other = secret_file(tmp_path, another_secret()).path
    assert SecretFile(other, DESIGN).opened().list.root != LIST.root


def test_a_printed_file_shows_nothing_of_what_it_holds(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    file.opened()
    assert repr(SECRET.seed()) not in repr(file)
    assert "Opened" not in repr(file)

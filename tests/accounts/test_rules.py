"""What an account has to be."""

import pytest

from services.api.accounts.rules import misplaced, repeated, without_way_in
from services.api.core.permissions import SITE_BOUND, Role

KNOWN = {"NN", "LZ"}


def found(role: Role, sites: list[str]) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in misplaced(role, sites, KNOWN)]


@pytest.mark.parametrize("role", sorted(SITE_BOUND))
def test_a_site_bound_role_acts_at_one_or_more_sites_of_the_trial(role: Role) -> None:
    assert found(role, ["NN"]) == found(role, ["LZ", "NN"]) == []
    assert found(role, []) == [("/sites", "sites_missing")]
    assert found(role, ["NN", "XX", "YY"]) == [
        ("/sites/1", "unknown_site"),
        ("/sites/2", "unknown_site"),
    ]


@pytest.mark.parametrize("role", sorted(set(Role) - SITE_BOUND))
def test_another_role_has_none(role: Role) -> None:
    assert found(role, []) == []
    assert found(role, ["NN"]) == found(role, ["XX"]) == [("/sites", "sites_not_of_role")]


def test_a_client_has_a_secret_or_keys() -> None:
    assert without_way_in(secret=True, keys=False) == []
    assert without_way_in(secret=False, keys=True) == []
    assert [one.code for one in without_way_in(secret=False, keys=False)] == ["no_credentials"]


def test_every_repetition_of_a_kid_is_named() -> None:
    assert repeated(["a", "b"]) == []
    assert [one.pointer for one in repeated(["a", "b", "a", "a"])] == [
        "/jwks/keys/2/kid",
        "/jwks/keys/3/kid",
    ]

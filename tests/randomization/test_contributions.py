"""Two contributions, each bound before either is opened: neither party alone chooses the list."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.api.randomization.contributions import (
    Commitment,
    Contribution,
    DesignDiffers,
    RandomizationSecret,
)
from services.api.randomization.generator import hkdf
from services.api.randomization.rules import ALGORITHM, Design
from tests.allocation_list import DESIGN, SECRET, another_secret

SPONSOR, DMC = SECRET.contributions
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


def changed(contribution: Contribution, **fields: Any) -> Contribution:
    return Contribution.model_validate({**contribution.model_dump(), **fields})


def test_a_commitment_is_the_hash_of_all_that_is_contributed() -> None:
    data = b"trial-randomization-contribution-v1\0sponsor\0" + bytes.fromhex(DESIGN.digest())
    data += b"\0\x02\0\x04\0\x06" + bytes.fromhex(SPONSOR.secret)
    assert SPONSOR.commitment() == sha256(data).hexdigest()
    assert SECRET.commitments() == {"sponsor": SPONSOR.commitment(), "dmc": DMC.commitment()}


def test_a_commitment_changes_with_everything_it_binds() -> None:
    others = [
        SPONSOR,
        changed(SPONSOR, block_sizes=(6, 4)),
        changed(SPONSOR, block_sizes=(4,)),
        changed(SPONSOR, design="0" * 64),
        changed(SPONSOR, secret="1" * 64),
        changed(SPONSOR, party="dmc", block_sizes=()),
    ]
    assert len({Commitment.to(one).commitment for one in others}) == len(others)


@given(hashes.filter(lambda one: one not in {SPONSOR.secret, DMC.secret}))
def test_either_party_s_secret_changes_the_seed(secret: str) -> None:
    for place, one in enumerate(SECRET.contributions):
        parts = list(SECRET.contributions)
        parts[place] = changed(one, secret=secret)
        other = RandomizationSecret(contributions=(parts[0], parts[1]))
        assert other.seed() != SECRET.seed()


def test_the_seed_is_bound_to_the_commitments_and_the_algorithm() -> None:
    secrets = bytes.fromhex(SPONSOR.secret + DMC.secret)
    salt = bytes.fromhex(SPONSOR.commitment() + DMC.commitment())
    assert SECRET.seed() == hkdf(secrets, salt, ALGORITHM.encode())
    # So block sizes chosen after the fact would make another seed too.
    other = RandomizationSecret(contributions=(changed(SPONSOR, block_sizes=(6, 4)), DMC))
    assert other.seed() != SECRET.seed()


def test_the_list_is_that_of_the_design_and_of_no_other() -> None:
    assert SECRET.list_for(DESIGN).root == SECRET.list_for(DESIGN).root
    assert another_secret().list_for(DESIGN).root != SECRET.list_for(DESIGN).root
    longer = Design(DESIGN.arms, DESIGN.strata, DESIGN.slots_per_stratum + 1)
    with pytest.raises(DesignDiffers, match="another design"):
        SECRET.list_for(longer)


@pytest.mark.parametrize(
    "fields",
    [
        {"party": "recruiter"},
        {"design": "ab"},
        {"secret": "zz" * 32},
        {"secret": "AB" * 32},
        {"secret": None},
        {"block_sizes": ()},
        {"block_sizes": (0,)},
        {"block_sizes": (True,)},
        {"block_sizes": ("4",)},
        {"block_sizes": (257,)},
        {"extra": 1},
    ],
)
def test_a_malformed_contribution_is_refused_without_showing_it(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        changed(SPONSOR, **fields)
    assert SPONSOR.secret not in str(refusal.value)


def test_the_dmc_brings_no_block_sizes() -> None:
    with pytest.raises(ValidationError, match="in the sponsor's contribution and in no other"):
        changed(DMC, block_sizes=(4,))


def test_a_secret_is_one_contribution_of_each_for_one_design() -> None:
    for parts in (
        (DMC, SPONSOR),
        (SPONSOR, SPONSOR),
        (SPONSOR, changed(DMC, design="0" * 64)),
        (SPONSOR, changed(DMC, secret=SPONSOR.secret)),
    ):
        with pytest.raises(ValidationError) as refusal:
            RandomizationSecret(contributions=parts)
        assert SPONSOR.secret not in str(refusal.value)


def test_a_printed_secret_shows_nothing_secret() -> None:
    for printed in (repr(SECRET), str(SECRET), repr(SPONSOR)):
        assert SPONSOR.secret not in printed
        assert DMC.secret not in printed
        assert "block_sizes" not in printed

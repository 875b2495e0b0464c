"""Addresses as one caller holds them, and keys that serve one purpose each."""

import pytest

from services.api.identity.door import Door, Source
from tests.make import Api


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_caller_is_counted_by_the_network_of_which_they_have_the_whole(
    address: str, network: str
) -> None:
    assert Source(address).network == network


def test_each_purpose_has_a_key_of_its_own(unchanged: Api) -> None:
    door = Door(unchanged.state.database, unchanged.state.settings)
    macs = {door.mac(purpose, "same text") for purpose in ("refresh token", "device", "person")}
    assert len(macs) == 3
    assert door.mac("device", "same text") in macs

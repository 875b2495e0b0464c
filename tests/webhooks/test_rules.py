"""What a webhook's address may be, and how long a delivery is tried."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.api.webhooks.rules import (
    BACKOFF,
    is_public,
    pause_after,
    signed_headers,
    unusual_address,
    url_faults,
)
from services.api.webhooks.secrets import new_secret

PRIVATE = [
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "192.0.0.0/24",
        "fec0::/10",
    )
]


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("https://his.example/hook", []),
        ("https://his.example:8443/hook?of=trial", []),
        ("https://[2001:4860:4860::8888]/hook", []),
        ("http://his.example/hook", ["https_only"]),
        ("ftp://his.example/hook", ["https_only"]),
        ("https://user:password@his.example/hook", ["credentials"]),
        ("https://@his.example/", ["credentials"]),
        ("https://his.example/hook#part", ["fragment"]),
        ("https://his.example/hook#", ["fragment"]),
        ("https://", ["not_a_url"]),
        ("https:///hook", ["not_a_url"]),
        ("https://his.example:0/", ["not_a_url"]),
        ("https://his.example:99999/", ["not_a_url"]),
        ("https://[::1/", ["not_a_url"]),
        ("https://HIS.example/hook", []),
        ("https://xn--strae-oqa.example/", []),
        ("https://xn--zzzzzzzzz9999.example/", []),
        ("https://127.0.0.1/", []),
        ("https://" + "a" * 63 + ".example/", []),
        ("https://" + "a" * 64 + ".example/", ["host"]),
        ("https://" + "a." * 126 + "a/", []),
        ("https://" + "a." * 127 + "a/", ["host"]),
        ("https://a..b/", ["host"]),
        ("https://.his.example/", ["host"]),
        ("https://his.example./", ["host"]),
        ("https://-a.example/", ["host"]),
        ("https://a-.example/", ["host"]),
        ("https://a_b.example/", ["host"]),
        ("https://a|b.example/", ["host"]),
        ("https://{a}.example/", ["host"]),
        ("https://%31%32%37.0.0.1/", ["host"]),
        ("https://127.0.0.1%00.example/", ["host"]),
        ("https://[fe80::1%25lo]/", ["host"]),
        ("https://[fe80::1%lo]/", ["host"]),
        ("https://[::g]/", ["not_a_url"]),
        ("https://[v1.x]/", ["host"]),
        ("https://his.example\\hook", ["not_a_url"]),
        ("https://his.example/\N{SNOWMAN}", ["not_a_url"]),
        ("https://his example/", ["not_a_url"]),
        ("hook", ["https_only", "not_a_url"]),
    ],
)
def test_each_fault_of_a_url_has_its_own_code(url: str, codes: list[str]) -> None:
    assert [fault.code for fault in url_faults(url, plain_http=False)] == codes


def test_http_is_for_those_who_ask_for_it() -> None:
    assert url_faults("http://his.example/", plain_http=True) == []


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_is_as_public_as_the_ipv4_address_that_it_carries(
    inner: IPv4Address,
) -> None:
    number = int(inner)
    assert is_public(IPv6Address((0xFFFF << 32) + number)) == is_public(inner)
    assert is_public(IPv6Address((0x64FF9B << 96) + number)) == is_public(inner)
    assert is_public(IPv6Address((0x2002 << 112) + (number << 80))) == is_public(inner)


@given(st.sampled_from(PRIVATE), st.integers(min_value=0, max_value=2**20 - 1))
def test_no_address_of_a_private_network_is_public(
    network: IPv4Network | IPv6Network, place: int
) -> None:
    address = network[place % network.num_addresses]
    assert not is_public(address)


@pytest.mark.parametrize("address", ["::1", "::", "fe80::1", "fc00::1", "ff0e::1", "2001:db8::1"])
def test_no_local_ipv6_address_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


def test_one_private_address_among_public_ones_is_enough() -> None:
    assert unusual_address(["8.8.8.8", "10.0.0.1"])
    assert unusual_address(["fe80::1%eth0"])
    assert not unusual_address(["8.8.8.8", "2001:4860:4860::8888"])


def test_a_delivery_is_tried_for_three_days_with_growing_pauses() -> None:
    assert list(BACKOFF) == sorted(BACKOFF)
    assert timedelta(days=3) - timedelta(minutes=30) < sum(BACKOFF, timedelta()) < timedelta(days=3)
    assert pause_after(1) == BACKOFF[0]
    assert pause_after(len(BACKOFF)) == BACKOFF[-1]
    assert pause_after(len(BACKOFF) + 1) is None


def test_each_secret_verifies_what_two_signed_and_no_other_does() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    headers = signed_headers([new, old], "id", datetime.now(UTC), '{"a": 1}')
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        assert Webhook(secret).verify('{"a": 1}', headers) == {"a": 1}
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(other).verify('{"a": 1}', headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(new).verify('{"a": 2}', headers)

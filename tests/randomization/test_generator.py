"""Bytes and choices: the published algorithms, compared with a library and by hand."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from services.api.randomization.generator import Choices, hkdf, kdf

parts = st.binary(min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "output"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        ("0b" * 22, "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
    ],
)
def test_hkdf_gives_the_known_answers_of_rfc_5869(
    secret: str, salt: str, info: str, output: str
) -> None:
    given_parts = (bytes.fromhex(part) for part in (secret, salt, info))
    assert hkdf(*given_parts).hex() == output


@given(st.binary(min_size=32, max_size=32), parts, parts, st.sampled_from([8, 256, 264, 8192]))
def test_kdf_is_the_counter_mode_of_sp_800_108(
    key: bytes, label: bytes, context: bytes, bits: int
) -> None:
    library = KBKDFHMAC(
        algorithm=SHA256(),
        mode=Mode.CounterMode,
        length=bits // 8,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    )
    assert bytes(kdf(key, label, context, bits)) == library.derive(key)


def stream(*numbers: int) -> Iterator[int]:
    return iter(numbers)


def test_bytes_whose_lowest_bits_are_too_large_are_dropped() -> None:
    # For 6 the 3 lowest bits count: 7, 6 and 14 (6 again) are dropped, 13 keeps 5.
    choices = Choices(stream(7, 6, 14, 13, 8))
    assert [choices.below(6), choices.below(6)] == [5, 0]


def test_no_byte_is_dropped_below_a_power_of_two() -> None:
    assert Choices(stream(255)).below(4) == 3
    assert Choices(stream(255)).below(256) == 255


def test_a_single_choice_takes_no_byte() -> None:
    choices = Choices(stream(9))
    assert [choices.below(1), choices.below(10)] == [0, 9]


@pytest.mark.parametrize("n", [-1, 0, 257])
def test_a_bound_that_one_byte_cannot_serve_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="n must be"):
        Choices(stream(0)).below(n)


@given(st.integers(2, 256))
def test_over_all_bytes_each_number_is_as_frequent_as_any_other(n: int) -> None:
    kept = [byte & ((1 << (n - 1).bit_length()) - 1) for byte in range(256)]
    counts = [kept.count(number) for number in range(n)]
    assert set(counts) == {256 >> (n - 1).bit_length()}
    choices = Choices(iter(range(256)))
    assert [choices.below(n) for _ in range(sum(counts))] == [one for one in kept if one < n]


def test_fisher_yates_exchanges_from_the_last_place_down() -> None:
    # j = 0 below 4, 1 below 3, 1 below 2: abcd -> dbca -> dcba -> dcba
    assert Choices(stream(0, 1, 1)).shuffled("abcd") == list("dcba")

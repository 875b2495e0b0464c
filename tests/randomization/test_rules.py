"""The randomization list: balance, uniformity, commitment, and its written specification."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.schema import Factor, Level, Randomization
from services.api.randomization import merkle, rules
from services.api.randomization.rules import Generator, Stratum, keystream

SPECIFICATION = Path(__file__).parents[2] / "docs" / "randomization.md"
SEED = bytes(range(32))
ONE_TO_ONE = {"experimental": 1, "control": 1}
TWO_TO_ONE = {"experimental": 2, "control": 1}
THREE_ARMS = {"high": 1, "low": 1, "none": 2}

seeds = st.binary(min_size=32, max_size=32)
designs = st.sampled_from([(ONE_TO_ONE, (4, 6)), (TWO_TO_ONE, (3, 6)), (THREE_ARMS, (4, 8, 12))])


def section(
    ratio: Mapping[str, int] = ONE_TO_ONE, block_sizes: Sequence[int] = (4, 6), slots: int = 12
) -> Randomization:
    chemotherapy = (
        Level(value=True, code="C", label="with"),
        Level(value=False, code="N", label="without"),
    )
    site = tuple(Level(value=code, code=code, label=code) for code in ("AA", "BB"))
    return Randomization(
        ratio=dict(ratio),
        block_sizes=tuple(block_sizes),
        factors=(
            Factor(id="site", source="site", levels=site),
            Factor(id="chemotherapy", source="radiotherapy", levels=chemotherapy),
        ),
        cap=100,
        slots_per_stratum=slots,
    )


STRATUM = rules.strata(section())[0]


def chi_square(observed: Iterable[int], expected: float) -> float:
    return sum((number - expected) ** 2 / expected for number in observed)


# --- strata ---------------------------------------------------------------------------


def test_strata_are_the_product_of_levels_in_document_order() -> None:
    assert rules.strata(section()) == (
        Stratum("AA-C", {"site": "AA", "chemotherapy": True}),
        Stratum("AA-N", {"site": "AA", "chemotherapy": False}),
        Stratum("BB-C", {"site": "BB", "chemotherapy": True}),
        Stratum("BB-N", {"site": "BB", "chemotherapy": False}),
    )


def test_a_subject_falls_into_the_stratum_of_their_values() -> None:
    for stratum in rules.strata(section()):
        assert rules.stratum_of({**stratum.levels, "sex": "female"}, section()) == stratum


@pytest.mark.parametrize(
    "values",
    [
        {"site": "AA"},
        {"site": "AA", "chemotherapy": "True"},
        {"site": "AA", "chemotherapy": 1},
        {"site": "AA", "chemotherapy": "C"},
    ],
)
def test_a_missing_or_unknown_value_has_no_stratum(values: dict[str, bool | str]) -> None:
    with pytest.raises(rules.UnknownLevelError, match=r"^chemotherapy has none of its levels$"):
        rules.stratum_of(values, section())


def test_the_refusal_does_not_show_the_value() -> None:
    with pytest.raises(rules.UnknownLevelError) as refusal:
        rules.stratum_of({"site": "SECRET", "chemotherapy": True}, section())
    assert "SECRET" not in str(refusal.value)


# --- numbers --------------------------------------------------------------------------


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
    assert rules.hkdf(*given_parts).hex() == output


def test_words_in_the_incomplete_last_multiple_are_dropped() -> None:
    # 2**32 = 6 * 715827882 + 4: the last four words would favour 0 to 3.
    words = iter([2**32 - 1, 2**32 - 4, 2**32 - 5, 7])
    generator = Generator(words)
    assert [generator.below(6), generator.below(6)] == [5, 1]


def test_no_word_is_dropped_below_a_power_of_two() -> None:
    assert Generator(iter([2**32 - 1])).below(4) == 3


def test_the_largest_bound_returns_the_word_itself() -> None:
    assert Generator(iter([2**32 - 1])).below(2**32) == 2**32 - 1


def test_a_single_choice_takes_a_word_too() -> None:
    generator = Generator(iter([9, 5]))
    assert [generator.below(1), generator.below(10)] == [0, 5]


@pytest.mark.parametrize("n", [-1, 0, 2**32 + 1])
def test_a_bound_without_uniform_integers_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="n must be"):
        Generator(iter([0])).below(n)


@given(st.integers(1, 2**32), st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_a_choice_is_the_remainder_of_the_first_word_kept(n: int, words: list[int]) -> None:
    kept = [word for word in [*words, 0] if word < 2**32 // n * n]
    assert Generator(iter([*words, 0])).below(n) == kept[0] % n


def test_fisher_yates_exchanges_from_the_last_place_down() -> None:
    # j = 0 below 4, 1 below 3, 1 below 2: abcd -> dbca -> dcba -> dcba
    assert Generator(iter([0, 1, 1])).shuffled("abcd") == list("dcba")


def test_words_read_the_counter_blocks_end_to_end() -> None:
    stream = b"".join(
        hmac.digest(b"key", counter.to_bytes(8, "big"), "sha256") for counter in range(3)
    )
    words = b"".join(word.to_bytes(4, "big") for word in islice(keystream(b"key"), 24))
    assert words == stream


# --- blocks ---------------------------------------------------------------------------


@given(seeds, designs)
def test_each_block_holds_the_ratio(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]]
) -> None:
    ratio, block_sizes = design
    for block in islice(rules.blocks(Generator(keystream(seed)), ratio, block_sizes), 10):
        assert len(block) in block_sizes
        share = len(block) // sum(ratio.values())
        assert Counter(block) == {arm: number * share for arm, number in ratio.items()}


def test_permutations_of_a_block_are_equally_frequent() -> None:
    blocks = islice(rules.blocks(Generator(keystream(SEED)), ONE_TO_ONE, (4,)), 1200)
    observed = Counter("".join(arm[0] for arm in block) for block in blocks)
    assert len(observed) == 6
    # The 99.9th percentile of chi-square with 5 degrees of freedom.
    assert chi_square(observed.values(), 1200 / 6) < 20.52


def test_block_sizes_are_equally_frequent() -> None:
    blocks = islice(rules.blocks(Generator(keystream(SEED)), ONE_TO_ONE, (2, 4, 6)), 900)
    observed = Counter(len(block) for block in blocks)
    # The 99.9th percentile of chi-square with 2 degrees of freedom.
    assert chi_square((observed[2], observed[4], observed[6]), 900 / 3) < 13.82


def test_block_size_and_order_of_arms_are_unrelated() -> None:
    blocks = islice(rules.blocks(Generator(keystream(SEED)), ONE_TO_ONE, (4, 6)), 1200)
    observed = Counter((len(block), block[0]) for block in blocks)
    assert len(observed) == 4
    # The 99.9th percentile of chi-square with 3 degrees of freedom.
    assert chi_square(observed.values(), 1200 / 4) < 16.27


# --- the list -------------------------------------------------------------------------


@given(seeds, st.integers(1, 60))
def test_one_to_one_arms_never_differ_by_more_than_half_a_block(seed: bytes, slots: int) -> None:
    arms = rules.arms(seed, section(slots=slots), STRATUM)
    assert len(arms) == slots
    for end in range(slots + 1):
        balance = Counter(arms[:end])
        assert abs(balance["experimental"] - balance["control"]) <= 3


@given(seeds, designs, st.integers(1, 40), st.integers(1, 40))
def test_a_longer_list_begins_with_the_shorter(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]], slots: int, more: int
) -> None:
    ratio, block_sizes = design
    short = rules.arms(seed, section(ratio, block_sizes, slots), STRATUM)
    long = rules.arms(seed, section(ratio, block_sizes, slots + more), STRATUM)
    assert long[:slots] == short


def test_a_block_reads_no_word_of_a_later_one() -> None:
    # One word for the size and three for the four places.
    words = iter([0, 10, 20, 30, 99])
    assert len(next(rules.blocks(Generator(words), ONE_TO_ONE, (4, 6)))) == 4
    assert next(words) == 99


def test_the_same_seed_gives_the_same_list_also_without_the_cache() -> None:
    first = rules.leaves(SEED, section())
    rules._arms.cache_clear()
    rules._key.cache_clear()
    assert rules.leaves(SEED, section()) == first


def test_strata_and_seeds_have_lists_of_their_own() -> None:
    long = section(slots=64)
    other = bytes(31) + b"\x01"
    lists = {rules.arms(seed, long, s) for seed in (SEED, other) for s in rules.strata(long)}
    assert len(lists) == 8


def test_the_cache_keeps_sections_apart() -> None:
    sections = (
        section(),
        section(slots=11),
        section(block_sizes=(6, 4)),
        section({"control": 1, "experimental": 1}),
    )
    assert len({rules.arms(SEED, each, STRATUM) for each in sections}) == 4


def test_a_slot_is_numbered_from_one() -> None:
    arms = rules.arms(SEED, section(), STRATUM)
    numbered = [rules.arm_at(SEED, section(), STRATUM, seq) for seq in range(1, 13)]
    assert tuple(numbered) == arms


@pytest.mark.parametrize("seq", [-1, 0, 13])
def test_a_slot_outside_the_list_has_no_arm_and_no_leaf(seq: int) -> None:
    with pytest.raises(rules.NoSuchSlotError):
        rules.arm_at(SEED, section(), STRATUM, seq)
    with pytest.raises(rules.NoSuchSlotError):
        rules.leaf_index(section(), STRATUM, seq)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_seed_of_another_length_is_refused_everywhere(seed: bytes) -> None:
    with pytest.raises(ValueError, match="the seed must be 32 bytes"):
        rules.check_seed(seed)
    with pytest.raises(ValueError, match="the seed must be 32 bytes"):
        rules.arms(seed, section(), STRATUM)
    with pytest.raises(ValueError, match="the seed must be 32 bytes"):
        rules.salt(seed, "AA-C", 1)


# --- the commitment -------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [ONE_TO_ONE, TWO_TO_ONE, THREE_ARMS])
def test_leaf_data_has_one_length_and_one_prefix_whatever_the_arm(ratio: dict[str, int]) -> None:
    codes = tuple(ratio)
    salt = bytes(32)
    data = [rules.leaf_data("AA-C", 1, arm, salt, codes) for arm in codes]
    assert len({len(each) for each in data}) == 1
    assert len({each[:-33] for each in data}) == 1
    assert [each[-33] for each in data] == list(range(len(codes)))


codes = st.lists(st.sampled_from(["A", "AA", "AAAA", "N"]), min_size=1, max_size=3).map("-".join)
arm_lists = st.lists(st.sampled_from(["aa", "aaa", "a_1", "b1"]), min_size=1, unique=True)


@given(codes, st.integers(1, 2**32 - 1), arm_lists, seeds, st.data())
def test_leaf_data_can_be_read_back_in_one_way(
    code: str, seq: int, arms: list[str], salt: bytes, data: st.DataObject
) -> None:
    arm = data.draw(st.sampled_from(arms))
    rest = rules.leaf_data(code, seq, arm, salt, arms)

    def take(size: int) -> bytes:
        nonlocal rest
        taken, rest = rest[:size], rest[size:]
        return taken

    assert take(int.from_bytes(take(2), "big")).decode("ascii") == code
    assert int.from_bytes(take(4), "big") == seq
    named = take(int.from_bytes(take(2), "big")).decode("ascii").split(",")
    assert named == arms
    assert named[take(1)[0]] == arm
    assert rest == salt


def test_a_leaf_with_an_unknown_arm_or_a_short_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="not in list"):
        rules.leaf("AA-C", 1, "placebo", bytes(32), ("experimental", "control"))
    with pytest.raises(ValueError, match="the salt must be 32 bytes"):
        rules.leaf("AA-C", 1, "control", bytes(31), ("experimental", "control"))


def test_every_slot_has_a_salt_and_a_leaf_of_its_own() -> None:
    codes = [stratum.code for stratum in rules.strata(section())]
    assert len({rules.salt(SEED, code, seq) for code in codes for seq in range(1, 13)}) == 48
    assert len(set(rules.leaves(SEED, section()))) == 48


@given(seeds, designs)
def test_every_allocation_is_proved_by_its_arm_salt_and_path(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]]
) -> None:
    ratio, block_sizes = design
    document = section(ratio, block_sizes, 3)
    hashes, head = rules.leaves(seed, document), rules.root(seed, document)
    for stratum in rules.strata(document):
        for seq in (1, 2, 3):
            index = rules.leaf_index(document, stratum, seq)
            path = merkle.audit_path(hashes, index)
            salt = rules.salt(seed, stratum.code, seq)
            proved = [
                arm
                for arm in ratio
                if merkle.proves(
                    rules.leaf(stratum.code, seq, arm, salt, rules.arm_codes(document)),
                    index,
                    len(hashes),
                    path,
                    head,
                )
            ]
            assert proved == [rules.arm_at(seed, document, stratum, seq)]


# --- the specification, followed step by step with hashlib alone -------------------------


def specified_hmac(key: bytes, message: bytes) -> bytes:
    padded = key.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).digest()


def specified_hkdf(seed: bytes, info: bytes) -> bytes:
    extracted = specified_hmac(b"hmac-sha256-permuted-blocks-v1", seed)
    return specified_hmac(extracted, info + b"\x01")


class SpecifiedNumbers:
    def __init__(self, key: bytes) -> None:
        self.key, self.position = key, 0

    def word(self) -> int:
        counter, offset = divmod(self.position, 32)
        self.position += 4
        block = specified_hmac(self.key, counter.to_bytes(8, "big"))
        return int.from_bytes(block[offset : offset + 4], "big")

    def below(self, n: int) -> int:
        while True:
            word = self.word()
            if word < 2**32 // n * n:
                return word % n


def specified_arms(
    seed: bytes, code: str, ratio: Mapping[str, int], block_sizes: Sequence[int], slots: int
) -> list[str]:
    numbers = SpecifiedNumbers(specified_hkdf(seed, b"arms\x00" + code.encode("ascii")))
    arms: list[str] = []
    while len(arms) < slots:
        size = block_sizes[numbers.below(len(block_sizes))]
        block: list[str] = []
        for arm in ratio:
            block += [arm] * (ratio[arm] * size // sum(ratio.values()))
        for i in range(size - 1, 0, -1):
            j = numbers.below(i + 1)
            block[i], block[j] = block[j], block[i]
        arms += block
    return arms[:slots]


def specified_leaf(
    seed: bytes, code: str, seq: int, arm: str, codes: Sequence[str]
) -> tuple[bytes, bytes]:
    salt = specified_hmac(
        specified_hkdf(seed, b"salts\x00" + code.encode("ascii")), seq.to_bytes(8, "big")
    )
    names = ",".join(codes).encode("ascii")
    data = len(code).to_bytes(2, "big") + code.encode("ascii") + seq.to_bytes(4, "big")
    data += len(names).to_bytes(2, "big") + names + bytes([codes.index(arm)]) + salt
    return salt, hashlib.sha256(b"\x00" + data).digest()


@given(seeds, designs, st.integers(1, 20))
def test_the_list_is_the_one_specified(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]], slots: int
) -> None:
    ratio, block_sizes = design
    document = section(ratio, block_sizes, slots)
    expected = []
    for code in ("AA-C", "AA-N", "BB-C", "BB-N"):
        arms = specified_arms(seed, code, ratio, block_sizes, slots)
        leaves = [
            specified_leaf(seed, code, seq, arm, tuple(ratio))[1]
            for seq, arm in enumerate(arms, start=1)
        ]
        expected += leaves
    assert rules.leaves(seed, document) == expected


def test_the_specification_s_example_is_frozen() -> None:
    document = section(TWO_TO_ONE, (3, 6), 12)
    short = {"experimental": "E", "control": "C"}
    arms = {
        stratum.code: "".join(short[arm] for arm in rules.arms(SEED, document, stratum))
        for stratum in rules.strata(document)
    }
    assert arms == {
        "AA-C": "CEEEECCEEECE",
        "AA-N": "ECEECEECEECE",
        "BB-C": "EECEECCEECEE",
        "BB-N": "ECEEECECEECE",
    }
    salt = rules.salt(SEED, "AA-C", 1).hex()
    leaf = rules.leaves(SEED, document)[0].hex()
    root = rules.root(SEED, document).hex()
    assert salt == "9b3abc1d672988d9925374df3b4c0cb2a2eb42b66c077100d0f0f614c2ec2704"
    assert leaf == "c9e3a479c14af6941e6aaa1e4f7ef10bd392880eb475216007dcef5304fe576c"
    assert root == "315c7ada876ad37593581536b6606f67abb19dd7e287b9057f7181c5c3373da9"

    rows = [f"| arms of `{code}` | `{each}` |" for code, each in arms.items()]
    rows += [f"| salt of `AA-C` 1 | `{salt}` |", f"| leaf of `AA-C` 1 | `{leaf}` |"]
    rows += [f"| root | `{root}` |"]
    assert set(rows) <= set(SPECIFICATION.read_text("utf-8").splitlines())
    assert f"`{rules.ALGORITHM}`" in SPECIFICATION.read_text("utf-8")

"""The randomization list: balance, uniformity, and the commitment to it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.protocol.schema import Factor, Level, Randomization
from services.api.randomization import rules
from services.api.randomization.rules import AllocationList, Design, Stratum
from tests.allocation_list import proves

SEED = bytes(range(32))
ONE_TO_ONE = {"experimental": 1, "control": 1}
TWO_TO_ONE = {"experimental": 2, "control": 1}
THREE_ARMS = {"high": 1, "low": 1, "none": 2}

seeds = st.binary(min_size=32, max_size=32)
blocked = st.sampled_from([(ONE_TO_ONE, (4, 6)), (TWO_TO_ONE, (3, 6)), (THREE_ARMS, (4, 8, 12))])


def section(ratio: Mapping[str, int] = ONE_TO_ONE, slots: int = 12) -> Randomization:
    chemotherapy = (
        Level(value=True, code="C", label="with"),
        Level(value=False, code="N", label="without"),
    )
    site = tuple(Level(value=code, code=code, label=code) for code in ("AA", "BB"))
    return Randomization(
        ratio=dict(ratio),
        factors=(
            Factor(id="site", source="site", levels=site),
            Factor(id="chemotherapy", source="radiotherapy", levels=chemotherapy),
        ),
        cap=100,
        slots_per_stratum=slots,
    )


def listed(
    seed: bytes = SEED,
    ratio: Mapping[str, int] = ONE_TO_ONE,
    sizes: Sequence[int] = (4, 6),
    slots: int = 12,
) -> AllocationList:
    return AllocationList(Design.of(section(ratio, slots)), seed, tuple(sizes))


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


# --- the design -------------------------------------------------------------------------


def test_the_design_is_what_is_published_of_the_list() -> None:
    design = Design.of(section(TWO_TO_ONE))
    assert design.document() == {
        "arms": [{"code": "control", "share": 1}, {"code": "experimental", "share": 2}],
        "slots_per_stratum": 12,
        "strata": ["AA-C", "AA-N", "BB-C", "BB-N"],
    }
    assert design.unit == ["control", "experimental", "experimental"]


def test_every_part_of_the_design_is_in_its_digest() -> None:
    assert Design.of(section({"control": 1, "experimental": 2})) == Design.of(section(TWO_TO_ONE))
    designs = [
        Design.of(section(TWO_TO_ONE)),
        Design.of(section(ONE_TO_ONE)),
        Design.of(section({"control": 2, "experimental": 1})),
        Design.of(section(TWO_TO_ONE, slots=13)),
        Design(Design.of(section(TWO_TO_ONE)).arms, ("AA-C", "AA-N"), 12),
    ]
    assert len({design.digest() for design in designs}) == len(designs)


@pytest.mark.parametrize("sizes", [(), (5,), (4, 0), (-2,), (4, 258), (2,) * 256])
def test_block_sizes_that_do_not_hold_the_arms_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(rules.BlockSizesError, match=r"^give from 1 to 255|multiple of 2"):
        listed(sizes=sizes)


# --- blocks ---------------------------------------------------------------------------


@given(seeds, blocked)
def test_each_block_holds_the_ratio(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]]
) -> None:
    ratio, sizes = design
    for block in islice(listed(seed, ratio, sizes).blocks("AA-C"), 10):
        assert len(block) in sizes
        share = len(block) // sum(ratio.values())
        assert Counter(block) == {arm: number * share for arm, number in ratio.items()}


@given(seeds, blocked, st.integers(1, 60))
def test_the_list_is_its_blocks_end_to_end(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]], slots: int
) -> None:
    ratio, sizes = design
    whole = listed(seed, ratio, sizes, slots)
    blocks = [arm for block in islice(whole.blocks("BB-N"), slots) for arm in block]
    assert whole.arms["BB-N"] == tuple(blocks[:slots])


# --- the list -------------------------------------------------------------------------


@given(seeds, st.integers(1, 60))
def test_one_to_one_arms_never_differ_by_more_than_half_a_block(seed: bytes, slots: int) -> None:
    arms = listed(seed, slots=slots).arms["AA-C"]
    assert len(arms) == slots
    for end in range(slots + 1):
        balance = Counter(arms[:end])
        assert abs(balance["experimental"] - balance["control"]) <= 3


@given(seeds, blocked, st.integers(1, 40), st.integers(1, 40))
def test_a_longer_list_begins_with_the_shorter(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]], slots: int, more: int
) -> None:
    ratio, sizes = design
    short = listed(seed, ratio, sizes, slots).arms["AA-C"]
    assert listed(seed, ratio, sizes, slots + more).arms["AA-C"][:slots] == short


def test_strata_seeds_and_block_sizes_have_lists_of_their_own() -> None:
    made = [listed(slots=64), listed(bytes(32), slots=64), listed(sizes=(6, 4), slots=64)]
    assert len({arms for each in made for arms in each.arms.values()}) == 12


def test_a_slot_is_numbered_from_one() -> None:
    whole = listed()
    assert tuple(whole.arm("AA-C", seq) for seq in range(1, 13)) == whole.arms["AA-C"]


@pytest.mark.parametrize("slot", [("AA-C", -1), ("AA-C", 0), ("AA-C", 13), ("AA-X", 1)])
def test_a_slot_outside_the_list_has_no_arm_no_leaf_and_no_path(slot: tuple[str, int]) -> None:
    for asked in (listed().arm, listed().leaf, listed().path, listed().design.index):
        with pytest.raises(rules.NoSuchSlotError):
            asked(*slot)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_seed_of_another_length_is_refused(seed: bytes) -> None:
    with pytest.raises(ValueError, match="the seed must be 32 bytes"):
        listed(seed)


def test_a_printed_list_shows_neither_seed_nor_block_sizes() -> None:
    assert repr(listed()) == f"AllocationList(design={listed().design!r})"


# --- the commitment -------------------------------------------------------------------


def test_a_leaf_with_an_unknown_arm_or_a_short_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="not in list"):
        rules.leaf("AA-C", 1, "placebo", bytes(32), ("experimental", "control"))
    with pytest.raises(ValueError, match="the salt must be 32 bytes"):
        rules.leaf("AA-C", 1, "control", bytes(31), ("experimental", "control"))


def test_every_slot_has_a_salt_and_a_leaf_of_its_own() -> None:
    whole = listed()
    slots = [(code, seq) for code in whole.design.strata for seq in range(1, 13)]
    assert len({whole.salt(*slot) for slot in slots}) == 48
    assert len(set(whole.leaves)) == 48


@given(seeds, blocked)
def test_every_allocation_is_proved_by_its_arm_salt_and_path(
    seed: bytes, design: tuple[dict[str, int], tuple[int, ...]]
) -> None:
    ratio, sizes = design
    whole = listed(seed, ratio, sizes, 3)
    for slot in ((code, seq) for code in whole.design.strata for seq in (1, 2, 3)):
        salt, index, path = whole.salt(*slot), whole.design.index(*slot), whole.path(*slot)
        proved = [
            arm
            for arm in whole.design.arm_codes
            if proves(
                rules.leaf(*slot, arm, salt, whole.design.arm_codes),
                index,
                len(whole.leaves),
                path,
                whole.root,
            )
        ]
        assert proved == [whole.arm(*slot)]

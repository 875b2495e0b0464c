"""The randomization list: a pure function of a seed, block sizes and the public design.

`docs/randomization.md` specifies it byte by byte. Whatever changes an arm, a
salt or a leaf there needs another `ALGORITHM`, because published roots stay.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import chain, count, islice, product

from services.api.protocol.schema import Factor, Level, Randomization
from services.api.randomization import merkle
from services.api.randomization.generator import LARGEST, SECRET_BYTES, Choices, kdf

ALGORITHM = "permuted-blocks-sp800-108-v1"
BLOCK_BITS = 8192
"""What one block may take of the generator; the largest needs a third of it on average."""


class UnknownLevelError(LookupError):
    """A stratification factor has no value, or one that is not among its levels."""


class NoSuchSlotError(LookupError):
    """The stratum's list has no slot of that number."""


class BlockSizesError(ValueError):
    """The block sizes do not fit the arms."""


# --- strata ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Stratum:
    """One combination of factor levels; `levels` maps factor id to value."""

    code: str
    levels: Mapping[str, bool | str] = field(hash=False)


def strata(section: Randomization) -> tuple[Stratum, ...]:
    """Every stratum, the last factor varying fastest, in the document's order."""
    choices = product(*(factor.levels for factor in section.factors))
    return tuple(_stratum(section.factors, levels) for levels in choices)


def stratum_of(values: Mapping[str, bool | str], section: Randomization) -> Stratum:
    """The stratum of a subject with these factor values; other keys are ignored.

    Raises:
        UnknownLevelError: names the factor, never the value.
    """
    levels = [level_of(factor, values.get(factor.id)) for factor in section.factors]
    return _stratum(section.factors, levels)


def level_of(factor: Factor, value: bool | str | None) -> Level:
    """The factor's level with this value.

    Raises:
        UnknownLevelError: names the factor, never the value.
    """
    level = factor.level(value)
    if level is None:
        raise UnknownLevelError(f"{factor.id} has none of its levels")
    return level


def _stratum(factors: Sequence[Factor], levels: Sequence[Level]) -> Stratum:
    return Stratum(
        code="-".join(level.code for level in levels),
        levels={factor.id: level.value for factor, level in zip(factors, levels, strict=True)},
    )


# --- the design -----------------------------------------------------------------------


@dataclass(frozen=True)
class Design:
    """The public part of what makes the list: arms with their shares, strata, slots in each."""

    arms: tuple[tuple[str, int], ...]
    strata: tuple[str, ...]
    slots_per_stratum: int

    @classmethod
    def of(cls, section: Randomization) -> "Design":
        """The design of a protocol."""
        return cls(
            arms=tuple(sorted(section.ratio.items())),  # a mapping has no order to rely on
            strata=tuple(stratum.code for stratum in strata(section)),
            slots_per_stratum=section.slots_per_stratum,
        )

    @property
    def arm_codes(self) -> tuple[str, ...]:
        """The arms in order; a leaf names an arm by its place here."""
        return tuple(code for code, _ in self.arms)

    @property
    def unit(self) -> list[str]:
        """The smallest block: each arm as often as its share says."""
        return [code for code, share in self.arms for _ in range(share)]

    def document(self) -> dict[str, object]:
        """The design as it is published."""
        return {
            "arms": [{"code": code, "share": share} for code, share in self.arms],
            "slots_per_stratum": self.slots_per_stratum,
            "strata": list(self.strata),
        }

    def digest(self) -> str:
        """SHA-256, hexadecimal, of the published design as canonical JSON (RFC 8785)."""
        # Names and codes are ASCII and the numbers integers, so this is canonical.
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()

    def index(self, stratum_code: str, seq: int) -> int:
        """The place, from 0, of a slot's leaf among all leaves; `seq` counts from 1.

        Raises:
            NoSuchSlotError: there is no such slot.
        """
        if stratum_code not in self.strata or not 1 <= seq <= self.slots_per_stratum:
            raise NoSuchSlotError(f"{stratum_code} {seq} is not a slot of this design")
        return self.strata.index(stratum_code) * self.slots_per_stratum + seq - 1

    def check_block_sizes(self, sizes: Sequence[int]) -> None:
        """Refuse block sizes that no block of these arms can have.

        Raises:
            BlockSizesError: the message does not show the sizes.
        """
        total = len(self.unit)
        if not sizes or len(sizes) >= LARGEST:
            raise BlockSizesError(f"give from 1 to {LARGEST - 1} block sizes")
        if any(size % total or not total <= size <= LARGEST for size in sizes):
            raise BlockSizesError(
                f"a block size must be a multiple of {total}, the sum of the arms' shares,"
                f" and at most {LARGEST}"
            )


# --- the list ---------------------------------------------------------------------------


@dataclass(frozen=True)
class AllocationList:
    """The arm, salt and leaf of every slot.

    Raises:
        BlockSizesError: the block sizes do not fit the design.
        ValueError: the seed is not 32 bytes long.
    """

    design: Design
    seed: bytes = field(repr=False)
    block_sizes: tuple[int, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SECRET_BYTES:
            raise ValueError(f"the seed must be {SECRET_BYTES} bytes, not {len(self.seed)}")
        self.design.check_block_sizes(self.block_sizes)

    def arm(self, stratum_code: str, seq: int) -> str:
        """The arm of one slot; `seq` counts from 1.

        Raises:
            NoSuchSlotError: there is no such slot.
        """
        self.design.index(stratum_code, seq)
        return self.arms[stratum_code][seq - 1]

    @cached_property
    def arms(self) -> dict[str, tuple[str, ...]]:
        """Each stratum's arms in order; the last block may be cut short."""
        slots = self.design.slots_per_stratum
        return {
            code: tuple(islice(chain.from_iterable(self.blocks(code)), slots))
            for code in self.design.strata
        }

    def blocks(self, stratum_code: str) -> Iterator[list[str]]:
        """The stratum's permuted blocks, each holding the arms in their ratio, without end."""
        unit = self.design.unit
        for number in count():
            context = _context(stratum_code, number)
            choices = Choices(kdf(self.seed, b"block", context, BLOCK_BITS))
            size = self.block_sizes[choices.below(len(self.block_sizes))]
            repeats = size // len(unit)
            yield choices.shuffled(
                [code for code, share in self.design.arms for _ in range(share * repeats)]
            )

    def salt(self, stratum_code: str, seq: int) -> bytes:
        """The 32 secret bytes that hide a slot's arm in its leaf until they are shown."""
        return bytes(kdf(self.seed, b"salt", _context(stratum_code, seq), 8 * SECRET_BYTES))

    def leaf(self, stratum_code: str, seq: int) -> bytes:
        """The slot's leaf hash.

        Raises:
            NoSuchSlotError: there is no such slot.
        """
        return self.leaves[self.design.index(stratum_code, seq)]

    @cached_property
    def leaves(self) -> tuple[bytes, ...]:
        """The leaf hash of every slot: the strata in order, in each the slots from 1."""
        codes = self.design.arm_codes
        return tuple(
            leaf(code, seq, arm, self.salt(code, seq), codes)
            for code, arms in self.arms.items()
            for seq, arm in enumerate(arms, start=1)
        )

    @cached_property
    def _tree(self) -> list[list[bytes]]:
        return merkle.levels(self.leaves)

    @property
    def root(self) -> bytes:
        """The Merkle root that commits to the whole list."""
        return self._tree[-1][0]

    def path(self, stratum_code: str, seq: int) -> tuple[bytes, ...]:
        """The sibling hashes from the slot's leaf up to the root.

        Raises:
            NoSuchSlotError: there is no such slot.
        """
        return merkle.audit_path(self._tree, self.design.index(stratum_code, seq))


def _context(stratum_code: str, number: int) -> bytes:
    return stratum_code.encode() + b"\x00" + struct.pack(">I", number)


def leaf(stratum_code: str, seq: int, arm: str, salt: bytes, arm_codes: Sequence[str]) -> bytes:
    """The slot's leaf hash (RFC 6962), which may be stored and shown before the arm is.

    What it covers has one length whatever the arm. The whole list of arms
    stands beside the arm's place in it, so that a later change of the arms'
    order cannot change what an old leaf means.

    Raises:
        ValueError: the arm is not among the codes, or the salt not 32 bytes long.
    """
    if len(salt) != SECRET_BYTES:
        raise ValueError(f"the salt must be {SECRET_BYTES} bytes")
    place = bytes([list(arm_codes).index(arm)])
    slot = _sized(stratum_code) + struct.pack(">I", seq)
    return merkle.leaf_hash(slot + _sized(",".join(arm_codes)) + place + salt)


def _sized(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded

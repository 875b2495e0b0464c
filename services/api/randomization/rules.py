"""The randomization list: a pure function of a secret seed and the protocol.

`docs/randomization.md` specifies it byte by byte. Whatever changes an arm, a
salt or a leaf there needs another `ALGORITHM`, because published roots stay.
"""

import hmac
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, count, islice, product

from services.api.protocol.schema import Factor, Level, Randomization
from services.api.randomization import merkle

ALGORITHM = "hmac-sha256-permuted-blocks-v1"
SEED_BYTES = 32
SALT_BYTES = 32
_WORDS = 2**32  # how many values one word of the generator has


class UnknownLevelError(LookupError):
    """A stratification factor has no value, or one that is not among its levels."""


class NoSuchSlotError(LookupError):
    """The stratum's list has no slot of that number."""


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
    levels = [_level(factor, values.get(factor.id)) for factor in section.factors]
    return _stratum(section.factors, levels)


def _level(factor: Factor, value: bool | str | None) -> Level:
    for level in factor.levels:
        if type(level.value) is type(value) and level.value == value:
            return level
    raise UnknownLevelError(f"{factor.id} has none of its levels")


def _stratum(factors: Sequence[Factor], levels: Sequence[Level]) -> Stratum:
    return Stratum(
        code="-".join(level.code for level in levels),
        levels={factor.id: level.value for factor, level in zip(factors, levels, strict=True)},
    )


# --- keys and numbers from the seed -----------------------------------------------------


def check_seed(seed: bytes) -> None:
    """Refuse a seed that is not exactly 32 bytes long.

    Raises:
        ValueError: the length differs; the message does not show the seed.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"the seed must be {SEED_BYTES} bytes, not {len(seed)}")


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """The first 32 bytes of HKDF-SHA-256 (RFC 5869)."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def keystream(key: bytes) -> Iterator[int]:
    """Endless 32-bit words of HMAC-SHA-256 in counter mode."""
    for counter in count():
        yield from struct.unpack(">8I", hmac.digest(key, struct.pack(">Q", counter), "sha256"))


class Generator:
    """Uniform choices from a stream of 32-bit words."""

    def __init__(self, words: Iterator[int]) -> None:
        self._words = words

    def below(self, n: int) -> int:
        """A uniform integer from 0 to n - 1.

        A word in the incomplete last multiple of n is dropped: keeping it would
        favour the small numbers.

        Raises:
            ValueError: n is not from 1 to 2**32.
        """
        if not 1 <= n <= _WORDS:
            raise ValueError("n must be from 1 to 2**32")
        limit = _WORDS - _WORDS % n
        return next(word for word in self._words if word < limit) % n

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """A uniform permutation (Fisher-Yates, from the last place down)."""
        places = list(items)
        for last in range(len(places) - 1, 0, -1):
            chosen = self.below(last + 1)
            places[last], places[chosen] = places[chosen], places[last]
        return places


@lru_cache(maxsize=256)
def _key(seed: bytes, purpose: str, stratum_code: str) -> bytes:
    check_seed(seed)
    return hkdf(seed, ALGORITHM.encode(), f"{purpose}\x00{stratum_code}".encode())


# --- the list ---------------------------------------------------------------------------


def arm_codes(section: Randomization) -> tuple[str, ...]:
    """The arms in the order of the document's ratio; a leaf names an arm by its place here."""
    return tuple(section.ratio)


def blocks(
    generator: Generator, ratio: Mapping[str, int], block_sizes: Sequence[int]
) -> Iterator[list[str]]:
    """Endless permuted blocks of random size, each holding the arms in the ratio."""
    unit = [arm for arm, share in ratio.items() for _ in range(share)]
    while True:
        size = block_sizes[generator.below(len(block_sizes))]
        repeats = size // len(unit)
        yield generator.shuffled([arm for arm in unit for _ in range(repeats)])


def arms(seed: bytes, section: Randomization, stratum: Stratum) -> tuple[str, ...]:
    """The arms of the stratum's slots in order, `slots_per_stratum` of them.

    The last block may be cut short. A longer list begins with the shorter one.

    Raises:
        ValueError: the seed is not 32 bytes long.
    """
    ratio = tuple(section.ratio.items())
    return _arms(seed, ratio, section.block_sizes, section.slots_per_stratum, stratum.code)


# The ratio is cached as ordered pairs: equal dicts of another order give another list.
@lru_cache(maxsize=256)
def _arms(
    seed: bytes,
    ratio: tuple[tuple[str, int], ...],
    block_sizes: tuple[int, ...],
    slots: int,
    stratum_code: str,
) -> tuple[str, ...]:
    generator = Generator(keystream(_key(seed, "arms", stratum_code)))
    endless = chain.from_iterable(blocks(generator, dict(ratio), block_sizes))
    return tuple(islice(endless, slots))


def arm_at(seed: bytes, section: Randomization, stratum: Stratum, seq: int) -> str:
    """The arm of one slot; `seq` counts from 1.

    Raises:
        NoSuchSlotError: the stratum's list has no such slot.
        ValueError: the seed is not 32 bytes long.
    """
    check_slot(section, seq)
    return arms(seed, section, stratum)[seq - 1]


def check_slot(section: Randomization, seq: int) -> None:
    """Refuse a slot number outside a stratum's list.

    Raises:
        NoSuchSlotError: seq is not from 1 to `slots_per_stratum`.
    """
    if not 1 <= seq <= section.slots_per_stratum:
        raise NoSuchSlotError(f"slots are numbered from 1 to {section.slots_per_stratum}")


# --- the commitment ---------------------------------------------------------------------


def salt(seed: bytes, stratum_code: str, seq: int) -> bytes:
    """The 32 secret bytes that hide a slot's arm in its leaf until they are shown."""
    return hmac.digest(_key(seed, "salts", stratum_code), struct.pack(">Q", seq), "sha256")


def leaf_data(
    stratum_code: str, seq: int, arm: str, salt: bytes, arm_codes: Sequence[str]
) -> bytes:
    """What a slot's leaf commits to, of one length whatever the arm.

    The whole list of arms stands beside the arm's place in it, so that a later
    change of the arms' order cannot change what an old leaf means.

    Raises:
        ValueError: the arm is not among the codes, or the salt not 32 bytes long.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt must be {SALT_BYTES} bytes")
    place = bytes([list(arm_codes).index(arm)])
    slot = _sized(stratum_code) + struct.pack(">I", seq)
    return slot + _sized(",".join(arm_codes)) + place + salt


def leaf(stratum_code: str, seq: int, arm: str, salt: bytes, arm_codes: Sequence[str]) -> bytes:
    """The slot's leaf hash (RFC 6962), which may be stored and shown before the arm is.

    Raises:
        ValueError: the arm is not among the codes, or the salt not 32 bytes long.
    """
    return merkle.leaf_hash(leaf_data(stratum_code, seq, arm, salt, arm_codes))


def leaves(seed: bytes, section: Randomization) -> list[bytes]:
    """The leaf hash of every slot: the strata in order, in each the slots from 1."""
    codes = arm_codes(section)
    return [
        leaf(stratum.code, seq, arm, salt(seed, stratum.code, seq), codes)
        for stratum in strata(section)
        for seq, arm in enumerate(arms(seed, section, stratum), start=1)
    ]


def leaf_index(section: Randomization, stratum: Stratum, seq: int) -> int:
    """The place, from 0, of a slot's leaf among all leaves.

    Raises:
        NoSuchSlotError: the stratum's list has no such slot.
        ValueError: the document has no such stratum.
    """
    check_slot(section, seq)
    return strata(section).index(stratum) * section.slots_per_stratum + seq - 1


def root(seed: bytes, section: Randomization) -> bytes:
    """The Merkle root that commits to the whole list."""
    return merkle.tree_head(leaves(seed, section))


def _sized(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded

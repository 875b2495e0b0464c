"""Bytes and uniform choices from a secret, by published algorithms alone.

`docs/randomization.md` names the section of each. Nothing here may change what
it gives: published lists rest on it.
"""

import hmac
import struct
from collections.abc import Iterator, Sequence
from itertools import islice

SECRET_BYTES = 32
LARGEST = 256
"""The largest n of `below`: a choice takes one byte at a time."""


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """The first 32 bytes of HKDF-SHA-256 (RFC 5869, sections 2.2 and 2.3)."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def kdf(key: bytes, label: bytes, context: bytes, bits: int) -> Iterator[int]:
    """`bits` / 8 bytes from a key, one by one, each chunk made when it is reached.

    Source: NIST SP 800-108r1, section 4.1, with HMAC-SHA-256 and 32-bit counters.
    """
    fixed = label + b"\x00" + context + struct.pack(">I", bits)
    chunks = (
        hmac.digest(key, struct.pack(">I", counter) + fixed, "sha256")
        for counter in range(1, -(-bits // 256) + 1)
    )
    return islice((byte for chunk in chunks for byte in chunk), bits // 8)


class Choices:
    """Uniform choices from a stream of bytes."""

    def __init__(self, stream: Iterator[int]) -> None:
        self._stream = stream

    def below(self, n: int) -> int:
        """A uniform integer from 0 to n - 1, by the simple discard method.

        Source: NIST SP 800-90A Rev. 1, appendix A.5.1.

        Raises:
            ValueError: n is not from 1 to 256.
        """
        if not 1 <= n <= LARGEST:
            raise ValueError(f"n must be from 1 to {LARGEST}")
        if n == 1:
            return 0
        lowest = (1 << (n - 1).bit_length()) - 1
        return next(kept for byte in self._stream if (kept := byte & lowest) < n)

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """A uniform permutation (Fisher-Yates, from the last place down)."""
        places = list(items)
        for last in range(len(places) - 1, 0, -1):
            chosen = self.below(last + 1)
            places[last], places[chosen] = places[chosen], places[last]
        return places

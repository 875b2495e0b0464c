"""Merkle trees as in RFC 6962, section 2.1, over leaf hashes.

The functions take hashes of leaves, not the leaves' data: a holder of the
hashes alone can prove a leaf without knowing what the others say.
"""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf; its prefix keeps a leaf from passing as an inner node."""
    return sha256(b"\x00" + data).digest()


def levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from the leaf hashes, in order, up to the root, level by level."""
    made = [list(hashes)]
    while len(made[-1]) > 1:
        made.append(_parents(made[-1]))
    return made


def tree_head(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order; SHA-256 of nothing when there are none."""
    *_, top = levels(hashes)
    return top[0] if top else sha256().digest()


def audit_path(tree: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """The sibling hashes from leaf `index` (from 0) up to the root of `levels`.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(tree[0]):
        raise IndexError("no such leaf")
    path = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return tuple(path)


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node; its prefix keeps it from passing as a leaf."""
    return sha256(b"\x01" + left + right).digest()


def _parents(level: list[bytes]) -> list[bytes]:
    # A last node without a neighbour rises unchanged. That gives RFC 6962's
    # tree, which splits at the largest power of two below the leaves' number.
    pairs = [parent(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]

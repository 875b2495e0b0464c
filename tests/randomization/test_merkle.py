"""Merkle trees of RFC 6962: known answers, and the standard's own recursive definition."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.randomization.merkle import audit_path, leaf_hash, levels, tree_head
from tests.allocation_list import proves

# The leaves and heads of the test suite of the Certificate Transparency log server.
KNOWN_LEAVES = [
    leaf_hash(bytes.fromhex(data))
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_HEADS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def split(size: int) -> int:
    """The largest power of two below a size."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def head_by_definition(nodes: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, over leaf hashes."""
    if len(nodes) == 1:
        return nodes[0]
    k = split(len(nodes))
    inner = head_by_definition(nodes[:k]) + head_by_definition(nodes[k:])
    return sha256(b"\x01" + inner).digest()


def path_by_definition(m: int, nodes: Sequence[bytes]) -> tuple[bytes, ...]:
    """RFC 6962, section 2.1.1."""
    if len(nodes) == 1:
        return ()
    k = split(len(nodes))
    if m < k:
        return (*path_by_definition(m, nodes[:k]), head_by_definition(nodes[k:]))
    return (*path_by_definition(m - k, nodes[k:]), head_by_definition(nodes[:k]))


@pytest.mark.parametrize("size", range(9))
def test_heads_of_the_known_leaves(size: int) -> None:
    assert tree_head(KNOWN_LEAVES[:size]).hex() == KNOWN_HEADS[size]


def test_audit_path_of_the_first_of_eight_known_leaves() -> None:
    assert [node.hex() for node in audit_path(levels(KNOWN_LEAVES), 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@given(hashes)
def test_the_head_is_the_recursive_definition(nodes: list[bytes]) -> None:
    assert tree_head(nodes) == head_by_definition(nodes)


@given(hashes)
def test_every_path_is_the_recursive_definition_and_proves_its_leaf(nodes: list[bytes]) -> None:
    head = tree_head(nodes)
    for index, node in enumerate(nodes):
        path = audit_path(levels(nodes), index)
        assert path == path_by_definition(index, nodes)
        assert proves(node, index, len(nodes), path, head)


@given(hashes, st.data())
def test_one_changed_bit_of_leaf_path_or_head_proves_nothing(
    nodes: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(nodes) - 1))
    parts = [nodes[index], *audit_path(levels(nodes), index), tree_head(nodes)]
    changed = data.draw(st.integers(0, len(parts) - 1))
    bit = 1 << data.draw(st.integers(0, 255))
    parts[changed] = (int.from_bytes(parts[changed], "big") ^ bit).to_bytes(32, "big")
    leaf, *path, head = parts
    assert not proves(leaf, index, len(nodes), path, head)


def test_a_path_proves_its_leaf_at_no_other_index() -> None:
    path, head = audit_path(levels(KNOWN_LEAVES), 5), tree_head(KNOWN_LEAVES)
    proved = [index for index in range(-8, 16) if proves(KNOWN_LEAVES[5], index, 8, path, head)]
    assert proved == [5]


def test_a_path_too_short_or_too_long_proves_nothing() -> None:
    path, head = audit_path(levels(KNOWN_LEAVES), 5), tree_head(KNOWN_LEAVES)
    assert not proves(KNOWN_LEAVES[5], 5, 8, path[:-1], head)
    assert not proves(KNOWN_LEAVES[5], 5, 8, (*path, head), head)


def test_an_inner_node_does_not_pass_as_a_leaf() -> None:
    left, right = KNOWN_LEAVES[:2]
    assert leaf_hash(left + right) != tree_head([left, right])


@pytest.mark.parametrize("index", [-1, 8])
def test_a_leaf_that_is_not_there_has_no_path(index: int) -> None:
    with pytest.raises(IndexError):
        audit_path(levels(KNOWN_LEAVES), index)

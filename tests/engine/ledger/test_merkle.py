"""Merkle trees and proofs against a direct transcription of the RFC's recursive definitions."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([number % 256, number // 256])) for number in range(300)]


def split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def test_the_hashes_of_rfc_6962() -> None:
    """The empty tree and the empty leaf, as published with the certificate-transparency test data."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    root = root_of(leaf_hash(bytes.fromhex(one)) for one in data)
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(0, 300))
def test_the_frontier_gives_the_recursive_root(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.root() == naive_root(LEAVES[:size]) == root_of(LEAVES[:size])
    again = Frontier(frontier.size, frontier.hashes)
    assert (again.root(), again.size) == (frontier.root(), size)


@given(st.integers(0, 200), st.integers(0, 100))
def test_a_restored_frontier_grows_like_the_old_one(size: int, more: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    restored = Frontier(frontier.size, frontier.hashes)
    for leaf in LEAVES[size : size + more]:
        restored.append(leaf)
    assert restored.root() == naive_root(LEAVES[: size + more])


@pytest.mark.parametrize(("size", "hashes"), [(1, []), (0, [bytes(32)]), (-1, [bytes(32)]), (1, [bytes(31)])])
def test_an_impossible_frontier_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="does not have these hashes"):
        Frontier(size, hashes)


@given(st.data())
def test_inclusion_proofs(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 150))
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    proof = inclusion_proof(leaves, index)
    root = naive_root(leaves)
    assert list(proof) == naive_path(index, leaves)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda number: number != index))
    assert not verify_inclusion(leaves[index], other, size, proof, root)
    assert not verify_inclusion(LEAVES[299], index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, [*proof, bytes(32)], root)
    assert not verify_inclusion(leaves[index], index, size, proof, node_hash(root, root))
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)


@given(st.data())
def test_consistency_proofs(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, 150))
    old = data.draw(st.integers(0, new))
    leaves = LEAVES[:new]
    proof = consistency_proof(leaves, old)
    assert list(proof) == (naive_proof(old, leaves) if old else [])


def test_proofs_of_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="no leaf 3 in a tree of 3"):
        inclusion_proof(LEAVES[:3], 3)
    with pytest.raises(ValueError, match="no prefix of 4"):
        consistency_proof(LEAVES[:3], 4)

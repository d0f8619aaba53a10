"""Merkle trees: the roots of RFC 9162 for every size, and proofs that hold for their leaf and no other."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from common.merkle import audit_paths, leaf_hash, root_by_path, tree_root
from common.signing import Signer, is_signed


def by_the_book(hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word: split at the largest power of two below the size."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + by_the_book(hashes[:k]) + by_the_book(hashes[k:])).digest()


def leaves(size: int) -> list[bytes]:
    """The hashes of so many different leaves."""
    return [leaf_hash(bytes([number])) for number in range(size)]


@pytest.mark.parametrize("size", range(66))
def test_roots_are_those_of_the_book_and_every_leaf_has_a_proof(size: int) -> None:
    hashes = leaves(size)
    root = tree_root(hashes)
    assert root == by_the_book(hashes)
    for index, leaf in enumerate(hashes):
        path = audit_paths(hashes)[index]
        assert root_by_path(leaf, index, size, path) == root


@given(st.integers(1, 65), st.data())
def test_a_proof_holds_for_its_leaf_place_and_size_only(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    root, index = tree_root(hashes), data.draw(st.integers(0, size - 1))
    path = audit_paths(hashes)[index]
    other = data.draw(st.integers(0, 65).filter(lambda number: number != index))
    assert root_by_path(leaf_hash(bytes([other])), index, size, path) != root
    if size > 1:
        assert root_by_path(hashes[index], other % size, size, path) != root or other % size == index
        broken = data.draw(st.integers(0, len(path) - 1))
        assert root_by_path(hashes[index], index, size, [*path[:broken], *path[broken + 1 :]]) != root
    assert root_by_path(hashes[index], index, size, [*path, bytes(32)]) is None
    assert root_by_path(hashes[index], size, size, path) is None


@given(st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=20), st.data())
def test_another_list_has_another_root(items: list[bytes], data: st.DataObject) -> None:
    hashes = [leaf_hash(item) for item in items]
    index = data.draw(st.integers(0, len(items) - 1))
    changed = [*hashes[:index], leaf_hash(items[index] + b"!"), *hashes[index + 1 :]]
    assert tree_root(changed) != tree_root(hashes) != tree_root(hashes[:-1])
    assert tree_root([*hashes, hashes[-1]]) != tree_root(hashes)


def test_a_leaf_is_no_node() -> None:
    left, right = leaves(2)
    assert leaf_hash(left + right) != tree_root([left, right])


def test_a_signature_holds_for_its_key_and_text_only() -> None:
    """RFC 8032, 7.1, test 2."""
    signer = Signer.of(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert signer.public_key == public and signer.sign(b"\x72") == signature
    assert is_signed(public, signature, b"\x72") and not is_signed(public, signature, b"\x73")
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not is_signed(other, signature, b"\x72") and not is_signed(b"short", signature, b"\x72")

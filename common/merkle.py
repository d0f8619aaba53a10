"""Merkle trees as in Certificate Transparency (RFC 9162, section 2.1): SHA-256, leaves and nodes kept apart."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def tree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of the leaves in their order; over none, the hash of nothing."""
    level = list(hashes)
    if not level:
        return sha256().digest()
    while len(level) > 1:
        above = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        # The one without a neighbour goes up as it is: the same tree as splitting at a power of two.
        level = above + level[2 * len(above) :]
    return level[0]


def audit_paths(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """For each leaf the neighbours on the way to the root, nearest first."""
    paths: list[list[bytes]] = [[] for _ in hashes]
    level, height = list(hashes), 0
    while len(level) > 1:
        for index, path in enumerate(paths):
            neighbour = (index >> height) ^ 1
            if neighbour < len(level):
                path.append(level[neighbour])
        above = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level, height = above + level[2 * len(above) :], height + 1
    return paths


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to (RFC 9162, section 2.1.3.2); nothing when the path has another length."""
    node, last, rest = leaf, size - 1, list(path)
    if not 0 <= index < size:
        return None
    while last:
        if index & 1 or index < last:
            if not rest:
                return None
            neighbour = rest.pop(0)
            node = _node(neighbour, node) if index & 1 else _node(node, neighbour)
        index, last = index >> 1, last >> 1
    return None if rest else node

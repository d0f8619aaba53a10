"""A proof that a record of a book is under a published root."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.database import fetch_one
from common.errors import Refused
from common.merkle import audit_paths, leaf_hash
from models.seals import HEADER, LEAF, Book, Record, Seal, seal_of

SEALED_WITHIN = timedelta(minutes=1)


class NotYetSealed(Refused):
    """The record is too new for a proof."""

    code = "not_yet_sealed"
    zh = "这笔记录还没有封存，一般在一分钟之内。请在 {sealed_by} 以后再来取证明。"
    en = (
        "This record is not sealed yet; it takes a minute at most. Ask for the proof again after {sealed_by}."
    )
    shown = ("sealed_by",)


@dataclass(frozen=True, slots=True)
class Proof:
    """The line of a record, where its leaf is in the seal's tree, and the way from there to the root."""

    record: str
    leaf_index: int
    path: Sequence[bytes]
    seal: Seal


async def prove(book: Book, record: Record, now: datetime) -> Proof:
    """The proof of one record as it is now; of one that was edited afterwards that of what it was, which does not fit.

    Raises:
        NotYetSealed: it is too new.
    """
    proof = await Prover(book).proof_of(record)
    if proof is None:
        raise NotYetSealed(sealed_by=now + SEALED_WITHIN)
    return proof


class Prover:
    """Proofs of many records: the tree of the seal that was asked for last is kept."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._seal: Seal | None = None
        # By the record's id: the place of its leaf, and the way up from there.
        self._places: dict[bytes, int] = {}
        self._paths: Sequence[Sequence[bytes]] = ()

    async def proof_of(self, record: Record) -> Proof | None:
        """The proof; none as long as no seal covers the record."""
        if self._seal is None or not self._seal.first_entry <= record.entry <= self._seal.last_entry:
            await self._open(record.entry)
        place = self._places.get(record.id.bytes)
        if self._seal is None or place is None:
            return None
        return Proof(record.line, place, self._paths[place], self._seal)

    async def _open(self, entry: int) -> None:
        row = await fetch_one(
            f"SELECT {HEADER}, leaves FROM {self._book.seals} WHERE last_entry >= $1 ORDER BY last_entry LIMIT 1",
            entry,
        )
        joined: bytes = row["leaves"] if row else b""
        leaves = [joined[start : start + LEAF.size] for start in range(0, len(joined), LEAF.size)]
        self._seal = seal_of(self._book, row) if row else None
        self._places = {leaf[9:25]: place for place, leaf in enumerate(leaves)}
        self._paths = audit_paths([leaf_hash(leaf) for leaf in leaves])

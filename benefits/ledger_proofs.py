"""A proof that a redemption is under a published root: for the citizen whose it is, and for the member's staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from benefits.ledger import COLUMNS, LEAF, REVERSAL_COLUMNS, Record, record_of
from benefits.redemption_log import line_of
from benefits.seals import HEADER, Seal, seal_of
from common.actors import StaffActor
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound, Refused
from common.merkle import audit_path, leaf_hash

SEALED_WITHIN = timedelta(minutes=1)

READ = f"""
SELECT {COLUMNS} FROM redemptions WHERE id = $1
UNION ALL
SELECT {REVERSAL_COLUMNS} FROM reversals WHERE redemption_id = $1
ORDER BY entry
"""


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


async def proofs_for_citizen(citizen_id: UUID, redemption_id: UUID, now: datetime) -> Sequence[Proof]:
    """The proof of a redemption, and that of its reversal when there is one.

    Raises:
        NotFound: no redemption of this citizen's.
        NotYetSealed: one of the two is too new.
    """
    rows = await fetch_all(READ, redemption_id)
    if not rows or rows[0]["citizen_id"] != citizen_id:
        raise NotFound
    return [await _proof(row, now) for row in rows]


async def proofs_for_staff(actor: StaffActor, redemption_id: UUID, now: datetime) -> Sequence[Proof]:
    """The same for whoever of the member's staff may see the redemption.

    Raises:
        NotFound: there is none, or it is none of the actor's business.
        NotYetSealed: the redemption or its reversal is too new.
    """
    await line_of(actor, redemption_id)
    return [await _proof(row, now) for row in await fetch_all(READ, redemption_id)]


async def _proof(row: Row, now: datetime) -> Proof:
    record = record_of(row)
    found = await fetch_one(
        f"SELECT {HEADER}, leaves FROM seals WHERE last_entry >= $1 ORDER BY last_entry LIMIT 1",
        record.entry,
    )
    leaves = _leaves(found["leaves"]) if found else []
    index = _place_of(record, leaves)
    if found is None or index is None:
        raise NotYetSealed(sealed_by=now + SEALED_WITHIN)
    return Proof(record.line, index, audit_path([leaf_hash(leaf) for leaf in leaves], index), seal_of(found))


def _leaves(joined: bytes) -> list[bytes]:
    return [joined[start : start + LEAF.size] for start in range(0, len(joined), LEAF.size)]


def _place_of(record: Record, leaves: Sequence[bytes]) -> int | None:
    # By its id: a record that was edited afterwards gets the proof of what it was, which does not fit its line.
    wanted = record.id.bytes
    return next((place for place, leaf in enumerate(leaves) if leaf[9:25] == wanted), None)

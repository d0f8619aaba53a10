"""A proof that a redemption is under a published root: for the citizen whose it is, and for the member's staff."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from benefits.ledger import COLUMNS, LEDGER, REVERSAL_COLUMNS, record_of
from benefits.redemption_log import line_of
from common.actors import StaffActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from models.seal_proofs import Proof, prove

READ = f"""
SELECT {COLUMNS} FROM redemptions WHERE id = $1
UNION ALL
SELECT {REVERSAL_COLUMNS} FROM reversals WHERE redemption_id = $1
ORDER BY entry
"""


async def proofs_for_citizen(citizen_id: UUID, redemption_id: UUID, now: datetime) -> Sequence[Proof]:
    """The proof of a redemption, and that of its reversal when there is one.

    Raises:
        NotFound: no redemption of this citizen's.
        NotYetSealed: one of the two is too new.
    """
    rows = await fetch_all(READ, redemption_id)
    # By the coupon: the record keeps the id of then, also when that account was joined to another of his.
    if not rows or not await fetch_one(
        "SELECT 1 FROM coupons WHERE id = $1 AND citizen_id = $2", rows[0]["coupon_id"], citizen_id
    ):
        raise NotFound
    return [await prove(LEDGER, record_of(row), now) for row in rows]


async def proofs_for_staff(actor: StaffActor, redemption_id: UUID, now: datetime) -> Sequence[Proof]:
    """The same for whoever of the member's staff may see the redemption.

    Raises:
        NotFound: there is none, or it is none of the actor's business.
        NotYetSealed: the redemption or its reversal is too new.
    """
    await line_of(actor, redemption_id)
    return [await prove(LEDGER, record_of(row), now) for row in await fetch_all(READ, redemption_id)]

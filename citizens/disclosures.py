"""What a member's staff are shown of a citizen: his masked name, under a consent that names the member (PIPL 23, rule 6)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from citizens.accounts import NAME
from common.crypto import PersonalDataKeys
from common.database import Row, fetch_all, fetch_one
from common.ids import AFTER_ALL, new_id
from common.masking import masked_name

# The line is written with the look: without a consent in force at this moment, and without a line, nobody sees anything.
SHOW = """
WITH allowed AS (
    SELECT c.id FROM consents c
     WHERE c.citizen_id = $2 AND c.purpose = 'member_sharing' AND c.recipient_member_id = $3 AND c.withdrawn_at IS NULL
       FOR SHARE
), line AS (
    INSERT INTO disclosures (id, citizen_id, consent_id, member_id, store_id, offer_id, what, shown_at)
    SELECT $1, p.citizen_id, allowed.id, $3, $4, $5, 'masked_name', $6
      FROM allowed JOIN natural_persons p ON p.citizen_id = $2
    RETURNING citizen_id
)
SELECT p.name_encrypted FROM line JOIN natural_persons p ON p.citizen_id = line.citizen_id
"""


async def show_holder(
    citizen_id: UUID, member_id: UUID, place: tuple[UUID, UUID], keys: PersonalDataKeys, now: datetime
) -> str | None:
    """The holder's masked name (`*大友`) for a member's staff, with a line for the citizen to read.

    Args:
        place: the ids of the store and of the offer.

    Returns:
        nothing when he has not agreed, or no longer, that this member sees it, or when his name is not known.
    """
    row = await fetch_one(SHOW, new_id(), citizen_id, member_id, *place, now)
    return None if row is None else masked_name(keys.decrypt(row["name_encrypted"], NAME))


async def of_citizen(citizen_id: UUID, before: UUID | None, limit: int) -> Sequence[Row]:
    """What was shown of a citizen, when, at which store, newest first; `before` is the last id of the page before."""
    return await fetch_all(
        "SELECT d.id, d.shown_at, d.what, d.member_id, m.name AS member_name, d.store_id, s.name AS store_name,"
        " d.offer_id, d.consent_id FROM disclosures d LEFT JOIN members m ON m.id = d.member_id"
        " LEFT JOIN stores s ON s.id = d.store_id WHERE d.citizen_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3",
        *(citizen_id, before or AFTER_ALL, limit),
    )

"""手机号: the one mobile number that a channel has verified for a citizen, encrypted; nobody is found by it."""

from datetime import datetime
from uuid import UUID

from common.crypto import PersonalDataKeys
from common.database import execute, fetch_one
from common.masking import masked_phone
from models.citizen_enums import RealNameLevel
from models.enums import Channel

PHONE = "citizen_phones.phone"


async def keep(
    citizen_id: UUID, phone: str, channel: Channel, keys: PersonalDataKeys, now: datetime
) -> RealNameLevel:
    """Keep the number that a channel has just verified, in place of one that was verified before.

    Args:
        phone: a mainland number without its country's code.

    Returns:
        The level that the citizen has with it.
    """
    # Of two that come at once the later verified one stays, whichever is written first.
    row = await fetch_one(
        # The citizen is held: joined to another account a moment later, the number goes with him.
        "WITH citizen AS MATERIALIZED (SELECT id FROM citizens WHERE id = $1 FOR KEY SHARE),"
        " kept AS (INSERT INTO citizen_phones AS p (citizen_id, phone_encrypted, channel, verified_at)"
        "  SELECT id, $2, $3, $4 FROM citizen"
        "  ON CONFLICT (citizen_id) DO UPDATE SET phone_encrypted = $2, channel = $3, verified_at = $4"
        "  WHERE p.verified_at <= $4)"
        " SELECT EXISTS (SELECT FROM natural_persons WHERE citizen_id = $1) AS is_named",
        *(citizen_id, keys.encrypt(phone, PHONE), channel, now),
    )
    return RealNameLevel.REAL_NAME if row and row["is_named"] else RealNameLevel.PHONE


async def forget(citizen_id: UUID) -> None:
    """Delete the verified number; none is fine too. Signing in where it is verified brings it again."""
    await execute("DELETE FROM citizen_phones WHERE citizen_id = $1", citizen_id)


async def masked(citizen_id: UUID, keys: PersonalDataKeys) -> str | None:
    """What the citizen sees of his number (`137****9050`), if one was verified."""
    row = await fetch_one("SELECT phone_encrypted FROM citizen_phones WHERE citizen_id = $1", citizen_id)
    return masked_phone(keys.decrypt(row["phone_encrypted"], PHONE)) if row else None

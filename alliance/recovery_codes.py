"""Codes that stand in for a lost phone: ten at a time, shown once, each good for one sign-in."""

import secrets
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from common.crypto import PersonalDataKeys
from common.database import execute, fetch_one
from common.ids import new_id

HOW_MANY = 10
BYTES = 10
GROUP = 4
CONTEXT = "admin_recovery_codes.code"


async def renew(admin_id: UUID, keys: PersonalDataKeys, now: datetime) -> Sequence[str]:
    """Ten fresh codes in place of all earlier ones, inside the caller's transaction; they are shown once."""
    await forget(admin_id)
    codes = [b32encode(secrets.token_bytes(BYTES)).decode() for _ in range(HOW_MANY)]
    for code in codes:
        await execute(
            "INSERT INTO admin_recovery_codes (id, admin_id, code_hash, made_at) VALUES ($1, $2, $3, $4)",
            *(new_id(), admin_id, keys.keyed_hash(code, CONTEXT), now),
        )
    return ["-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP)) for code in codes]


async def forget(admin_id: UUID) -> None:
    """End all codes of an admin."""
    await execute("DELETE FROM admin_recovery_codes WHERE admin_id = $1", admin_id)


async def is_good(admin_id: UUID, code: str, keys: PersonalDataKeys) -> bool:
    """Whether a code would sign its admin in; nothing is burnt."""
    return bool(
        await fetch_one(
            "SELECT 1 FROM admin_recovery_codes c JOIN admins a ON a.id = c.admin_id"
            " WHERE c.code_hash = $2 AND c.admin_id = $1 AND c.used_at IS NULL AND a.status = 'active'",
            *(admin_id, _hash(code, keys)),
        )
    )


async def burn(admin_id: UUID, code: str, keys: PersonalDataKeys, now: datetime) -> bool:
    """Use a code; False when it is not good, or another sign-in was faster with it."""
    return bool(
        await execute(
            "UPDATE admin_recovery_codes SET used_at = greatest($3, made_at)"
            " WHERE code_hash = $2 AND admin_id = $1 AND used_at IS NULL",
            *(admin_id, _hash(code, keys), now),
        )
    )


async def how_many_left(admin_id: UUID) -> int:
    """How many codes an admin still has."""
    row = await fetch_one(
        "SELECT count(*) AS left FROM admin_recovery_codes WHERE admin_id = $1 AND used_at IS NULL", admin_id
    )
    return int(row["left"]) if row else 0


def _hash(code: str, keys: PersonalDataKeys) -> bytes:
    """However it was typed: in small letters, with or without its hyphens and blanks."""
    return keys.keyed_hash("".join(code.upper().replace("-", "").split()), CONTEXT)

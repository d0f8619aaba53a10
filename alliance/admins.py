"""联盟管理员: accounts of the alliance's offices, bounded by role and region."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp

from common.crypto import PersonalDataKeys
from common.database import execute, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import new_id
from models import audit_log
from models.enums import AdminRole

TOTP_CONTEXT = "admins.totp"
GRANTABLE = tuple(role for role in AdminRole if role is not AdminRole.SUPERVISOR)


class LoginTaken(Refused):
    """The login belongs to somebody."""

    code = "login_taken"
    zh = "这个登录名已被使用，请换一个。"
    en = "This login is taken; choose another."


@dataclass(frozen=True, slots=True)
class AdminAccount:
    """Who signs in, with what is needed to check him. `totp_secret` is empty in the sandbox only."""

    id: UUID
    password_hash: str
    totp_secret: str | None
    totp_last_step: int
    roles: tuple[str, ...]
    region: str


async def account_of(login: str, keys: PersonalDataKeys) -> AdminAccount | None:
    """The active account of a login."""
    row = await fetch_one("SELECT * FROM admins WHERE login = $1 AND status = 'active'", login)
    if row is None:
        return None
    sealed = row["totp_encrypted"]
    secret = keys.decrypt(sealed, TOTP_CONTEXT) if sealed else None
    return AdminAccount(
        row["id"], row["password_hash"], secret, row["totp_last_step"], tuple(row["roles"]), row["region_id"]
    )


async def use_totp_step(admin_id: UUID, step: int) -> bool:
    """Burn a one-time code's step; False when another sign-in was faster with the same code."""
    return bool(
        await execute(
            "UPDATE admins SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2", admin_id, step
        )
    )


async def create(
    login: str,
    password_hash: str,
    region: str,
    roles: tuple[AdminRole, ...],
    keys: PersonalDataKeys,
    now: datetime,
) -> str:
    """Make an admin with a fresh one-time-code secret.

    Returns:
        the secret (base32), which is shown once and kept encrypted.

    Raises:
        NotFound: no such region.
        LoginTaken: the login belongs to somebody.
    """
    if await fetch_one("SELECT 1 FROM regions WHERE code = $1", region) is None:
        raise NotFound
    secret = pyotp.random_base32()
    async with transaction():
        admin_id = new_id()
        row = await fetch_one(
            "INSERT INTO admins (id, login, password_hash, totp_encrypted, roles, region_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (login) DO NOTHING RETURNING id",
            *(admin_id, login, password_hash, keys.encrypt(secret, TOTP_CONTEXT), [*roles], region, now),
        )
        if row is None:
            raise LoginTaken
        await audit_log.record(
            audit_log.SYSTEM,
            "admin.create",
            ("admin", admin_id),
            now,
            region=region,
            after={"roles": roles, "region": region},
        )
    return secret

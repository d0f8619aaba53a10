"""联盟管理员: accounts of the alliance's offices, bounded by role and region."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp

from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import new_id
from models import audit_log
from models.enums import AdminRole

TOTP_CONTEXT = "admins.totp"
_ACCOUNT = "SELECT id, login, password_hash, totp_encrypted, totp_last_step, roles, region_id FROM admins"
_MAY_SIGN_IN = "(status = 'active' OR (status = 'invited' AND totp_encrypted IS NOT NULL))"
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
    login: str
    password_hash: str
    totp_secret: str | None
    totp_last_step: int
    roles: tuple[str, ...]
    region: str


async def account_of(login: str, keys: PersonalDataKeys) -> AdminAccount | None:
    """The account of a login: an active one, or an invited one whose first one-time code is still to come."""
    row = await fetch_one(f"{_ACCOUNT} WHERE login = $1 AND {_MAY_SIGN_IN}", login)
    return _account(row, keys) if row else None


async def account_by_id(admin_id: UUID, keys: PersonalDataKeys) -> AdminAccount | None:
    """The same by id."""
    row = await fetch_one(f"{_ACCOUNT} WHERE id = $1 AND {_MAY_SIGN_IN}", admin_id)
    return _account(row, keys) if row else None


def _account(row: Row, keys: PersonalDataKeys) -> AdminAccount:
    sealed = row["totp_encrypted"]
    return AdminAccount(
        id=row["id"],
        login=row["login"],
        password_hash=row["password_hash"],
        totp_secret=keys.decrypt(sealed, TOTP_CONTEXT) if sealed else None,
        totp_last_step=row["totp_last_step"],
        roles=tuple(row["roles"]),
        region=row["region_id"],
    )


async def use_totp_step(account: AdminAccount, step: int) -> bool:
    """Burn a one-time code's step; False when another sign-in was faster with the same code.

    False too when the account was reset, or its password changed, since it was read: what was proved then is good no
    more. The first good one-time code completes an invitation.
    """
    return bool(
        await execute(
            "UPDATE admins SET totp_last_step = $2, status = 'active' WHERE id = $1 AND totp_last_step < $2"
            " AND status <> 'revoked' AND password_hash = $3 AND totp_encrypted IS NOT NULL",
            *(account.id, step, account.password_hash),
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

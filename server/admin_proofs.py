"""Proving that somebody is an admin: his password, and his one-time code or a recovery code in its place."""

from datetime import datetime

from alliance import admins, recovery_codes
from alliance.admins import AdminAccount
from server import passwords
from server.config import Settings
from server.passwords import AdminLoginFailed

# In place of a one-time code's step, where none is asked for.
NO_CODE = -1


async def prove(
    settings: Settings,
    account: AdminAccount | None,
    login: str,
    password: str,
    codes: tuple[str | None, str | None],
    at: datetime,
) -> AdminAccount:
    """The account, when everything is right; its code is burnt then. A wrong password costs no code.

    Args:
        account: nothing for an unknown login, which takes as long and counts the same.
        codes: the one-time code, and the recovery code that stands in for it.

    Raises:
        TooManyAttempts: five failures within 15 minutes; also for what is right then.
        AdminLoginFailed: password or code is not right, never which; counted.
    """
    totp, recovery_code = codes
    if account is None:
        is_good, step = False, None
    elif recovery_code is not None:
        is_good, step = await recovery_codes.is_good(account.id, recovery_code, settings.data_keys), None
    else:
        step = _good_step(account, totp, at, is_sandbox=settings.sandbox)
        is_good = step is not None
    usable_hash = account.password_hash if account and is_good else None
    await passwords.check("admin", login, password, usable_hash, at)
    assert account is not None, "an unknown login never passes the check"
    if step is not None:
        is_burnt = step == NO_CODE or await admins.use_totp_step(account, step)
    else:
        is_burnt = await recovery_codes.burn(account.id, recovery_code or "", settings.data_keys, at)
    if not is_burnt:
        raise AdminLoginFailed
    return account


def _good_step(account: AdminAccount, code: str | None, at: datetime, *, is_sandbox: bool) -> int | None:
    """The step of a good one-time code; without a secret only the sandbox lets anybody in."""
    if account.totp_secret is None:
        return NO_CODE if is_sandbox else None
    return passwords.totp_step(account.totp_secret, code or "", account.totp_last_step, at)

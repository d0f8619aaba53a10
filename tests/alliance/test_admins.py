"""Admins: made with a secret that lies encrypted, found while active, and every one-time code is good once."""

import asyncio
from uuid import UUID

import pyotp
import pytest

from alliance import admins
from alliance.admins import LoginTaken
from common.crypto import PersonalDataKeys
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from models.enums import AdminRole
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
ROLES = (AdminRole.OPERATOR, AdminRole.AUDITOR)


async def make(login: str = "chief", region: str = "330100") -> str:
    return await admins.create(login, "a hash", region, ROLES, KEYS, NOON)


async def account_of(login: str = "chief") -> admins.AdminAccount:
    account = await admins.account_of(login, KEYS)
    assert account is not None
    return account


async def id_of(login: str = "chief") -> UUID:
    return (await account_of(login)).id


async def test_an_admin_is_found_with_all_that_his_sign_in_needs() -> None:
    secret = await make()
    account = await admins.account_of("chief", KEYS)
    assert account is not None
    assert (account.password_hash, account.totp_secret, account.totp_last_step) == ("a hash", secret, 0)
    assert (account.roles, account.region) == (("operator", "auditor"), "330100")
    assert pyotp.TOTP(secret).now().isdigit() and len(secret) == 32


async def test_the_secret_lies_encrypted() -> None:
    secret = await make()
    row = await fetch_one("SELECT totp_encrypted FROM admins")
    assert row is not None and secret.encode() not in row["totp_encrypted"]
    stranger = PersonalDataKeys("international", {"1": b"x" * 32}, KEYS.hash_key)
    with pytest.raises(ValueError, match="changed"):
        await admins.account_of("chief", stranger)


async def test_every_admin_has_a_secret_of_his_own() -> None:
    assert await make("one") != await make("two")


async def test_revoked_and_unknown_admins_are_not_found() -> None:
    await make()
    await execute("UPDATE admins SET status = 'revoked', revoked_at = $1", NOON)
    for login in ("chief", "Chief", "", "nobody"):
        assert await admins.account_of(login, KEYS) is None


async def test_a_login_is_taken_once_even_by_a_revoked_admin() -> None:
    await make()
    with pytest.raises(LoginTaken):
        await make()
    await execute("UPDATE admins SET status = 'revoked', revoked_at = $1", NOON)
    with pytest.raises(LoginTaken):
        await make()
    assert len(await fetch_all("SELECT id FROM admins")) == 1


async def test_of_many_at_once_one_gets_the_login() -> None:
    done = await asyncio.gather(*(make() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, LoginTaken) for result in done) == 4
    assert len(await fetch_all("SELECT id FROM admins")) == 1


@pytest.mark.parametrize("region", ["", "339999", "110000", "33"])
async def test_an_unknown_region_makes_no_admin(region: str) -> None:
    with pytest.raises(NotFound):
        await make(region=region)
    assert await fetch_all("SELECT id FROM admins") == []


async def test_making_an_admin_is_audited_without_his_login() -> None:
    await make("a-name-that-tells")
    (row,) = await fetch_all("SELECT * FROM audit_records")
    assert (row["actor_kind"], row["actor_id"], row["action"]) == ("system", None, "admin.create")
    assert "a-name-that-tells" not in str(dict(row))


async def test_a_one_time_codes_step_is_burnt_with_all_before_it() -> None:
    await make()
    chief = await account_of()
    assert await admins.use_totp_step(chief, 100)
    assert not await admins.use_totp_step(chief, 100)
    assert not await admins.use_totp_step(chief, 99)
    assert await admins.use_totp_step(chief, 101)
    account = await admins.account_of("chief", KEYS)
    assert account is not None and account.totp_last_step == 101


async def test_of_many_sign_ins_with_one_code_one_gets_in() -> None:
    await make()
    chief = await account_of()
    assert sum(await asyncio.gather(*(admins.use_totp_step(chief, 7) for _ in range(8)))) == 1


@pytest.mark.parametrize(
    "change", ["password_hash = 'another'", "totp_encrypted = NULL", "status = 'revoked', revoked_at = now()"]
)
async def test_what_was_proved_before_the_account_was_changed_is_good_no_more(change: str) -> None:
    await make()
    chief = await account_of()
    await execute(f"UPDATE admins SET {change}")
    assert not await admins.use_totp_step(chief, 7)

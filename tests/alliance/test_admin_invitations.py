"""Invitations and resets of admins: a link that is good once, secrets that are shown once, codes that are burnt."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pyotp
import pytest

from alliance import admin_invitations, admin_rights, admins, own_account, recovery_codes
from alliance.admin_invitations import INVITATION_GOOD_FOR, RESET_GOOD_FOR, Link, RegionBeyond
from alliance.admins import LoginTaken
from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from models.enums import AdminRole
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid
from tests.factories.admins import an_admin
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON

pytestmark = pytest.mark.usefixtures("database")
SECOND = timedelta(seconds=1)
INVITATION, RESET = LinkPurpose.ADMIN_INVITATION, LinkPurpose.ADMIN_RESET


async def invite(head: AdminActor, region: str = "330100", login: str = "new-one") -> Link:
    return await admin_invitations.invite(head, login, region, [AdminRole.OPERATOR], NOON)


async def enrol(link: Link, **more: object) -> admin_invitations.Enrolment:
    at = more.get("at", NOON)
    purpose = more.get("purpose", INVITATION)
    return await admin_invitations.enrol(purpose, link.secret, "a hash", KEYS, at)  # type: ignore[arg-type]


async def status_of(admin_id: UUID) -> str:
    row = await fetch_one("SELECT status FROM admins WHERE id = $1", admin_id)
    assert row is not None
    return str(row["status"])


@pytest.mark.parametrize(
    ("own", "region"),
    [("330000", "330000"), ("330000", "330106"), ("330100", "330100"), ("330100", "330106")],
)
async def test_a_head_invites_for_his_region_and_below(own: str, region: str) -> None:
    link = await invite(await an_admin(own), region)
    row = await fetch_one("SELECT * FROM admins WHERE id = $1", link.admin_id)
    assert row is not None and (row["roles"], row["region_id"], row["status"]) == (
        ["operator"],
        region,
        "invited",
    )


@pytest.mark.parametrize(
    ("own", "region"),
    [
        ("330100", "330000"),
        ("330106", "330100"),
        ("330106", "330105"),
        ("330100", "330200"),
        ("330000", "110000"),
        ("330000", "339999"),
        ("330000", ""),
    ],
)
async def test_a_region_beyond_is_refused(own: str, region: str) -> None:
    head = await an_admin(own)
    with pytest.raises(RegionBeyond):
        await invite(head, region)
    assert len(await fetch_all("SELECT 1 FROM admins")) == 1
    assert await fetch_all("SELECT 1 FROM one_time_links") == []


async def test_an_invited_admin_can_do_nothing_until_his_first_code() -> None:
    link = await invite(await an_admin())
    assert await admins.account_of("new-one", KEYS) is None
    shown = await enrol(link)
    account = await admins.account_of("new-one", KEYS)
    assert account is not None and account.totp_secret == shown.totp_secret
    assert await status_of(link.admin_id) == "invited"
    code = shown.recovery_codes[0]
    assert not await recovery_codes.is_good(link.admin_id, code, KEYS), "only a one-time code completes it"
    assert await admins.use_totp_step(account, 1)
    assert await status_of(link.admin_id) == "active"
    assert await recovery_codes.is_good(link.admin_id, code, KEYS)


async def test_what_is_shown_once_lies_encrypted_or_hashed() -> None:
    link = await invite(await an_admin())
    shown = await enrol(link)
    assert shown.otpauth_uri.startswith("otpauth://totp/Xinyi") and shown.totp_secret in shown.otpauth_uri
    assert pyotp.parse_uri(shown.otpauth_uri).now() == pyotp.TOTP(shown.totp_secret).now()
    assert len(set(shown.recovery_codes)) == 10
    stored = ""
    for table in ("admins", "one_time_links", "admin_recovery_codes", "audit_records"):
        stored += str([[bytes(v) if isinstance(v, memoryview) else v for v in row.values()]
                       for row in await fetch_all(f"SELECT * FROM {table}")])  # fmt: skip
    for secret in (link.secret, shown.totp_secret, *shown.recovery_codes):
        assert secret not in stored and secret.replace("-", "") not in stored


async def test_a_link_is_good_once_in_its_time_and_for_its_purpose() -> None:
    head = await an_admin()
    link = await invite(head)
    for refused in (
        {"at": NOON + INVITATION_GOOD_FOR},
        {"purpose": RESET},
    ):
        with pytest.raises(LinkInvalid):
            await enrol(link, **refused)
    assert await admin_invitations.login_of(INVITATION, link.secret, NOON) == "new-one"
    await enrol(link, at=NOON + INVITATION_GOOD_FOR - SECOND)
    for again in (enrol(link), admin_invitations.login_of(INVITATION, link.secret, NOON)):
        with pytest.raises(LinkInvalid):
            await again
    assert timedelta(hours=72) == INVITATION_GOOD_FOR


async def test_of_many_who_use_a_link_at_once_one_is_enrolled() -> None:
    link = await invite(await an_admin())
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(8)))
    done = await asyncio.gather(*(enrol(link) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(result, LinkInvalid) for result in done) == 5
    (good,) = [each for each in done if isinstance(each, admin_invitations.Enrolment)]
    account = await admins.account_of("new-one", KEYS)
    assert account is not None and account.totp_secret == good.totp_secret
    assert await recovery_codes.how_many_left(link.admin_id) == 10


async def test_a_login_is_invited_once() -> None:
    head = await an_admin()
    done = await asyncio.gather(*(invite(head) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, LoginTaken) for result in done) == 3
    assert len(await fetch_all("SELECT 1 FROM one_time_links")) == 1


async def test_a_revoked_invitation_opens_nothing() -> None:
    head = await an_admin()
    link = await invite(head)
    await admin_rights.revoke(head, link.admin_id, NOON)
    with pytest.raises(LinkInvalid):
        await enrol(link)
    assert await status_of(link.admin_id) == "revoked"


async def test_a_code_does_not_bring_a_revoked_admin_back() -> None:
    head = await an_admin()
    link = await invite(head)
    await enrol(link)
    account = await admins.account_of("new-one", KEYS)
    assert account is not None
    await admin_rights.revoke(head, link.admin_id, NOON)
    assert not await admins.use_totp_step(account, 1)
    assert await status_of(link.admin_id) == "revoked"


async def test_a_reset_ends_what_was_and_begins_anew() -> None:
    head = await an_admin()
    link = await invite(head)
    old = await enrol(link)
    account = await admins.account_of("new-one", KEYS)
    assert account is not None
    assert await admins.use_totp_step(account, 100)
    again = await admin_invitations.reset(head, link.admin_id, NOON)
    assert await admins.account_of("new-one", KEYS) is None
    assert not await admins.use_totp_step(account, 101), "who was half way in when it was reset"
    assert await status_of(link.admin_id) == "invited"
    assert await recovery_codes.how_many_left(link.admin_id) == 0
    with pytest.raises(LinkInvalid):
        await enrol(again, purpose=RESET, at=NOON + RESET_GOOD_FOR)
    new = await enrol(again, purpose=RESET)
    assert new.totp_secret != old.totp_secret and not set(new.recovery_codes) & set(old.recovery_codes)
    account = await admins.account_of("new-one", KEYS)
    assert account is not None
    assert await admins.use_totp_step(account, 5), "the steps of the old secret don't count"
    assert await status_of(link.admin_id) == "active"


async def test_a_later_reset_makes_the_earlier_links_worthless() -> None:
    head = await an_admin()
    invitation = await invite(head)
    first, second = [await admin_invitations.reset(head, invitation.admin_id, NOON) for _ in range(2)]
    for link, purpose in ((invitation, INVITATION), (first, RESET)):
        with pytest.raises(LinkInvalid):
            await enrol(link, purpose=purpose)
    await enrol(second, purpose=RESET)


async def test_a_recovery_code_is_good_once_however_it_is_typed() -> None:
    actor, other = await an_admin(), await an_admin()
    codes = await own_account.renew_recovery_codes(actor, KEYS, NOON)
    typed = codes[0].lower().replace("-", " ")
    assert await recovery_codes.is_good(actor.id, typed, KEYS)
    assert not await recovery_codes.burn(other.id, codes[0], KEYS, NOON)
    assert await recovery_codes.burn(actor.id, typed, KEYS, NOON)
    assert not await recovery_codes.burn(actor.id, codes[0], KEYS, NOON)
    assert not await recovery_codes.is_good(actor.id, codes[0], KEYS)
    done = await asyncio.gather(*(recovery_codes.burn(actor.id, codes[1], KEYS, NOON) for _ in range(8)))
    assert sum(done) == 1 and await recovery_codes.how_many_left(actor.id) == 8


async def test_new_recovery_codes_end_the_old_ones() -> None:
    actor = await an_admin()
    old = await own_account.renew_recovery_codes(actor, KEYS, NOON)
    await asyncio.gather(*(own_account.renew_recovery_codes(actor, KEYS, NOON) for _ in range(3)))
    assert await recovery_codes.how_many_left(actor.id) == 10
    assert not await recovery_codes.is_good(actor.id, old[0], KEYS)


async def test_a_new_password_ends_every_other_session() -> None:
    from tests.factories.admins import a_session

    actor = await an_admin()
    await a_session(actor.id)
    assert not await own_account.set_password(actor, "not x", "new", NOON)
    assert await own_account.set_password(actor, "x", "new", NOON)
    rows = await fetch_all("SELECT id FROM sessions WHERE revoked_at IS NULL")
    assert [row["id"] for row in rows] == [actor.session_id]


async def test_nothing_of_a_transaction_that_fails_stays() -> None:
    head = await an_admin()
    with pytest.raises(NotFound):
        async with transaction():
            await invite(head)
            raise NotFound
    assert await fetch_all("SELECT 1 FROM one_time_links") == []
    await execute("DELETE FROM admins WHERE id <> $1", head.id)

"""Sessions: one good refresh token at a time, a lost answer given again, a stolen copy ending it all."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from alliance import admins
from benefits import coupons
from benefits.refusals import CodeForged
from common.database import execute, fetch_one
from models.enums import ActorKind, AdminRole
from server import auth, sessions
from server.auth import Authenticator, RevokedSessions
from server.config import Settings
from server.passwords import LoginFailed
from server.rate_limit import RateLimiter
from server.sessions import LOST_ANSWER, RefreshTokenInvalid, RefreshTokenReused, SignedIn
from server.tokens import RefreshToken, make_refresh, read_access, read_refresh
from tests.factories.citizens import a_citizen
from tests.factories.databases import database, kept_database  # noqa: F401 - fixtures
from tests.factories.members import a_shop
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, an_order, claimed, scan
from tests.factories.settings import settings

SETTINGS = settings()
START = datetime.now(UTC).replace(microsecond=0)
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("database")


def just_now() -> datetime:
    """Access tokens are judged by the real clock, which has gone on since the tests began."""
    return datetime.now(UTC).replace(microsecond=0)


async def begin(kind: ActorKind = ActorKind.CITIZEN, at: datetime = START) -> SignedIn:
    return await sessions.begin(SETTINGS, kind, await somebody(kind), None, at)


async def somebody(kind: ActorKind) -> UUID:
    """An active account of a kind."""
    if kind is ActorKind.STAFF:
        return (await a_shop()).clerk.id
    if kind is ActorKind.ADMIN:
        await admins.create(f"admin-{uuid4()}", "hash", "330000", tuple(AdminRole), SETTINGS.data_keys, START)
        row = await fetch_one("SELECT id FROM admins ORDER BY id DESC LIMIT 1")
        assert row is not None
        return UUID(str(row["id"]))
    return await a_citizen()


async def refresh(text: str, at: datetime = START, configured: Settings = SETTINGS) -> SignedIn:
    return await sessions.refresh(configured, text, at)


async def reason_of(session_id: UUID) -> str | None:
    row = await fetch_one("SELECT revoked_reason FROM sessions WHERE id = $1", session_id)
    assert row is not None
    reason: str | None = row["revoked_reason"]
    return reason


@pytest.mark.parametrize("kind", [ActorKind.CITIZEN, ActorKind.STAFF, ActorKind.ADMIN])
async def test_a_session_begins_with_a_pair_of_tokens_for_its_kind(kind: ActorKind) -> None:
    member_id = uuid4() if kind is ActorKind.STAFF else None
    signed_in = await sessions.begin(SETTINGS, kind, await somebody(kind), member_id, just_now())
    claims = read_access(SETTINGS, signed_in.access_token)
    assert (claims.audience, claims.actor_id, claims.member_id) == (kind, signed_in.actor_id, member_id)
    assert claims.session_id == signed_in.session_id
    assert read_refresh(SETTINGS, signed_in.refresh_token) == RefreshToken(signed_in.session_id, 0)
    assert signed_in.expires_in == SETTINGS.access_token_s


async def test_no_token_lies_in_the_database() -> None:
    signed_in = await begin()
    row = await fetch_one("SELECT * FROM sessions")
    assert row is not None
    shown = str(dict(row))
    assert signed_in.refresh_token not in shown and signed_in.access_token not in shown


async def test_each_refresh_gives_the_next_token_of_the_same_session() -> None:
    signed_in, seen = await begin(), set()
    text = signed_in.refresh_token
    for number in range(1, 6):
        following = await refresh(text, START + number * timedelta(minutes=5))
        assert (following.session_id, following.actor_id) == (signed_in.session_id, signed_in.actor_id)
        assert following.actor_kind is ActorKind.CITIZEN
        text = following.refresh_token
        seen.add(text)
    assert len(seen) == 5


async def test_a_refreshed_clerk_keeps_his_member() -> None:
    shop = await a_shop()
    at = just_now()
    signed_in = await sessions.begin(SETTINGS, ActorKind.STAFF, shop.clerk.id, shop.member_id, at)
    for _ in range(2):  # the second one is a lost answer
        following = await refresh(signed_in.refresh_token, at)
        assert read_access(SETTINGS, following.access_token).member_id == shop.member_id


@pytest.mark.parametrize("after", [timedelta(0), SECOND, LOST_ANSWER])
async def test_a_lost_answer_is_given_again_for_a_minute(after: timedelta) -> None:
    first = (await begin()).refresh_token
    given = await refresh(first, START)
    again = await refresh(first, START + after)
    assert again.refresh_token == given.refresh_token
    assert (await refresh(again.refresh_token, START + after)).session_id == given.session_id


async def test_after_a_minute_a_used_token_is_a_stolen_one() -> None:
    assert timedelta(minutes=1) == LOST_ANSWER
    signed_in = await begin()
    given = await refresh(signed_in.refresh_token, START)
    with pytest.raises(RefreshTokenReused):
        await refresh(signed_in.refresh_token, START + LOST_ANSWER + timedelta(milliseconds=1))
    with pytest.raises(RefreshTokenInvalid):
        await refresh(given.refresh_token, START + LOST_ANSWER + SECOND)
    assert await reason_of(signed_in.session_id) == "refresh_token_reused"


async def test_a_token_whose_successor_was_used_ends_the_whole_family_at_once() -> None:
    signed_in = await begin()
    second = await refresh(signed_in.refresh_token)
    third = await refresh(second.refresh_token)
    with pytest.raises(RefreshTokenReused):
        await refresh(signed_in.refresh_token, START + SECOND)
    for text in (signed_in.refresh_token, second.refresh_token, third.refresh_token):
        with pytest.raises(RefreshTokenInvalid):
            await refresh(text, START + SECOND)


async def test_one_familys_end_is_nobody_elses() -> None:
    mine, other = await begin(), await begin()
    await sessions.end(mine.session_id, "logout", START)
    assert await refresh(other.refresh_token)
    assert await reason_of(other.session_id) is None


async def test_a_forged_or_foreign_token_is_invalid_and_ends_nothing() -> None:
    signed_in = await begin()
    for text in (
        "",
        "rt1." + "A" * 70,
        signed_in.access_token,
        make_refresh(settings(), RefreshToken(signed_in.session_id, 0)),
        make_refresh(SETTINGS, RefreshToken(uuid4(), 0)),
    ):
        with pytest.raises(RefreshTokenInvalid):
            await refresh(text)
    assert await refresh(signed_in.refresh_token)


async def test_a_session_ends_with_its_time_however_often_it_was_refreshed() -> None:
    signed_in, life = await begin(), timedelta(seconds=SETTINGS.refresh_token_s)
    following = await refresh(signed_in.refresh_token, START + life - SECOND)
    for text in (following.refresh_token, signed_in.refresh_token):
        with pytest.raises(RefreshTokenInvalid):
            await refresh(text, START + life)


async def test_signing_out_ends_the_session_and_the_codes_of_its_phone() -> None:
    shop, citizen_id, signed_in = await a_shop(), await a_citizen(), await begin()
    coupon = await claimed(citizen_id, await an_offer(shop))
    phone = signed_in.session_id
    shown = await coupons.code_of(
        citizen_id, phone, coupon.id, SCAN_KEYS.codes, coupon.claimed_at, is_client_renewal=True
    )
    await sessions.end(signed_in.session_id, "logout", START)
    with pytest.raises(RefreshTokenInvalid):
        await refresh(signed_in.refresh_token)
    with pytest.raises(CodeForged):
        await scan(shop.clerk, shown.code, an_order(shop.store_id), coupon.claimed_at)
    assert await reason_of(signed_in.session_id) == "logout"


async def test_ending_twice_keeps_the_first_reason_and_date() -> None:
    signed_in = await begin()
    await sessions.end(signed_in.session_id, "logout", START)
    await sessions.end(signed_in.session_id, "refresh_token_reused", START + SECOND)
    assert await reason_of(signed_in.session_id) == "logout"


async def test_of_many_refreshes_at_once_all_get_the_same_next_token() -> None:
    signed_in = await begin()
    given = await asyncio.gather(*(refresh(signed_in.refresh_token) for _ in range(10)))
    assert len({one.refresh_token for one in given}) == 1
    row = await fetch_one("SELECT generation, revoked_at FROM sessions")
    assert row is not None and (row["generation"], row["revoked_at"]) == (1, None)


async def test_a_thief_and_the_owner_at_once_do_not_both_go_on() -> None:
    signed_in = await begin()
    stolen = signed_in.refresh_token
    owner = await refresh(stolen)
    thief = await refresh(stolen)  # within the minute: as if it were a lost answer
    await refresh(owner.refresh_token)
    await refresh(thief.refresh_token)
    with pytest.raises(RefreshTokenReused):
        await refresh(stolen)


async def test_ended_sessions_are_known_as_long_as_their_access_tokens_could_live() -> None:
    ended, long_ago, open_ = await begin(), await begin(), await begin()
    await sessions.end(ended.session_id, "logout", START)
    await sessions.end(long_ago.session_id, "logout", START - timedelta(seconds=700))
    known = RevokedSessions(access_token_s=600)
    await known.refresh(START)
    assert ended.session_id in known
    assert long_ago.session_id not in known and open_.session_id not in known


async def test_an_older_reading_of_the_ended_sessions_does_not_undo_a_younger_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, known = await begin(), RevokedSessions(access_token_s=600)
    assert not known.is_fresh
    read, slow = auth.fetch_all, asyncio.Event()

    async def read_slowly(*asked: object) -> object:
        rows = await read(*asked)  # type: ignore[arg-type]
        await slow.wait()
        return rows

    monkeypatch.setattr(auth, "fetch_all", read_slowly)
    old = asyncio.create_task(known.refresh(START))
    await asyncio.sleep(0.05)
    monkeypatch.setattr(auth, "fetch_all", read)
    await sessions.end(ended.session_id, "logout", START)
    await known.refresh(START)
    slow.set()
    await old
    assert ended.session_id in known and known.is_fresh


async def test_while_the_list_can_not_be_relied_on_each_request_asks_for_its_own_session() -> None:
    """A busy database keeps the list from being read: an ended session must not be let in for that."""
    ended, open_ = await begin(), await begin()
    await sessions.end(ended.session_id, "logout", START)
    authenticator = Authenticator(SETTINGS, RateLimiter(1, SETTINGS.refresh_key))
    assert not authenticator.revoked.is_fresh
    assert await authenticator.is_over(ended.session_id)
    assert not await authenticator.is_over(open_.session_id)
    await authenticator.revoked.refresh(START)
    assert authenticator.revoked.is_fresh and await authenticator.is_over(ended.session_id)
    assert not await authenticator.is_over(open_.session_id)


@pytest.mark.parametrize("kind", [ActorKind.STAFF, ActorKind.ADMIN])
async def test_who_is_revoked_while_he_signs_in_gets_no_session(kind: ActorKind) -> None:
    table = {ActorKind.STAFF: "staff", ActorKind.ADMIN: "admins"}[kind]
    actor_id = await somebody(kind)
    await execute(f"UPDATE {table} SET status = 'revoked', revoked_at = $2 WHERE id = $1", actor_id, START)
    with pytest.raises(LoginFailed):
        await sessions.begin(SETTINGS, kind, actor_id, None, START)
    assert await fetch_one("SELECT 1 FROM sessions") is None


async def test_a_session_taken_away_in_the_database_can_not_be_refreshed() -> None:
    signed_in = await begin()
    await execute("DELETE FROM sessions")
    with pytest.raises(RefreshTokenInvalid):
        await refresh(signed_in.refresh_token)

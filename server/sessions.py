"""Sessions: one per sign-in, a family of refresh tokens of which exactly one is good.

A refresh token is good once. The one before it may be sent again for a minute, as long as nobody used
its successor: the answer was lost, and the client gets the same answer again. Any older one is a stolen
copy, or its owner's after a theft: the whole family ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from benefits import coupons
from common.database import Row, execute, fetch_one, transaction
from common.errors import Forbidden, Unauthenticated
from common.ids import new_id
from models.enums import ActorKind, Channel
from server import tokens
from server.config import Settings
from server.passwords import refusal_of
from server.tokens import RefreshToken

LOST_ANSWER = timedelta(seconds=60)
SIGN_IN_IS_RECENT = timedelta(minutes=5)

_ACCOUNT = {
    ActorKind.CITIZEN: "SELECT id FROM citizens WHERE id = $3 AND erased_at IS NULL AND $6::text IS NULL FOR KEY SHARE",
    ActorKind.STAFF: "SELECT id FROM staff WHERE id = $3 AND status = 'active'"
    " AND ($6::text IS NULL OR password_hash = $6) FOR SHARE",
    ActorKind.ADMIN: "SELECT id FROM admins WHERE id = $3 AND status = 'active'"
    " AND ($6::text IS NULL OR password_hash = $6) FOR SHARE",
}


class RefreshTokenInvalid(Unauthenticated):
    """Not a token of ours, or its session is over."""

    code = "refresh_token_invalid"
    zh = "登录已失效，请重新登录。"
    en = "The session is over; sign in again."


class RefreshTokenReused(Unauthenticated):
    """A token that was exchanged before: somebody has a copy. The whole session ends."""

    code = "refresh_token_reused"
    zh = "检测到登录凭证被重复使用。为了您的账号安全，本次登录已全部失效，请重新登录。"
    en = "A used refresh token came again. To keep the account safe the session has ended; sign in again."


class SignInTooOld(Forbidden):
    """All of his data, its erasure, or another way in takes a sign-in of the last minutes."""

    code = "sign_in_too_old"
    zh = "为了您的数据安全，添加登录渠道、取走全部数据或注销账户前，请退出后重新登录，并在五分钟内操作。"
    en = "To keep your data safe, sign out and in again before you add a channel, take a copy of all your data or erase your account, and do so within five minutes."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A pair of tokens and whose they are."""

    actor_kind: ActorKind
    actor_id: UUID
    session_id: UUID
    access_token: str
    refresh_token: str
    expires_in: int


async def begin(
    settings: Settings,
    kind: ActorKind,
    actor_id: UUID,
    member_id: UUID | None,
    now: datetime,
    password_hash: str | None = None,
    channel: Channel | None = None,
) -> SignedIn:
    """Open a session.

    Args:
        channel: where a citizen came from; the proofs of what he agrees to name it.
        password_hash: for staff and admins, what the password was checked with: another one was set since then, and no session
            begins with the old one.

    Raises:
        LoginFailed: the account was revoked or erased, or its password changed, while its owner signed in.
    """
    session_id = new_id()
    # The account is held until the session is there: whoever revokes it afterwards finds and ends this one.
    begun = await execute(
        f"WITH account AS ({_ACCOUNT[kind]})"
        " INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at, channel)"
        " SELECT $1, $2, account.id, $4, $4, $5, $7 FROM account",
        *(session_id, kind, actor_id, now, now + timedelta(seconds=settings.refresh_token_s)),
        *(password_hash, channel),
    )
    if not begun:
        raise refusal_of(kind)
    return _signed_in(settings, kind, actor_id, member_id, RefreshToken(session_id, 0), now)


async def refresh(settings: Settings, text: str, now: datetime) -> SignedIn:
    """Exchange a refresh token for the next pair.

    Raises:
        RefreshTokenInvalid: forged, expired or revoked.
        RefreshTokenReused: used before; the session is revoked.
    """
    token = tokens.read_refresh(settings, text)
    if token is None:
        raise RefreshTokenInvalid
    following = RefreshToken(token.session_id, token.generation + 1)
    row = await fetch_one(
        "WITH rotated AS (UPDATE sessions SET generation = $3, rotated_at = $4"
        "  WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $4"
        "  RETURNING actor_kind, actor_id)"
        " SELECT r.actor_kind, r.actor_id, s.member_id FROM rotated r"
        " LEFT JOIN staff s ON r.actor_kind = 'staff' AND s.id = r.actor_id",
        *(token.session_id, token.generation, following.generation, now),
    )
    if row is None:
        row = await _lost_answer(following, now)
    kind = ActorKind(row["actor_kind"])
    return _signed_in(settings, kind, row["actor_id"], row["member_id"], following, now)


async def _lost_answer(following: RefreshToken, now: datetime) -> Row:
    """The session, if the successor was made a moment ago and nobody has used it yet."""
    row = await fetch_one(
        "SELECT n.actor_kind, n.actor_id, n.generation, n.rotated_at, s.member_id FROM sessions n"
        " LEFT JOIN staff s ON n.actor_kind = 'staff' AND s.id = n.actor_id"
        " WHERE n.id = $1 AND n.revoked_at IS NULL AND n.expires_at > $2",
        *(following.session_id, now),
    )
    if row is None:
        raise RefreshTokenInvalid
    if row["generation"] == following.generation and now - row["rotated_at"] <= LOST_ANSWER:
        return row
    await end(following.session_id, "refresh_token_reused", now)
    raise RefreshTokenReused


async def must_be_recent(session_id: UUID, now: datetime) -> None:
    """Let a session pass that began a few minutes ago: a phone that lies open, or a stolen token, is not enough.

    Raises:
        SignInTooOld: it began earlier.
    """
    row = await fetch_one(
        "SELECT 1 FROM sessions WHERE id = $1 AND created_at > $2", session_id, now - SIGN_IN_IS_RECENT
    )
    if row is None:
        raise SignInTooOld


async def end(session_id: UUID, reason: str, now: datetime) -> None:
    """Revoke a session, and the renewal keys that its phone has: both or neither."""
    async with transaction():
        await execute(
            "UPDATE sessions SET revoked_at = $2, revoked_reason = $3 WHERE id = $1 AND revoked_at IS NULL",
            *(session_id, now, reason),
        )
        await coupons.forget_phone(session_id)


def _signed_in(
    settings: Settings,
    kind: ActorKind,
    actor_id: UUID,
    member_id: UUID | None,
    token: RefreshToken,
    now: datetime,
) -> SignedIn:
    return SignedIn(
        actor_kind=kind,
        actor_id=actor_id,
        session_id=token.session_id,
        access_token=tokens.make_access(settings, kind, actor_id, token.session_id, member_id, now),
        refresh_token=tokens.make_refresh(settings, token),
        expires_in=settings.access_token_s,
    )

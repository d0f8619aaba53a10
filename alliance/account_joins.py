"""合并账号: two accounts of one person become one, and nothing that was claimed is lost (decision 0030).

Both citizens are locked, in the order of their ids; from then on nothing can begin to point to either of them (each
such row's foreign key waits), and what was being written is there. The join waits for nobody else while it holds them:
where something of theirs is being written it gives everything back and begins anew, so that no claim, scan or
revocation ever fails because of a join. Whoever comes too late with the id that went finds no citizen: the foreign
keys refuse him.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from alliance.account_moves import move_all
from benefits.refusals import Busy, IdempotencyKeyReused
from citizens.accounts import OtherPerson
from common.actors import CitizenActor
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import Refused
from common.request_keys import RequestKey
from models import audit_log, notice_log, one_time_links
from models.enums import ActorKind
from models.office_enums import LinkPurpose
from models.one_time_links import LinkInvalid

GOOD_FOR = timedelta(minutes=10)
MOST_TRIES = 8
# Much shorter than PostgreSQL looks for deadlocks: it is always the join that gives way.
WAIT = "SET LOCAL lock_timeout = '100ms'"
PAUSE_S = 0.05
IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)

STORED = """
SELECT citizen_id, joined_at, request_hash FROM citizen_joins
 WHERE (citizen_id = $1 OR absorbed_id = $1) AND request_key = $2
"""
HOLD = "SELECT id, created_at FROM citizens WHERE id = ANY ($1) AND erased_at IS NULL ORDER BY id FOR UPDATE"
# A channel that is taken off makes an account of its own at its next sign-in, which could claim what this one has, and be
# joined again: so often a year, and the limit for each person is no limit any more.
MOST_A_YEAR = 5
YEAR = timedelta(days=365)
JOINED = "SELECT count(*) AS joins FROM citizen_joins WHERE citizen_id = ANY ($1) AND joined_at > $2"
# Of each of the two: what can still be used.
USABLE = """
SELECT (SELECT count(*) FROM coupons WHERE citizen_id = asked.id AND status = 'claimed' AND valid_until > $2) AS coupons
  FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, n) ORDER BY asked.n
"""
# The offers that both have claimed, and of which they have more than one person may in the span that counts now.
OVER_LIMIT = """
SELECT o.id, t.title, o.per_citizen_limit, count(*) AS held
  FROM coupons c JOIN offers o ON o.id = c.offer_id JOIN offer_terms t ON t.id = o.terms_id
 WHERE c.citizen_id = ANY ($1) AND c.slot IS NOT NULL
   AND c.limit_period = CASE o.per_citizen_period
       WHEN 'ever' THEN '' WHEN 'year' THEN to_char($2::timestamptz AT TIME ZONE 'Asia/Shanghai', 'YYYY')
       WHEN 'month' THEN to_char($2::timestamptz AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')
       ELSE to_char($2::timestamptz AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') END
 GROUP BY o.id, t.title, o.per_citizen_limit
HAVING count(*) > o.per_citizen_limit AND count(DISTINCT c.citizen_id) = 2
 ORDER BY o.id LIMIT 100
"""


class AccountsToJoin(Refused):
    """The channel has an account of its own here; its owner decides whether the two become one."""

    code = "accounts_to_join"
    zh = (
        "这个渠道已有另一个账号（可用优惠券 {their_coupons} 张，当前账号 {own_coupons} 张）。确认都是您本人的，"
        "请在 10 分钟内用 join_token 合并；已领的券都保留，超过每人限领的优惠暂不能再领。"
    )
    en = (
        "This channel has an account of its own ({their_coupons} usable coupons, yours {own_coupons}). If both are"
        " yours, join them within 10 minutes with `join_token`; all coupons stay, and offers above the limit wait."
    )
    shown = ("join_token", "expires_at", "own_coupons", "their_coupons", "offers_over_limit")


class JoinTokenInvalid(Refused):
    """Never given to this account, used before, too old, or the other account is no more."""

    code = "join_token_invalid"
    zh = "合并凭证无效、已用过或已过期，账号没有变化。请重新添加渠道，再确认合并。"
    en = "The join token is not valid, was used or is too old; nothing was changed. Add the channel again, then join."


class JoinsUsedUp(Refused):
    """These accounts took in as many others as one may in a year."""

    code = "joins_used_up"
    zh = "一年内最多合并 {limit} 次账号，已经用完，两个账号都没有变化，可以继续分别使用。确有需要请联系联盟办公室。"
    en = "Accounts can be joined {limit} times a year, and were; both stay as they are and can be used. If you need another, contact the alliance office."


@dataclass(frozen=True, slots=True)
class Joined:
    """The account that both are now. `is_signed_out`: the caller's own went; he signs in again."""

    citizen_id: UUID
    joined_at: datetime
    is_signed_out: bool
    is_replayed: bool = False


async def offer_to_join(citizen_id: UUID, other: UUID, now: datetime) -> AccountsToJoin:
    """A token with which the citizen may join another account to his, and what would come together."""
    token = one_time_links.new_secret()
    async with transaction():
        await one_time_links.make(LinkPurpose.ACCOUNT_JOIN, other, GOOD_FOR, now, _secret(token, citizen_id))
    own, theirs = await fetch_all(USABLE, [citizen_id, other], now)
    over = await fetch_all(OVER_LIMIT, [citizen_id, other], now)
    return AccountsToJoin(
        join_token=token,
        expires_at=now + GOOD_FOR,
        own_coupons=own["coupons"],
        their_coupons=theirs["coupons"],
        offers_over_limit=[
            {
                "id": str(row["id"]),
                "title": row["title"],
                "limit": row["per_citizen_limit"],
                "held": row["held"],
            }
            for row in over
        ],
    )


async def join(
    actor: CitizenActor, token: str, request: RequestKey, keys: PersonalDataKeys, now: datetime
) -> Joined:
    """Make two accounts one, as their owner has asked.

    The one with the natural person stays, else the older. Its consents hold; those of the other end.

    Raises:
        JoinTokenInvalid: nothing (any more) is joined with it.
        OtherPerson: each account has a person by now, and not the same.
        JoinsUsedUp: five others were joined to them within a year.
        IdempotencyKeyReused: the key came before with another token.
        Busy: something of theirs is being written all the time; nothing was changed.
    """
    for _ in range(MOST_TRIES):
        try:
            return await _stored(actor, request) or await _join(actor, token, request, keys, now)
        except JoinTokenInvalid:
            # The same request, sent twice at once: the other one has used it.
            if stored := await _stored(actor, request):
                return stored
            raise
        except IN_THE_WAY:
            await asyncio.sleep(PAUSE_S)
    raise Busy


async def _stored(actor: CitizenActor, request: RequestKey) -> Joined | None:
    row = await fetch_one(STORED, actor.id, request.key)
    if row is None:
        return None
    if row["request_hash"] != request.body_hash:
        raise IdempotencyKeyReused
    return _joined(actor, row, is_replayed=True)


def _joined(actor: CitizenActor, row: Row, *, is_replayed: bool) -> Joined:
    return Joined(row["citizen_id"], row["joined_at"], row["citizen_id"] != actor.id, is_replayed)


async def _join(
    actor: CitizenActor, token: str, request: RequestKey, keys: PersonalDataKeys, now: datetime
) -> Joined:
    secret = _secret(token, actor.id)
    try:
        async with transaction():
            other = await one_time_links.subject_of(LinkPurpose.ACCOUNT_JOIN, secret, now)
            two = await fetch_all(HOLD, [actor.id, other])
            await execute(WAIT)
            if len(two) < 2:
                return await _crossed(actor, other)
            kept, gone = await _who_stays(two)
            # Both are held: nothing else is joined to either meanwhile.
            before = await fetch_one(JOINED, [kept, gone], now - YEAR)
            if before is None or before["joins"] >= MOST_A_YEAR:
                raise JoinsUsedUp(limit=MOST_A_YEAR)
            await one_time_links.use(LinkPurpose.ACCOUNT_JOIN, secret, now)
            await move_all(gone, kept, keys, now)
            await execute(
                "INSERT INTO citizen_joins (absorbed_id, citizen_id, joined_at, request_key, request_hash)"
                " VALUES ($1, $2, $3, $4, $5)",
                *(gone, kept, now, request.key, request.body_hash),
            )
            await notice_log.tell("citizen", kept, "accounts_joined", f"accounts_joined:{gone}", {}, now)
            # Without the id that went: what lasts must not tie the two together.
            await audit_log.record((ActorKind.CITIZEN, kept), "account.join", ("citizen", kept), now)
    except LinkInvalid:
        raise JoinTokenInvalid from None
    return Joined(kept, now, kept != actor.id)


async def _crossed(actor: CitizenActor, other: UUID) -> Joined:
    """One of the two has gone: into the other, by a request that crossed this one, or into a third."""
    row = await fetch_one(
        "SELECT citizen_id, joined_at FROM citizen_joins WHERE (absorbed_id, citizen_id) IN (($1, $2), ($2, $1))",
        *(actor.id, other),
    )
    if row is None:
        raise JoinTokenInvalid
    return _joined(actor, row, is_replayed=True)


async def _who_stays(two: Sequence[Row]) -> tuple[UUID, UUID]:
    """Who stays and who goes; read after both are held.

    Raises:
        OtherPerson: both have a person, and one person is one citizen: these are two.
    """
    ids = {row["id"]: row["created_at"] for row in two}
    people = await fetch_all("SELECT citizen_id FROM natural_persons WHERE citizen_id = ANY ($1)", [*ids])
    if len(people) > 1:
        raise OtherPerson
    kept = people[0]["citizen_id"] if people else min(ids, key=lambda each: (ids[each], each))
    (gone,) = ids.keys() - {kept}
    return kept, gone


def _secret(token: str, citizen_id: UUID) -> str:
    """A token is good for the account that it was given to, and for no other."""
    return f"{token}.{citizen_id}"

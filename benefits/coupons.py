"""优惠券 in the citizen's wallet: reading them, their history, and the codes they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from benefits import codes
from benefits.codes import GENERATIONS, STEP_S, KeyRing
from benefits.refusals import AlreadyRedeemed, CouponExpired, CouponRevoked, RenewalNotAllowed
from benefits.terms import Terms, terms_by_id
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import AFTER_ALL
from models.enums import CouponStatus

EXPIRED = "expired"
COLUMNS = (
    "id, number, offer_id, terms_id, status, key_generation, uses_total, uses_done, valid_from, valid_until,"
    " claimed_at, ended_at, ended_reason"
)
# Which steps that could be shown now were redeemed with, and when the last one was.
READ_FOR_CODE = (
    f"SELECT {COLUMNS}, ARRAY(SELECT r.step FROM redemptions r WHERE r.coupon_id = c.id AND r.step >= $3) AS burnt,"
    " (SELECT max(redeemed_at) FROM redemptions r WHERE r.coupon_id = c.id) AS redeemed_at"
    " FROM coupons c WHERE id = $1 AND citizen_id = $2"
)
# The session is held until its phone has the key: whoever ends it afterwards takes the key away again.
BIND_RENEWAL = (
    "WITH phone AS MATERIALIZED (SELECT id FROM sessions WHERE id = $2 AND revoked_at IS NULL FOR SHARE)"
    " UPDATE coupons SET renewal_session_id = $2, key_generation = least(key_generation +"
    "  CASE WHEN renewal_session_id IS NULL OR renewal_session_id = $2 THEN 0 ELSE 1 END, $3::int)"
    " FROM phone WHERE coupons.id = $1 AND status = 'claimed' RETURNING key_generation"
)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon as its citizen sees it now."""

    id: UUID
    terms: Terms
    status: str
    valid_from: datetime
    valid_until: datetime
    claimed_at: datetime
    uses_left: int | None
    ended_reason: str | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened to a coupon: claimed, redeemed, reversed, given_back, revoked."""

    event: str
    at: datetime
    store: str | None = None
    store_id: UUID | None = None
    uses: int | None = None
    discount_fen: int | None = None
    redemption_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code to show, until when it is good, and when to ask for the next one."""

    code: str
    expires_at: datetime
    refresh_after_s: int
    server_time: datetime
    renewal_key: str | None


async def coupon_of(citizen_id: UUID, coupon_id: UUID, now: datetime) -> Coupon:
    """One of the citizen's coupons.

    Raises:
        NotFound: no such coupon, or somebody else's.
    """
    row = await fetch_one(
        f"SELECT {COLUMNS} FROM coupons WHERE id = $1 AND citizen_id = $2", coupon_id, citizen_id
    )
    if row is None:
        raise NotFound
    return await _coupon(row, now)


async def coupons_of(
    citizen_id: UUID, status: str | None, before: UUID | None, limit: int, now: datetime
) -> Sequence[Coupon]:
    """The citizen's coupons, newest first.

    Args:
        status: one of `CouponStatus` or `EXPIRED`; `claimed` leaves out the expired ones.
        before: the last id of the page before.
    """
    rows = await fetch_all(
        f"SELECT {COLUMNS} FROM coupons WHERE citizen_id = $1 AND id < $2"
        " AND ($3::text IS NULL OR $3 = CASE WHEN status = 'claimed' AND valid_until <= $4 THEN 'expired'"
        " ELSE status END) ORDER BY id DESC LIMIT $5",
        *(citizen_id, before or AFTER_ALL, status, now, limit),
    )
    return [await _coupon(row, now) for row in rows]


async def history_of(coupon_id: UUID) -> Sequence[HistoryEntry]:
    """Everything that happened to a coupon, oldest first. The caller has checked whose it is."""
    rows = await fetch_all(
        "SELECT 'claimed' AS event, claimed_at AS at, NULL AS store, NULL::uuid AS store_id, NULL::int AS uses, NULL::bigint AS discount_fen,"
        " NULL::uuid AS redemption_id"
        "  FROM coupons WHERE id = $1"
        " UNION ALL SELECT 'redeemed', r.redeemed_at, st.name, st.id, r.uses, r.discount_fen, r.id"
        "  FROM redemptions r JOIN stores st ON st.id = r.store_id WHERE r.coupon_id = $1"
        " UNION ALL SELECT 'reversed', v.reversed_at, st.name, st.id, r.uses, r.discount_fen, r.id"
        "  FROM redemptions r JOIN reversals v ON v.redemption_id = r.id JOIN stores st ON st.id = r.store_id"
        "  WHERE r.coupon_id = $1"
        " UNION ALL SELECT status, ended_at, NULL, NULL, NULL, NULL, NULL FROM coupons WHERE id = $1 AND ended_at IS NOT NULL"
        " ORDER BY at",
        coupon_id,
    )
    return [HistoryEntry(**row) for row in rows]


async def code_of(
    citizen_id: UUID,
    session_id: UUID,
    coupon_id: UUID,
    keys: KeyRing,
    now: datetime,
    *,
    is_client_renewal: bool,
) -> ShownCode:
    """A fresh code of a usable coupon.

    Args:
        is_client_renewal: also hand out the key with which this session's phone renews the code itself.
            Another session than the one before gets a new key, which kills the old one.

    Raises:
        NotFound, AlreadyRedeemed, CouponExpired, CouponRevoked.
        RenewalNotAllowed: the offer forbids it, or too many phones had a key.
    """
    step = codes.step_at(now.timestamp())
    row = await fetch_one(READ_FOR_CODE, coupon_id, citizen_id, step - 1)
    if row is None:
        raise NotFound
    _must_be_usable(row, now)
    generation, renewal_key = row["key_generation"], None
    if is_client_renewal:
        generation = await _bind_renewal(row, session_id)
        renewal_key = codes.renewal_key(keys, row["number"], generation)
    shown = _step_to_show(step, frozenset(row["burnt"]))
    return ShownCode(
        code=codes.make(keys, row["number"], generation, shown),
        expires_at=datetime.fromtimestamp((shown + 2) * STEP_S, now.tzinfo),
        refresh_after_s=max(1, int((max(shown, step) + 1) * STEP_S - now.timestamp())),
        server_time=now,
        renewal_key=renewal_key,
    )


async def forget_phone(session_id: UUID) -> None:
    """End the renewal keys that a session's phone has: its owner signed out or lost it."""
    await fetch_all(
        "UPDATE coupons SET key_generation = least(key_generation + 1, $2::int), renewal_session_id = NULL"
        " WHERE renewal_session_id = $1",
        *(session_id, GENERATIONS - 1),
    )


def _must_be_usable(row: Row, now: datetime) -> None:
    if row["status"] == CouponStatus.REDEEMED:
        raise AlreadyRedeemed(redeemed_at=row["redeemed_at"])
    if row["status"] != CouponStatus.CLAIMED:
        raise CouponRevoked
    if now >= row["valid_until"]:
        raise CouponExpired(valid_until=row["valid_until"])


def _step_to_show(step: int, burnt: frozenset[int]) -> int:
    """This step, or the nearest one that is good now and was not redeemed with; at worst the one to come."""
    return next((near for near in (step, step + 1, step - 1) if near not in burnt), step + 2)


async def _bind_renewal(row: Row, session_id: UUID) -> int:
    """Give the renewal key to this session; the generation that its codes have from now on.

    Another phone than the one before moves the coupon to the next generation, which kills the old key. The
    last generation is kept for codes that the server makes: whoever comes then gets no key, and the phone
    before him has none any more.
    """
    terms = await terms_by_id(row["terms_id"])
    bound = terms.is_client_renewal_allowed and await fetch_one(
        BIND_RENEWAL, row["id"], session_id, GENERATIONS - 1
    )
    if not bound or bound["key_generation"] >= GENERATIONS - 1:
        raise RenewalNotAllowed
    generation: int = bound["key_generation"]
    return generation


async def _coupon(row: Row, now: datetime) -> Coupon:
    is_expired = row["status"] == CouponStatus.CLAIMED and now >= row["valid_until"]
    total = row["uses_total"]
    return Coupon(
        id=row["id"],
        terms=await terms_by_id(row["terms_id"]),
        status=EXPIRED if is_expired else row["status"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        claimed_at=row["claimed_at"],
        uses_left=None if total is None else total - row["uses_done"],
        ended_reason=row["ended_reason"],
    )

"""Who of a member's staff sees which redemptions, in which order, and from when until when."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from benefits import redemption_log
from common.actors import StaffActor
from common.database import execute
from common.errors import NotFound
from models.enums import StaffRole
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_clerk, a_shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import an_order, claimed, code_of, redeemed, scan, undone

MINUTE = timedelta(minutes=1)
ALWAYS: tuple[datetime | None, datetime | None] = (None, None)


async def seen_by(actor: StaffActor, store_id: UUID | None = None) -> set[UUID]:
    """Ids of all redemptions that somebody sees."""
    lines = await redemption_log.lines_of(actor, store_id, ALWAYS, None, 100)
    return {line.redeemed.id for line in lines}


@pytest.fixture
async def day(shop: Shop) -> list[UUID]:
    """Six redemptions of one pass at the first store, a minute apart; ids, oldest first."""
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=9))
    return [(await redeemed(shop, coupon.id, NOON + number * MINUTE)).id for number in range(6)]


async def test_a_line_says_what_was_given_and_whether_it_was_undone(shop: Shop) -> None:
    coupon = await claimed(await a_citizen(), await an_offer(shop, uses_total=3))
    done = await redeemed(shop, coupon.id)
    assert await redemption_log.line_of(shop.clerk, done.id) == redemption_log.Line(done, None)
    undo = await undone(shop.clerk, done.id, NOON + MINUTE)
    (line,) = await redemption_log.lines_of(shop.clerk, None, ALWAYS, None, 10)
    assert line == redemption_log.Line(done, redemption_log.Undone(undo.id, NOON + MINUTE, "扫错了"))
    assert line == await redemption_log.line_of(shop.clerk, done.id)


async def test_cashiers_see_their_stores_and_managers_all_of_the_members(shop: Shop) -> None:
    first, second = [await claimed(await a_citizen(), await an_offer(shop)) for _ in range(2)]
    at_first = (await redeemed(shop, first.id)).id
    order = an_order(shop.second_store_id)
    at_second = (await scan(shop.manager, await code_of(second.id), order)).id
    owner = await a_clerk(shop.member_id, role=StaffRole.OWNER)
    assert await seen_by(shop.clerk) == {at_first}
    assert await seen_by(shop.clerk, shop.second_store_id) == set()
    assert await seen_by(shop.manager) == await seen_by(owner) == {at_first, at_second}
    assert await seen_by(owner, shop.second_store_id) == {at_second}
    with pytest.raises(NotFound):
        await redemption_log.line_of(shop.clerk, at_second)


async def test_other_members_and_revoked_staff_see_nothing(shop: Shop, day: list[UUID]) -> None:
    stranger = await a_shop()
    assert await seen_by(stranger.manager) == await seen_by(stranger.manager, shop.store_id) == set()
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1 WHERE id = $2", NOON, shop.manager.id)
    assert await seen_by(shop.manager) == set()
    for actor in (stranger.manager, shop.manager):
        with pytest.raises(NotFound):
            await redemption_log.line_of(actor, day[0])
    with pytest.raises(NotFound):
        await redemption_log.line_of(shop.clerk, uuid4())


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (None, None, [5, 4, 3, 2, 1, 0]),
        (NOON + MINUTE, NOON + 3 * MINUTE, [2, 1]),
        (NOON + 4 * MINUTE, None, [5, 4]),
        (None, NOON + MINUTE, [0]),
        (NOON + 9 * MINUTE, None, []),
    ],
)
async def test_a_span_has_its_first_moment_and_not_its_last(
    shop: Shop, day: list[UUID], begin: datetime | None, end: datetime | None, expected: list[int]
) -> None:
    lines = await redemption_log.lines_of(shop.clerk, None, (begin, end), None, 100)
    assert [line.redeemed.id for line in lines] == [day[number] for number in expected]


async def test_pages_join_without_a_gap_even_at_one_moment(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    coupons = [await claimed(await a_citizen(), offer_id) for _ in range(5)]
    ids = {(await redeemed(shop, coupon.id)).id for coupon in coupons}
    listed: list[UUID] = []
    before: tuple[datetime, UUID] | None = None
    while page := await redemption_log.lines_of(shop.manager, None, (None, NOON + MINUTE), before, 2):
        listed += [line.redeemed.id for line in page]
        before = (page[-1].redeemed.redeemed_at, page[-1].redeemed.id)
    assert len(listed) == 5 and set(listed) == ids and listed == sorted(listed, reverse=True)

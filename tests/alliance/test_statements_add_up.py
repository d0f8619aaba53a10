"""What the statements say is what the ledger says, to the fen, whatever happened in between."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_any
from hypothesis import strategies as st

from alliance import statement_lines
from alliance.statement_closing import close, close_due
from alliance.statement_lines import period_of, take_new
from alliance.statement_shares import shares_of
from common.database import fetch_all
from tests.factories.members import a_member, a_shop
from tests.factories.moments import shanghai
from tests.factories.statements import (
    Deal,
    a_deal,
    given,
    killed_before_statement,
    taken_back,
)

FIRST = shanghai("2026-01-01 00:00")
MINUTES = 5 * 30 * 24 * 60
END = shanghai("2026-08-01 02:00")
moments = st.integers(0, MINUTES).map(lambda minutes: FIRST + timedelta(minutes=minutes))
shares = st.integers(0, 100).flatmap(
    lambda alliance: st.tuples(st.just(alliance), st.integers(0, 100 - alliance))
)
# What happens, in order: a redemption (deal, fen, when), an undoing (which, when), lines written, a closing that is
# perhaps killed at its nth statement, or two closings at once.
events = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(0, 3), st.integers(0, 99_999), moments),
        st.tuples(st.just("undo"), st.integers(0, 30), st.just(0), moments),
        st.tuples(st.just("take"), st.integers(1, 12), st.just(0), moments),
        st.tuples(st.just("close"), st.integers(1, 20), st.integers(0, 1), moments),
        st.tuples(st.just("twice"), st.just(0), st.integers(0, 1), moments),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=300)
@for_any(discount_fen=st.integers(-(10**9), 10**9), parts=shares)
def test_shares_add_up_and_nobody_pays_more_than_he_promised(
    discount_fen: int, parts: tuple[int, int]
) -> None:
    divided = shares_of(discount_fen, *parts)
    assert sum(divided) == discount_fen
    sign = -1 if discount_fen < 0 else 1
    for part, percent in zip((divided.alliance_fen, divided.public_unit_fen), parts, strict=True):
        assert 0 <= discount_fen * percent - part * 100 < 100 if sign > 0 else part <= 0
    assert divided.member_fen * sign >= 0
    assert shares_of(-discount_fen, *parts) == tuple(-part for part in divided)


@pytest.mark.parametrize(
    ("discount_fen", "alliance", "unit", "expected"),
    [
        (1, 60, 40, (1, 0, 0)),
        (999, 33, 33, (341, 329, 329)),
        (10_000, 30, 20, (5_000, 2_000, 3_000)),
        (-999, 33, 33, (-341, -329, -329)),
        (0, 50, 50, (0, 0, 0)),
    ],
)
def test_fractions_of_a_fen_are_the_members(
    discount_fen: int, alliance: int, unit: int, expected: tuple[int, int, int]
) -> None:
    assert shares_of(discount_fen, alliance, unit) == expected


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@for_any(
    happened=events, funding=st.lists(shares, min_size=4, max_size=4), batch=st.sampled_from([1, 3, 1000])
)
async def test_the_sum_over_statements_is_the_sum_over_the_ledger(
    database: str, happened: list[tuple[str, int, int, datetime]], funding: list[tuple[int, int]], batch: int
) -> None:
    statement_lines.BATCH = batch
    try:
        deals = await _deals(funding)
        members = [deals[0].shop.member_id, deals[2].shop.member_id]
        await _happen(happened, deals, members)
        await _all_is_closed(members)
        await _must_add_up(members)
    finally:
        statement_lines.BATCH = 1000


async def _deals(funding: list[tuple[int, int]]) -> list[Deal]:
    """Two members with two offers each."""
    unit, shops = await a_member(), [await a_shop(), await a_shop()]
    return [
        await a_deal(shops[n // 2], alliance_share=part[0], public_unit_share=part[1], public_unit_id=unit)
        for n, part in enumerate(funding)
    ]


async def _happen(
    happened: list[tuple[str, int, int, datetime]], deals: list[Deal], members: list[UUID]
) -> None:
    done: list[tuple[Deal, UUID]] = []
    undone: set[int] = set()
    for what, first, second, at in happened:
        if what == "give":
            shop = deals[first].shop
            store = (shop.store_id, shop.second_store_id)[second % 2]
            done.append((deals[first], await given(deals[first], second, at, store_id=store)))
        elif what == "undo" and first < len(done) and first not in undone:
            undone.add(first)
            await taken_back(*done[first], at)
        elif what == "take":
            with killed_before_statement(first):
                await take_new(at)
        elif what == "close":
            with killed_before_statement(first):
                await close(members[second], period_of(at), at + timedelta(days=32))
        elif what == "twice":
            closing = [close(members[second], period_of(at), at + timedelta(days=32)) for _ in range(3)]
            assert sum(await asyncio.gather(*closing)) <= 1


async def _all_is_closed(members: list[UUID]) -> None:
    await close_due(END)
    for row in await fetch_all(
        "SELECT member_id, period FROM statements WHERE member_id = ANY ($1) AND state = 'open'", members
    ):
        await close(row["member_id"], row["period"], END + timedelta(days=400))


async def _must_add_up(members: list[UUID]) -> None:
    rows = await fetch_all(
        "SELECT 1 AS sign, r.entry, r.id, r.redeemed_at AS at, r.member_id, r.store_id, r.offer_id, r.discount_fen,"
        " t.alliance_share, t.public_unit_share FROM redemptions r JOIN offer_terms t ON t.id = r.terms_id"
        " WHERE r.member_id = ANY ($1) UNION ALL"
        " SELECT -1, v.entry, v.id, v.reversed_at, r.member_id, r.store_id, r.offer_id, r.discount_fen,"
        " t.alliance_share, t.public_unit_share FROM reversals v JOIN redemptions r ON r.id = v.redemption_id"
        " JOIN offer_terms t ON t.id = r.terms_id WHERE r.member_id = ANY ($1)",
        members,
    )
    ledger = {row["entry"]: row for row in rows}
    lines = await fetch_all(
        "SELECT l.*, s.member_id, s.period, s.closed_at, s.settled_entry FROM statement_lines l"
        " JOIN statements s ON s.id = l.statement_id WHERE s.member_id = ANY ($1)",
        members,
    )
    # Every record exactly once, on its own member's statement, with all that it says.
    assert sorted(line["entry"] for line in lines) == sorted(ledger)
    by_period: dict[tuple[UUID, date], Counter[str]] = {}
    for line in lines:
        record = ledger[line["entry"]]
        assert (line["record_id"], line["store_id"], line["offer_id"], line["member_id"], line["at"]) == (
            *(record["id"], record["store_id"], record["offer_id"], record["member_id"], record["at"]),
        )
        amount = record["sign"] * record["discount_fen"]
        parts = shares_of(amount, record["alliance_share"], record["public_unit_share"])
        assert line["discount_fen"] == amount
        assert (line["member_fen"], line["public_unit_fen"], line["alliance_fen"]) == parts
        # On its own month's, or later; never on one that was closed over a ledger without it.
        assert period_of(record["at"]) <= line["period"]
        assert line["entry"] <= line["settled_entry"]
        sums = by_period.setdefault((line["member_id"], line["period"]), Counter())
        sums["discount_fen"] += amount
        sums["member_fen"] += parts.member_fen
        sums["public_unit_fen"] += parts.public_unit_fen
        sums["alliance_fen"] += parts.alliance_fen
        sums["redemptions" if record["sign"] > 0 else "reversals"] += 1
    # Per period to the fen, in the totals as in the sums by store and offer.
    for table, group in (("statements", "member_id, period"), ("statement_sums", "member_id, period")):
        totals = await fetch_all(
            f"SELECT {group}, sum(discount_fen) AS discount_fen, sum(member_fen) AS member_fen,"
            " sum(public_unit_fen) AS public_unit_fen, sum(alliance_fen) AS alliance_fen,"
            f" sum(redemptions) AS redemptions, sum(reversals) AS reversals FROM {table}"
            f" WHERE member_id = ANY ($1) GROUP BY {group}",
            members,
        )
        found = {
            (row["member_id"], row["period"]): {name: int(row[name]) for name in _NAMES} for row in totals
        }
        assert found == {key: {name: sums[name] for name in _NAMES} for key, sums in by_period.items()}
    states = await fetch_all("SELECT state FROM statements WHERE member_id = ANY ($1)", members)
    assert {row["state"] for row in states} <= {"closed"}


_NAMES = ("discount_fen", "member_fen", "public_unit_fen", "alliance_fen", "redemptions", "reversals")

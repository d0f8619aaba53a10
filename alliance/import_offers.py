"""Rows that become offers, as drafts: publishing them is another step, with its own rules and people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from alliance.import_cells import Cells, Row, RowError
from alliance.import_stores import members_of, named_stores, stores_of, unknown_members
from benefits.tier_bands import highest_of_two_bands, spelled_tier, tier_words
from common.clock import end_of, now, start_of
from common.database import execute, fetch_all
from common.money import MAX_FEN
from models.enums import DiscountKind, LimitPeriod, MemberKind
from models.region import subtree_prefix

COLUMNS = (
    *("member_uscc", "programme", "title", "description", "ordinary_path", "min_tier_level"),
    *("claim_from", "claim_until", "per_citizen_limit", "per_citizen_period", "stock_total", "daily_limit"),
    *("discount_kind", "percent_off", "cap_fen", "amount_off_fen", "threshold_fen", "fixed_price_fen"),
    *("deposit_fen", "pay_later_days", "higher_limit", "gift", "uses_total", "daily_use_cap"),
    *("valid_days", "wait_days", "valid_from", "valid_until", "weekdays", "opens_at", "closes_at", "stores"),
    *("real_name_level", "shows_holder"),
)
EXAMPLE = (
    *("91330106XY0000017X", "xinyi_gou", "全场八折", "出示券码享八折。", "", "4"),
    *(
        "2026-01-01",
        "2026-12-31",
        "1",
        "month",
        "1000",
        "50",
        "percent_off",
        "20",
        "5000",
        "",
        "",
        "",
        "",
        "",
        "",
    ),
    *("", "1", "", "30", "", "", "", "12345", "09:00", "21:00", "武林店", "", "0"),
)
NEEDED = frozenset({"member_uscc", "programme", "title", "description", "claim_from", "discount_kind"})
# What a discount of each kind must and may say.
DISCOUNT_COLUMNS: Mapping[DiscountKind, tuple[frozenset[str], frozenset[str]]] = {
    DiscountKind.PERCENT_OFF: (frozenset({"percent_off"}), frozenset({"cap_fen"})),
    DiscountKind.AMOUNT_OFF: (frozenset({"amount_off_fen"}), frozenset()),
    DiscountKind.THRESHOLD_OFF: (frozenset({"amount_off_fen", "threshold_fen"}), frozenset()),
    DiscountKind.FIXED_PRICE: (frozenset({"fixed_price_fen"}), frozenset()),
    DiscountKind.FREE: (frozenset(), frozenset({"gift"})),
    DiscountKind.DEPOSIT_WAIVED: (frozenset({"deposit_fen"}), frozenset()),
    DiscountKind.PRIORITY_LANE: (frozenset(), frozenset()),
    DiscountKind.PAY_LATER: (frozenset({"pay_later_days"}), frozenset()),
    DiscountKind.HIGHER_LIMIT: (frozenset({"higher_limit"}), frozenset()),
}
ANY_DISCOUNT = {
    **{"percent_off": (1, 99), "cap_fen": (1, MAX_FEN), "amount_off_fen": (1, MAX_FEN)},
    **{"threshold_fen": (1, MAX_FEN), "fixed_price_fen": (0, MAX_FEN), "deposit_fen": (1, MAX_FEN)},
    **{"pay_later_days": (1, 366), "higher_limit": (1, 1_000_000)},
}
PROGRAMMES = "SELECT code FROM programmes WHERE code = ANY ($1)"
TITLES = """
SELECT o.member_id, t.title
  FROM unnest($1::uuid[]) AS asked (id) JOIN offers o ON o.member_id = asked.id AND o.status <> 'ended'
  JOIN offer_terms t ON t.id = o.terms_id
"""
WRITE_OFFERS = """
INSERT INTO offers (id, programme_id, member_id, member_kind, region_id, status, min_tier_level, ordinary_path,
                    claim_from, claim_until, per_citizen_limit, per_citizen_period, min_real_name_level, created_at)
SELECT r.id, r.programme, m.id, m.kind, r.region, 'draft', r.min_tier_level,
       CASE WHEN m.kind = 'public_unit' THEN r.ordinary_path END, r.claim_from::timestamptz,
       r.claim_until::timestamptz, r.per_citizen_limit, r.per_citizen_period,
       coalesce(r.real_name_level, 0), $12
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[],
              $9::smallint[], $10::text[], $11::smallint[])
       AS r (id, programme, uscc, region, min_tier_level, ordinary_path, claim_from, claim_until,
             per_citizen_limit, per_citizen_period, real_name_level)
  JOIN members m ON m.uscc = r.uscc
"""
WRITE_TERMS = """
INSERT INTO offer_terms (offer_id, version, title, description, discount_kind, percent_off, cap_fen, amount_off_fen,
                         threshold_fen, fixed_price_fen, deposit_fen, pay_later_days, higher_limit, gift, uses_total,
                         daily_use_cap, valid_days, wait_days, valid_from, valid_until, weekday_mask, open_minute,
                         close_minute, blackout_dates, store_ids, shows_holder, created_at)
SELECT r.id, 1, r.title, r.description, r.discount_kind, r.percent_off, r.cap_fen, r.amount_off_fen, r.threshold_fen,
       r.fixed_price_fen, r.deposit_fen, r.pay_later_days, r.higher_limit, r.gift, r.uses_total, r.daily_use_cap,
       r.valid_days, r.wait_days, r.valid_from::timestamptz, r.valid_until::timestamptz, r.weekday_mask,
       r.open_minute, r.close_minute, '{}', r.store_ids::uuid[], r.shows_holder, $25
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[],
              $9::bigint[], $10::bigint[], $11::smallint[], $12::int[], $13::text[], $14::int[], $15::smallint[],
              $16::smallint[], $17::smallint[], $18::text[], $19::text[], $20::smallint[], $21::smallint[],
              $22::smallint[], $23::text[], $24::boolean[])
       AS r (id, title, description, discount_kind, percent_off, cap_fen, amount_off_fen, threshold_fen,
             fixed_price_fen, deposit_fen, pay_later_days, higher_limit, gift, uses_total, daily_use_cap,
             valid_days, wait_days, valid_from, valid_until, weekday_mask, open_minute, close_minute, store_ids,
             shows_holder)
"""
NAME_TERMS = """
UPDATE offers SET terms_id = t.id
  FROM unnest($1::uuid[]) AS r (id) JOIN offer_terms t ON t.offer_id = r.id AND t.version = 1
 WHERE offers.id = r.id
"""
WRITE_STOCK = """
INSERT INTO offer_stock (offer_id, total, daily_limit)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[]) AS r (id, total, daily_limit)
 WHERE r.total IS NOT NULL OR r.daily_limit IS NOT NULL
"""
OFFER_VALUES = (
    *("programme", "member_uscc", "region", "min_tier_level", "ordinary_path", "claim_from", "claim_until"),
    *("per_citizen_limit", "per_citizen_period", "real_name_level"),
)
TERMS_VALUES = (
    *("title", "description", "discount_kind", "percent_off", "cap_fen", "amount_off_fen", "threshold_fen"),
    *(
        "fixed_price_fen",
        "deposit_fen",
        "pay_later_days",
        "higher_limit",
        "gift",
        "uses_total",
        "daily_use_cap",
    ),
    *("valid_days", "wait_days", "valid_from", "valid_until", "weekday_mask", "open_minute", "close_minute"),
    *("store_ids", "shows_holder"),
)
LAST_DAY = date(2099, 12, 31)


def read(cells: Cells) -> dict[str, object]:
    """The values of a row; every rule of an offer that needs no database is checked here."""
    return {
        "member_uscc": cells.code_of_member("member_uscc"),
        "programme": cells.text("programme", 32),
        "title": cells.text("title", 64),
        "description": cells.text("description", 2_000),
        "ordinary_path": cells.text("ordinary_path", 256, is_needed=False),
        # Rule 2: an offer that asks for a tier admits at least two bands.
        "min_tier_level": cells.whole("min_tier_level", 1, 4, code="tier_not_allowed"),
        "real_name_level": cells.whole("real_name_level", 0, 2),
        # 1: staff see the holder's masked name, if he agreed to it (rule 6).
        "shows_holder": cells.whole("shows_holder", 0, 1) == 1,
        "per_citizen_limit": cells.whole("per_citizen_limit", 1, 100),
        "per_citizen_period": cells.choice("per_citizen_period", LimitPeriod, default=LimitPeriod.EVER),
        "stock_total": cells.whole("stock_total", 0, 100_000_000),
        "daily_limit": cells.whole("daily_limit", 1, 100_000_000),
        **_claim_span(cells),
        **_discount(cells),
        **_uses(cells),
        **_validity(cells),
        **_hours(cells),
        "stores": list(cells.names("stores")),
    }


def key(content: dict[str, object]) -> tuple[str, object]:
    """What no two rows of a file may share, and its column."""
    return "title", (content["member_uscc"], content["title"])


async def check(rows: Sequence[Row], prefix: str) -> list[RowError]:
    """What the database says against the rows; finds the ids of their stores and their region."""
    members = await members_of(rows, prefix)
    stores = await stores_of(members)
    asked = [*{row.content["programme"] for row in rows}]
    programmes = {row["code"] for row in await fetch_all(PROGRAMMES, asked)}
    titles = await fetch_all(TITLES, [member["id"] for member in members.values()])
    taken = {(row["member_id"], row["title"]) for row in titles}
    errors = unknown_members(rows, members)
    words, (highest, _) = await tier_words(), await highest_of_two_bands(now())
    for row in rows:
        content, member = row.content, members.get(row.content["member_uscc"])
        errors += _tier_told(row, words, highest)
        if content["programme"] not in programmes:
            errors.append(RowError(row.number, "programme", "programme_unknown"))
        if member is None:
            continue
        if (member["id"], content["title"]) in taken:
            errors.append(RowError(row.number, "title", "offer_exists"))
        # Rule 3.
        if member["kind"] == MemberKind.PUBLIC_UNIT and not content["ordinary_path"]:
            errors.append(RowError(row.number, "ordinary_path", "ordinary_path_missing"))
        names: list[str] = content["stores"]  # type: ignore[assignment]
        found, wrong = named_stores(row, names, stores.get(member["id"], ()))
        errors += wrong
        region = common_region([store["region_id"] for store in found]) if found else None
        if region is None or not region.startswith(prefix):
            errors += [] if wrong else [RowError(row.number, "stores", "stores_outside")]
        content["region"] = region
        content["store_ids"] = "{" + ",".join(str(store["id"]) for store in found) + "}"
    return errors


def _tier_told(row: Row, words: set[str], highest: int) -> Iterator[RowError]:
    """Rule 2: what an offer that asks for a tier would tell of its holders."""
    least: Any = row.content["min_tier_level"]
    if least is not None and spelled_tier(str(row.content["title"]), words):
        yield RowError(row.number, "title", "title_spells_tier")
    if least is not None and least > highest:
        yield RowError(row.number, "min_tier_level", "tier_admits_one_band")


def common_region(regions: Sequence[str]) -> str | None:
    """The smallest region that all of some regions are in; nothing across provinces."""
    first = regions[0]
    for region in (first, f"{first[:4]}00", f"{first[:2]}0000"):
        if all(each.startswith(subtree_prefix(region)) for each in regions):
            return region
    return None


async def write(rows: Sequence[Row], ids: Sequence[UUID], at: datetime) -> None:
    """Make the drafts with their terms and stock, inside the import's transaction, after `check`."""

    def columns(names: Sequence[str]) -> list[list[object]]:
        return [[row.content[name] for row in rows] for name in names]

    await execute(WRITE_OFFERS, ids, *columns(OFFER_VALUES), at)
    await execute(WRITE_TERMS, ids, *columns(TERMS_VALUES), at)
    await execute(NAME_TERMS, ids)
    await execute(WRITE_STOCK, ids, *columns(("stock_total", "daily_limit")))


def _claim_span(cells: Cells) -> dict[str, object]:
    first, last = cells.day("claim_from", is_needed=True), cells.day("claim_until") or LAST_DAY
    if first is not None and last < first:
        cells.wrong("claim_until", "ends_before_it_begins")
    return {
        "claim_from": start_of(first).isoformat() if first else None,
        "claim_until": end_of(last).isoformat(),
    }


def _discount(cells: Cells) -> dict[str, object]:
    kind = cells.choice("discount_kind", DiscountKind)
    found: dict[str, object] = {
        name: cells.whole(name, low, high) for name, (low, high) in ANY_DISCOUNT.items()
    }
    found["gift"] = cells.text("gift", 64, is_needed=False)
    if kind is not None:
        needed, allowed = DISCOUNT_COLUMNS[DiscountKind(kind)]
        for name in found:
            is_given = bool(cells.values.get(name))
            if name in needed and not is_given:
                cells.wrong(name, "discount_needs")
            elif is_given and name not in needed | allowed:
                cells.wrong(name, "discount_has_no")
    amount, threshold = found["amount_off_fen"], found["threshold_fen"]
    if isinstance(amount, int) and isinstance(threshold, int) and threshold < amount:
        cells.wrong("threshold_fen", "threshold_below_amount")
    return {"discount_kind": kind, **found}


def _uses(cells: Cells) -> dict[str, object]:
    total, cap = cells.whole("uses_total", 1, 1_000), cells.whole("daily_use_cap", 1, 1_000)
    if not cells.values.get("uses_total") and not cells.values.get("daily_use_cap"):
        cells.wrong("uses_total", "uses_unlimited")
    return {"uses_total": total, "daily_use_cap": cap}


def _validity(cells: Cells) -> dict[str, object]:
    days, wait = cells.whole("valid_days", 1, 3_660), cells.whole("wait_days", 0, 366)
    first, last = cells.day("valid_from"), cells.day("valid_until")
    is_by_days = bool(cells.values.get("valid_days"))
    given = [bool(cells.values.get(name)) for name in ("valid_from", "valid_until")]
    if any(given) if is_by_days else (not all(given) or wait):
        cells.wrong("valid_days", "validity_unclear")
    if first is not None and last is not None and last < first:
        cells.wrong("valid_until", "ends_before_it_begins")
    return {
        "valid_days": days,
        "wait_days": wait or 0,
        "valid_from": start_of(first).isoformat() if first else None,
        "valid_until": end_of(last).isoformat() if last else None,
    }


def _hours(cells: Cells) -> dict[str, object]:
    weekdays = cells.values.get("weekdays", "") or "1234567"
    if not set(weekdays) <= set("1234567") or len(set(weekdays)) != len(weekdays):
        cells.wrong("weekdays", "value_not_allowed")
        weekdays = "1"
    opens, closes = cells.minute("opens_at", 0), cells.minute("closes_at", 1_440)
    if opens is not None and closes is not None and opens >= closes:
        cells.wrong("closes_at", "ends_before_it_begins")
    return {
        "weekday_mask": sum(1 << int(day) - 1 for day in weekdays),
        "open_minute": opens,
        "close_minute": closes,
    }

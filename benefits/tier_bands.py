"""Rule 2 against the tier schemes: an offer admits at least two bands of each, and no title of it spells a tier."""

from collections.abc import Sequence
from datetime import datetime

from benefits.eligibility import LEVEL_NAMES
from common.database import Row, fetch_all, fetch_one
from common.errors import Invalid

# Held shared while an offer's tier is judged by the schemes, and alone while a scheme is judged by the offers:
# each of two that come at once sees the other.
LOCK = 7_310_018
AT_MOST = 100

LIVE_OFFERS = """
SELECT o.id, t.title, o.min_tier_level FROM offers o JOIN offer_terms t ON t.id = o.terms_id
 WHERE o.status IN ('published', 'paused') AND o.claim_until > $2 AND o.min_tier_level = ANY ($1::int[])
 ORDER BY o.id LIMIT $3
"""
OPEN_VERSIONS = """
SELECT v.offer_id AS id, t.title, v.min_tier_level FROM offer_versions v JOIN offer_terms t ON t.id = v.terms_id
 WHERE v.state IN ('draft', 'submitted', 'approved') AND v.claim_until > $2 AND v.min_tier_level = ANY ($1::int[])
 ORDER BY v.offer_id LIMIT $3
"""
# What a scheme's second band from above is: offers that ask for it or less admit two.
STRICTEST = """
SELECT s.name, coalesce((SELECT (array_agg(b.level ORDER BY b.low DESC))[2] FROM tier_bands b WHERE b.scheme_id = s.id), 0) AS second
  FROM tier_schemes s
 WHERE NOT EXISTS (SELECT FROM tier_schemes n WHERE n.code = s.code AND n.version > s.version AND n.effective_from <= $1)
 ORDER BY second LIMIT 1
"""


class TierAdmitsOneBand(Invalid):
    """Rule 2: under one of the schemes a scan would tell the holder's band."""

    code = "tier_admits_one_band"
    pointer = "/min_tier_level"
    zh = "按“{scheme}”，这个等级要求只容纳一档，出示时会透露市民的等级。请把要求降低一级，或不设要求。"
    en = "Under “{scheme}” one band alone could claim this, so that showing it tells a citizen's tier. Ask for a lower tier, or for none."


def levels_of_one_band(levels: Sequence[int]) -> list[int]:
    """Of the tiers that an offer may ask for (1 to 4) those that fewer than two bands reach.

    Args:
        levels: of a scheme's bands, on the ladder.
    """
    return [least for least in range(1, 5) if sum(level >= least for level in levels) < 2]


async def admitting_one(levels: Sequence[int], now: datetime) -> Sequence[Row]:
    """Offers that can be claimed or may soon, and would admit one band of a scheme; a hundred and one at most.

    Args:
        levels: of the scheme's bands, on the ladder.
    """
    wanted = (levels_of_one_band(levels), now, AT_MOST + 1)
    found = [*await fetch_all(LIVE_OFFERS, *wanted), *await fetch_all(OPEN_VERSIONS, *wanted)]
    return list({row["id"]: row for row in reversed(found)}.values())[::-1][: AT_MOST + 1]


async def hold_offers_still() -> None:
    """Until the end of the transaction no offer's tier is judged by the schemes as they are."""
    await fetch_one("SELECT pg_advisory_xact_lock($1)", LOCK)


async def must_admit_two(min_level: int, now: datetime) -> None:
    """Refuse a tier that one band of a scheme reaches, in force or announced; inside the caller's transaction.

    Raises:
        TierAdmitsOneBand: it does.
    """
    highest, scheme = await highest_of_two_bands(now)
    if min_level > highest:
        raise TierAdmitsOneBand(scheme=scheme)


async def highest_of_two_bands(now: datetime) -> tuple[int, str]:
    """The highest tier that two bands of every scheme reach, and the scheme that allows no higher one."""
    await fetch_one("SELECT pg_advisory_xact_lock_shared($1)", LOCK)
    row = await fetch_one(STRICTEST, now)
    return (row["second"], row["name"]) if row is not None else (max(LEVEL_NAMES), "")


async def tier_words() -> set[str]:
    """What tiers are called: on the ladder, in every scheme of ours and in every recognised one."""
    rows = await fetch_all(
        "SELECT code, name FROM tier_bands UNION SELECT code, name FROM tier_mapping_bands"
    )
    return {*LEVEL_NAMES.values(), *(value for row in rows for value in (row["code"], row["name"]))}


def spelled_tier(title: str, words: set[str]) -> str | None:
    """The tier's name in a title, if there is one. A name of one character (差, A) counts only as a grade (信用差, A级)."""
    folded = title.casefold()
    for word in sorted(words, key=lambda each: (-len(each), each)):
        forms = [word] if len(word) > 1 else [f"信用{word}", f"{word}等", f"{word}级", f"{word}档"]
        if any(form.casefold() in folded for form in forms):
            return word
    return None

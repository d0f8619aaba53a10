"""New mappings of other places' schemes (互认), on a scale without gaps and without two for one day; their ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from citizens.tier_mappings import MappedTier
from common.database import Row, constraint_of, execute, fetch_one
from common.errors import Invalid, Refused


class TiersNotInOrder(Invalid):
    """Tiers of which some are mapped by scores and some by codes, or that overlap, leave a gap, fall, or are called the same."""

    code = "tiers_not_in_order"
    pointer = "/tiers"
    zh = "各档要么都按分数、从低到高首尾相接且等级不降，要么都按代码；不能重名。请检查第 {place} 档。"
    en = "Map all tiers by scores, from low to high without gap or overlap and never falling, or all by codes; each has a name of its own. Check tier {place}."
    shown = ("place",)


class MappingDaysInvalid(Invalid):
    """It would end before it begins."""

    code = "mapping_days_invalid"
    pointer = "/effective_until"
    zh = "截止日须晚于开始日（截止日当天不再适用）。请改正日期。"
    en = "It has to end on a later day than it begins (the day of its end does not count any more). Correct the dates."


class MappingOverlaps(Refused):
    """For some day there would be two mappings of one scheme."""

    code = "mapping_overlaps"
    zh = "这个方案在这段日期里已有互认对应关系。请改日期，或先提请缩短已有的那一个。"
    en = "The scheme is mapped for some of these days already. Choose other days, or have the existing mapping end sooner."


class SchemeIsOurs(Refused):
    """It is one of our own schemes, which need no mapping."""

    code = "scheme_is_ours"
    zh = "这是本省自己的等级方案，不用互认。请核对方案代码。"
    en = "This is one of our own schemes and needs no mapping. Check its code."


class MappingEndPast(Refused):
    """An end can only come nearer, and not into the past: what was taken under it stays."""

    code = "mapping_end_past"
    zh = "互认只能提前结束，最早从明天起，不能晚于原定的 {until}。请改日期。"
    en = "A mapping can only end sooner than {until}, and from tomorrow on at the earliest. Choose another day."


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A mapping that is not published yet; it counts up to but without `effective_until`."""

    scheme_code: str
    scheme_name: str
    place: str
    agreement: str
    validity_days: int
    effective_from: date
    effective_until: date
    tiers: Sequence[MappedTier]


def check_draft(draft: MappingDraft) -> None:
    """Let a draft pass that has one place for every rating of its scale.

    Raises:
        TiersNotInOrder: the first tier that is not so, counted from 1.
        MappingDaysInvalid: it would end before it begins.
    """
    by_scores = draft.tiers[0].low is not None
    for place, tier in enumerate(draft.tiers, 1):
        below = draft.tiers[: place - 1]
        is_named_again = any(tier.code == other.code or tier.name == other.name for other in below)
        if is_named_again or not (_joins(tier, below) if by_scores else tier.low is tier.high is None):
            raise TiersNotInOrder(place=place)
    if draft.effective_until <= draft.effective_from:
        raise MappingDaysInvalid


def _joins(tier: MappedTier, below: Sequence[MappedTier]) -> bool:
    if tier.low is None or tier.high is None or tier.low >= tier.high:
        return False
    return not below or (tier.low == below[-1].high and tier.level >= below[-1].level)


async def check_free(draft: MappingDraft) -> None:
    """Let a draft pass whose scheme is not ours, and has no other mapping in its days.

    Raises:
        SchemeIsOurs, MappingOverlaps: it is, or it has.
    """
    row = await fetch_one(
        "SELECT EXISTS (SELECT FROM tier_schemes WHERE code = $1) AS is_ours,"
        " EXISTS (SELECT FROM tier_mappings WHERE scheme_code = $1 AND effective_from < $3 AND effective_until > $2)"
        " AS is_taken",
        *(draft.scheme_code, draft.effective_from, draft.effective_until),
    )
    assert row is not None
    if row["is_ours"]:
        raise SchemeIsOurs
    if row["is_taken"]:
        raise MappingOverlaps


async def publish(draft: MappingDraft, approval_id: object, now: datetime) -> Row:
    """Write a mapping inside the caller's transaction; its id and version.

    Raises:
        SchemeIsOurs, MappingOverlaps: as for `check_free`; time has passed since it was asked for.
    """
    await check_free(draft)
    try:
        row = await fetch_one(
            "INSERT INTO tier_mappings (scheme_code, version, scheme_name, place, agreement, validity_days,"
            " effective_from, effective_until, approval_id, published_at)"
            " SELECT $1::varchar, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6::date, $7::date, $8, $9"
            " FROM tier_mappings WHERE scheme_code = $1::varchar"
            " HAVING coalesce(bool_and(effective_until <= $6::date OR effective_from >= $7::date), true)"
            " RETURNING id, version",
            *(draft.scheme_code, draft.scheme_name, draft.place, draft.agreement, draft.validity_days),
            *(draft.effective_from, draft.effective_until, approval_id, now),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "tier_mappings_version_once":  # published in the same moment
            raise MappingOverlaps from None
        raise
    if row is None:
        raise MappingOverlaps
    for tier in draft.tiers:
        await execute(
            "INSERT INTO tier_mapping_bands (mapping_id, code, name, level, low, high) VALUES ($1, $2, $3, $4, $5, $6)",
            *(row["id"], tier.code, tier.name, tier.level, tier.low, tier.high),
        )
    return row


async def end(mapping_id: int, until: date, today: date) -> Row | None:
    """Let a mapping end sooner, inside the caller's transaction; its scheme, or nothing when it is not there.

    Raises:
        MappingEndPast: that is no later day than today, or no sooner end.
    """
    row = await fetch_one(
        "UPDATE tier_mappings SET effective_until = $2 WHERE id = $1 AND effective_until > $2 AND $2 > $3"
        " AND effective_from < $2 RETURNING scheme_code, version",
        *(mapping_id, until, today),
    )
    if row is None:
        await check_end(mapping_id, until, today)
    return row


async def check_end(mapping_id: int, until: date, today: date) -> Row | None:
    """The mapping, if it could end on that day; nothing when it is not there.

    Raises:
        MappingEndPast: it could not.
    """
    row = await fetch_one(
        "SELECT scheme_code, version, effective_from, effective_until FROM tier_mappings WHERE id = $1",
        mapping_id,
    )
    if row is not None and not max(today, row["effective_from"]) < until < row["effective_until"]:
        raise MappingEndPast(until=row["effective_until"].isoformat())
    return row

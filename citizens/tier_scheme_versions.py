"""New versions of tier schemes: announced before they count (rule 4), on a scale without gaps, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Self

import asyncpg

from citizens.tier_schemes import Band, Scheme
from common.clock import rfc3339
from common.database import Row, constraint_of, execute, fetch_all, fetch_one
from common.errors import Invalid, Refused
from models.enums import TierLevel


class BandsNotInOrder(Invalid):
    """Bands that overlap, leave a gap, fall on the ladder, or are called the same."""

    code = "bands_not_in_order"
    pointer = "/bands"
    zh = "等级档须从低到高、首尾相接、不重名，且等级不降。请检查第 {place} 档。"
    en = "Bands go from low to high without gap or overlap, with names of their own, and never fall on the ladder. Check band {place}."
    shown = ("place",)


class NoticeTooShort(Invalid):
    """It would count before people had the time that they were promised."""

    code = "notice_too_short"
    pointer = "/effective_from"
    zh = "生效时间须留足公告期，最早为 {earliest}。请改晚一些再提交。"
    en = "The version can't count before the promised notice is over, {earliest} at the earliest. Choose a later time."
    shown = ("earliest",)


class RefreshBeyondValidity(Invalid):
    """A tier would have to be taken anew after it ended."""

    code = "refresh_beyond_validity"
    pointer = "/refresh_days"
    zh = "更新间隔不能长于有效期（{validity_days} 天）。请改短，或不填。"
    en = "A tier can't be taken anew later than it is valid ({validity_days} days). Make it shorter, or leave it out."


class LaterVersionAnnounced(Refused):
    """Another version that counts as late or later was announced already."""

    code = "later_version_announced"
    zh = "这个方案已公布过一个同时或更晚生效的版本，请把生效时间改到它之后。"
    en = "A version that counts from the same time or later was announced already. Choose a time after it."


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that is not published yet; spans in days."""

    code: str
    name: str
    explanation: str
    grace_points: int
    validity_days: int
    notice_days: int
    effective_from: datetime
    bands: Sequence[Band]
    refresh_days: int | None = None

    def plain(self) -> dict[str, Any]:
        """Plain values, as a request keeps them until somebody decides."""
        return {**asdict(self), "effective_from": rfc3339(self.effective_from)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The draft of `plain`."""
        bands = [Band(**{**band, "level": TierLevel(band["level"])}) for band in plain["bands"]]
        moment = datetime.fromisoformat(plain["effective_from"])
        return cls(**{**plain, "effective_from": moment, "bands": bands})

    def digest(self) -> bytes:
        """A hash that names this very draft."""
        return sha256(dumps(self.plain(), sort_keys=True).encode()).digest()

    def scheme(self) -> Scheme:
        """The version that it would be."""
        spans = [
            timedelta(days=days) for days in (self.validity_days, self.refresh_days or self.validity_days)
        ]
        return Scheme(
            0, self.code, self.name, self.explanation, self.grace_points, spans[0], self.bands, spans[1]
        )


def check_bands(bands: Sequence[Band]) -> None:
    """Let bands pass that are a ladder: half-open, each beginning where the one below ends.

    Raises:
        BandsNotInOrder: the first one that is not so, counted from 1.
    """
    for place, band in enumerate(bands, 1):
        below = bands[: place - 1]
        is_named_again = any(band.code == other.code or band.name == other.name for other in below)
        is_apart = bool(below) and (band.low != below[-1].high or band.level < below[-1].level)
        if band.low >= band.high or is_named_again or is_apart:
            raise BandsNotInOrder(place=place)


def check_spans(draft: Draft) -> None:
    """Let spans pass that fit each other.

    Raises:
        RefreshBeyondValidity: a tier would be taken anew after it ended.
    """
    if draft.refresh_days is not None and draft.refresh_days > draft.validity_days:
        raise RefreshBeyondValidity(validity_days=draft.validity_days)


async def check_time(code: str, notice_days: int, effective_from: datetime, now: datetime) -> None:
    """Let a time pass that leaves the notice of the version itself and of the newest one before it.

    Raises:
        NoticeTooShort: it is too early.
        LaterVersionAnnounced: another one comes after it.
    """
    row = await fetch_one(
        "SELECT notice_days, effective_from FROM tier_schemes WHERE code = $1 ORDER BY version DESC LIMIT 1",
        code,
    )
    earliest = now + timedelta(days=max(notice_days, row["notice_days"] if row else 0))
    if effective_from < earliest:
        raise NoticeTooShort(earliest=earliest)
    if row and effective_from <= row["effective_from"]:
        raise LaterVersionAnnounced


async def publish(draft: Draft, now: datetime) -> int:
    """Announce a version, inside the caller's transaction; its number.

    Raises:
        NoticeTooShort, LaterVersionAnnounced: as for `check_time`; time has passed since it was asked for.
        BandsNotInOrder: as for `check_bands`.
    """
    check_bands(draft.bands)
    await check_time(draft.code, draft.notice_days, draft.effective_from, now)
    try:
        row = await fetch_one(
            "INSERT INTO tier_schemes (code, version, name, explanation, grace_points, validity_days, notice_days,"
            " published_at, effective_from, refresh_days)"
            " SELECT $1::varchar, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9::int"
            " FROM tier_schemes WHERE code = $1::varchar HAVING coalesce(max(effective_from) < $8, true)"
            " RETURNING id, version",
            *(draft.code, draft.name, draft.explanation, draft.grace_points, draft.validity_days),
            *(draft.notice_days, now, draft.effective_from, draft.refresh_days),
        )
    except asyncpg.UniqueViolationError as error:
        if constraint_of(error) == "tier_schemes_version_once":  # announced in the same moment
            raise LaterVersionAnnounced from None
        raise
    if row is None:
        raise LaterVersionAnnounced
    for band in draft.bands:
        await execute(
            "INSERT INTO tier_bands (scheme_id, code, name, level, low, high) VALUES ($1, $2, $3, $4, $5, $6)",
            *(row["id"], band.code, band.name, band.level, band.low, band.high),
        )
    return int(row["version"])


async def listed(before: int | None, limit: int) -> Sequence[tuple[Row, Sequence[Band]]]:
    """Versions of all schemes with their bands, newest first; `before` is the last id of the page before."""
    rows = await fetch_all(
        "SELECT * FROM tier_schemes WHERE id < $1 ORDER BY id DESC LIMIT $2", before or (1 << 62), limit
    )
    bands = await fetch_all(
        "SELECT * FROM tier_bands WHERE scheme_id = ANY ($1::bigint[]) ORDER BY scheme_id, low",
        [row["id"] for row in rows],
    )
    return [(row, [_band(band) for band in bands if band["scheme_id"] == row["id"]]) for row in rows]


async def in_force(now: datetime) -> set[int]:
    """The ids of the versions that count, one for each scheme."""
    rows = await fetch_all(
        "SELECT DISTINCT ON (code) id FROM tier_schemes WHERE effective_from <= $1 ORDER BY code, version DESC",
        now,
    )
    return {row["id"] for row in rows}


def _band(row: Row) -> Band:
    return Band(row["code"], row["name"], TierLevel(row["level"]), row["low"], row["high"])

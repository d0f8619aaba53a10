"""等级方案: which band a score lies in, by schemes that are data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.database import fetch_all, fetch_one
from models.enums import TierLevel


@dataclass(frozen=True, slots=True)
class Band:
    """Half-open [low, high) on the scheme's scale, and its place on the common ladder."""

    code: str
    name: str
    level: TierLevel
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version in force, bands from low to high.

    A snapshot is good for `validity`; one older than `refresh` is taken anew at the next look.
    """

    id: int
    code: str
    name: str
    explanation: str
    grace_points: int
    validity: timedelta
    bands: Sequence[Band]
    refresh: timedelta | None = None

    def band_of(self, score: int, previous: TierLevel | None = None) -> Band:
        """The band of a score.

        A citizen who falls below his band by no more than the grace points keeps it (rule 4), so that one
        point is no cliff.

        Raises:
            ValueError: the score is outside the scheme's scale.
        """
        if not self.bands[0].low <= score < self.bands[-1].high:
            raise ValueError("the score is outside the scheme's scale")
        for band in reversed(self.bands):
            low = band.low - (self.grace_points if band.level == previous else 0)
            if low <= score < band.high:
                return band
        raise ValueError("the score is in a gap of the scheme's scale")

    def band(self, code: str) -> Band:
        """The band of a code.

        Raises:
            ValueError: there is none.
        """
        for band in self.bands:
            if band.code == code:
                return band
        raise ValueError("the scheme has no such band")


async def find_in_force(code: str, now: datetime) -> Scheme | None:
    """The newest effective version of a scheme, or nothing: the code may be another place's."""
    return await _load("s.code = $1 AND s.effective_from <= $2", code, now)


async def scheme_by_id(scheme_id: int) -> Scheme:
    """The very version that a snapshot was taken under."""
    scheme = await _load("s.id = $1", scheme_id)
    assert scheme is not None, "versions are never deleted"
    return scheme


async def next_change(code: str, now: datetime) -> datetime | None:
    """When the next version that was announced takes effect; nothing when none was."""
    row = await fetch_one(
        "SELECT min(effective_from) AS effective_from FROM tier_schemes WHERE code = $1 AND effective_from > $2",
        *(code, now),
    )
    return row["effective_from"] if row is not None else None


async def _load(condition: str, *values: object) -> Scheme | None:
    rows = await fetch_all(
        "SELECT s.*, b.code AS band_code, b.name AS band_name, b.level, b.low, b.high"
        " FROM tier_schemes s JOIN tier_bands b ON b.scheme_id = s.id"
        f" WHERE s.id = (SELECT s.id FROM tier_schemes s WHERE {condition} ORDER BY s.version DESC LIMIT 1)"
        " ORDER BY b.low",
        *values,
    )
    if not rows:
        return None
    scheme = rows[0]
    return Scheme(
        id=scheme["id"],
        code=scheme["code"],
        name=scheme["name"],
        explanation=scheme["explanation"],
        grace_points=scheme["grace_points"],
        validity=timedelta(days=scheme["validity_days"]),
        bands=[
            Band(row["band_code"], row["band_name"], TierLevel(row["level"]), row["low"], row["high"])
            for row in rows
        ],
        refresh=timedelta(days=scheme["refresh_days"]) if scheme["refresh_days"] else None,
    )

"""互认: other places' tier schemes, recognised by dated mappings to the common ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from common.database import Row, fetch_all
from models.enums import TierLevel


@dataclass(frozen=True, slots=True)
class MappedTier:
    """One tier of another place's, by its code or by half-open [low, high), and its place on our ladder."""

    code: str
    name: str
    level: TierLevel
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """One version of a mapping: counts for data from `effective_from` up to but without `effective_until`."""

    id: int
    code: str
    version: int
    name: str
    place: str
    agreement: str
    validity: timedelta
    effective_from: date
    effective_until: date
    tiers: Sequence[MappedTier]
    refresh: timedelta | None = None

    def tier_of(self, score: int | None, tier_code: str | None) -> MappedTier:
        """The tier of a score, or of a code where the scheme is mapped by codes. There is no grace: theirs counts.

        Raises:
            ValueError: the mapping has no place for it.
        """
        for tier in self.tiers:
            if tier.low is None or tier.high is None:
                if tier.code == tier_code:
                    return tier
            elif score is not None and tier.low <= score < tier.high:
                return tier
        raise ValueError("the mapping has no place for this rating")

    def tier(self, code: str) -> MappedTier:
        """The tier of a snapshot."""
        return next(tier for tier in self.tiers if tier.code == code)


async def recognition_at(code: str, day: date) -> Recognition | None:
    """The mapping of another place's scheme that counts for data of a day; nothing where there is none."""
    found = await _load(
        "m.scheme_code = $1 AND m.effective_from <= $2 AND m.effective_until > $2 ORDER BY m.version DESC LIMIT 1",
        *(code, day),
    )
    return found[0] if found else None


async def recognition_by_id(mapping_id: int) -> Recognition:
    """The very version that a snapshot was taken under."""
    [found] = await _load("m.id = $1", mapping_id)
    return found


async def recognised(day: date, after: int, limit: int) -> Sequence[Recognition]:
    """What counts on a day or will later, by id; `after` is the last id of the page before."""
    return await _load("m.effective_until > $1 AND m.id > $2 ORDER BY m.id LIMIT $3", day, after, limit)


async def versions(before: int | None, limit: int) -> Sequence[Recognition]:
    """Every version there was, newest first; `before` is the last id of the page before."""
    return await _load("m.id < $1 ORDER BY m.id DESC LIMIT $2", before or (1 << 62), limit)


async def _load(condition: str, *values: object) -> list[Recognition]:
    rows = await fetch_all(f"SELECT m.* FROM tier_mappings m WHERE {condition}", *values)
    tiers = await fetch_all(
        "SELECT mapping_id, code, name, level, low, high FROM tier_mapping_bands"
        " WHERE mapping_id = ANY ($1::bigint[]) ORDER BY mapping_id, low, id",
        [row["id"] for row in rows],
    )
    return [
        _recognition(row, [_tier(tier) for tier in tiers if tier["mapping_id"] == row["id"]]) for row in rows
    ]


def _recognition(row: Row, tiers: Sequence[MappedTier]) -> Recognition:
    return Recognition(
        id=row["id"],
        code=row["scheme_code"],
        version=row["version"],
        name=row["scheme_name"],
        place=row["place"],
        agreement=row["agreement"],
        validity=timedelta(days=row["validity_days"]),
        effective_from=row["effective_from"],
        effective_until=row["effective_until"],
        tiers=tiers,
    )


def _tier(row: Row) -> MappedTier:
    return MappedTier(row["code"], row["name"], TierLevel(row["level"]), row["low"], row["high"])

"""Tier schemes: half-open bands that are data, a grace band, and versions that hold from their date on."""

from datetime import timedelta

import pytest

from citizens.tier_schemes import Band, Scheme, find_in_force, scheme_by_id
from models.enums import TierLevel
from tests.factories.moments import shanghai
from tests.factories.sources import a_scheme

LADDER = [
    Band("bad", "差", TierLevel.BAD, 0, 550),
    Band("poor", "较差", TierLevel.POOR, 550, 650),
    Band("fair", "中等", TierLevel.FAIR, 650, 750),
    Band("good", "良好", TierLevel.GOOD, 750, 850),
    Band("excellent", "优秀", TierLevel.EXCELLENT, 850, 1001),
]
SCHEME = Scheme(1, "zj", "方案", "说明", grace_points=5, validity=timedelta(days=30), bands=LADDER)


@pytest.mark.parametrize(
    ("score", "code"),
    [
        (0, "bad"),
        (549, "bad"),
        (550, "poor"),
        (649, "poor"),
        (749, "fair"),
        (750, "good"),
        (849, "good"),
        (850, "excellent"),
        (1000, "excellent"),
    ],
)
def test_bands_are_half_open(score: int, code: str) -> None:
    assert SCHEME.band_of(score).code == code


@pytest.mark.parametrize("previous", [None, *TierLevel])
@pytest.mark.parametrize("score", [-1, -5, -1000, 1001, 10**9])
def test_a_score_outside_the_scale_has_no_band(score: int, previous: TierLevel | None) -> None:
    with pytest.raises(ValueError, match="scale"):
        SCHEME.band_of(score, previous)


@pytest.mark.parametrize(
    ("score", "previous", "code"),
    [
        (849, TierLevel.EXCELLENT, "excellent"),
        (845, TierLevel.EXCELLENT, "excellent"),
        (844, TierLevel.EXCELLENT, "good"),
        (849, TierLevel.GOOD, "good"),
        (849, None, "good"),
        (745, TierLevel.EXCELLENT, "fair"),
        (745, TierLevel.GOOD, "good"),
        (760, TierLevel.POOR, "good"),
        (1000, TierLevel.BAD, "excellent"),
    ],
)
def test_who_falls_by_a_few_points_keeps_his_band_and_nobody_elses(
    score: int, previous: TierLevel | None, code: str
) -> None:
    """Rule 4."""
    assert SCHEME.band_of(score, previous).code == code


def test_grace_never_puts_anybody_lower() -> None:
    for score in range(1001):
        plain = SCHEME.band_of(score)
        assert all(SCHEME.band_of(score, previous).level >= plain.level for previous in TierLevel)


def test_without_grace_points_there_is_no_grace() -> None:
    strict = Scheme(1, "zj", "方案", "说明", 0, timedelta(days=30), LADDER)
    assert strict.band_of(849, TierLevel.EXCELLENT).code == "good"


async def test_a_version_holds_from_its_date_on(database: str) -> None:
    band = ("all", 3, 0, 1001)
    first = await a_scheme("zj", 1, band, effective_from=shanghai("2026-01-01 00:00"))
    second = await a_scheme("zj", 2, band, effective_from=shanghai("2026-05-01 00:00"))
    await a_scheme("hz", 3, band, effective_from=shanghai("2026-01-01 00:00"))
    for moment, scheme_id in (
        ("2026-01-01 00:00", first),
        ("2026-04-30 23:59:59.999", first),
        ("2026-05-01 00:00", second),
    ):
        scheme = await find_in_force("zj", shanghai(moment))
        assert scheme is not None and scheme.id == scheme_id
    assert (await scheme_by_id(first)).id == first
    for code, moment in (("zj", "2025-12-31 23:59:59.999"), ("unknown", "2026-05-01 00:00")):
        assert await find_in_force(code, shanghai(moment)) is None


async def test_bands_are_read_from_low_to_high_with_names_and_levels(database: str) -> None:
    at = shanghai("2026-01-01 00:00")
    await a_scheme("zj", 1, ("high", 5, 700, 1001), ("low", 1, 0, 700), effective_from=at, grace=3, days=7)
    scheme = await find_in_force("zj", at)
    assert scheme is not None
    assert [(band.code, band.level, band.low, band.high) for band in scheme.bands] == [
        ("low", TierLevel.BAD, 0, 700),
        ("high", TierLevel.EXCELLENT, 700, 1001),
    ]
    assert (scheme.grace_points, scheme.validity, scheme.band("high").level) == (3, timedelta(days=7), 5)

"""What a version that is not announced yet would do: who rises, falls and stays, counted over people without names."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from citizens.tier_schemes import Band, Scheme

# A count below this singles people out.
FEW = 10
Shown = int | str


@dataclass(frozen=True, slots=True)
class Moves:
    """People by the band they are in and the one they would be in; no band is off the scheme's scale.

    `undecided`: how many are in a band that the new version divides, where nobody knows their scores.
    """

    people: Counter[tuple[Band | None, Band | None]] = field(default_factory=Counter)
    undecided: Counter[Band] = field(default_factory=Counter)
    saved_by_grace: int = 0

    @property
    def total(self) -> int:
        """Everybody who was counted."""
        return self.people.total() + self.undecided.total()

    def risen(self) -> int:
        """How many would be higher on the ladder."""
        return sum(
            count for (old, new), count in self.people.items() if old and new and new.level > old.level
        )

    def fallen(self) -> int:
        """How many would be lower."""
        return sum(
            count for (old, new), count in self.people.items() if old and new and new.level < old.level
        )

    def stayed(self) -> int:
        """How many would be where they are."""
        return sum(
            count for (old, new), count in self.people.items() if old and new and new.level == old.level
        )

    def off_scale(self) -> int:
        """How many scores the new version has no band for."""
        return sum(count for (_, new), count in self.people.items() if new is None)

    def losing(self, level: int) -> int:
        """How many reach a level now and would not any more."""
        return sum(
            count for (old, new), count in self.people.items() if _has(old, level) and not _has(new, level)
        )

    def gaining(self, level: int) -> int:
        """How many don't reach a level now and would."""
        return sum(
            count
            for (old, new), count in self.people.items()
            if old and not _has(old, level) and _has(new, level)
        )


def count_by_scores(before: Scheme | None, after: Scheme, histogram: Mapping[int, int]) -> Moves:
    """Everybody by his score.

    Who was kept in a band by grace before is not known: the band that his score has by itself counts as his.

    Args:
        before: the version that would be in force otherwise; nothing for a new scheme.
        histogram: how many people have which score.
    """
    people: Counter[tuple[Band | None, Band | None]] = Counter()
    saved = 0
    for score, count in histogram.items():
        old = _band_of(before, score) if before else None
        plain, kept = _band_of(after, score), _band_of(after, score, old)
        saved += count if kept != plain else 0
        people[old, kept] += count
    return Moves(people, saved_by_grace=saved)


def count_by_bands(counted: Sequence[tuple[Scheme, Mapping[str, int]]], after: Scheme) -> Moves:
    """Everybody by his band, where scores are not known: who is in a band that is divided stays undecided.

    Args:
        counted: versions, and how many people are in which of their bands, by code.
    """
    people: Counter[tuple[Band | None, Band | None]] = Counter()
    undecided: Counter[Band] = Counter()
    for before, by_code in counted:
        for code, count in by_code.items():
            old = before.band(code)
            would_be = {_band_of(after, score, old) for score in _turns(old, after)}
            if len(would_be) == 1:
                people[old, would_be.pop()] += count
            else:
                undecided[old] += count
    return Moves(people, undecided)


def _turns(old: Band, after: Scheme) -> Iterator[int]:
    """Scores of a band: its first one, and each at which the new version may answer otherwise."""
    yield old.low
    for band in after.bands:
        for score in (band.low, band.low - after.grace_points, band.high):
            if old.low < score < old.high:
                yield score


def _band_of(scheme: Scheme, score: int, previous: Band | None = None) -> Band | None:
    try:
        return scheme.band_of(score, previous.level if previous else None)
    except ValueError:
        return None


def _has(band: Band | None, level: int) -> bool:
    return band is not None and band.level >= level


def shown_count(count: int) -> Shown:
    """How a number of people is told: below ten as "<10", all others in tens, rounded down.

    Exact ones would tell small ones: by subtraction from a sum, or by a second draft that cuts one point elsewhere.
    """
    return f"<{FEW}" if 0 < count < FEW else count // FEW * FEW

"""What a draft would do: as many rise, fall and stay as one by one, and no small number is told."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from citizens.tier_moves import FEW, count_by_bands, count_by_scores, shown_count
from citizens.tier_scheme_versions import check_bands
from citizens.tier_schemes import Band, Scheme
from models.enums import TierLevel

SCALE = 60


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """A ladder of one to five bands over a scale that need not be the other one's."""
    low, high = draw(st.integers(0, 5)), draw(st.integers(SCALE - 5, SCALE))
    cuts = sorted(draw(st.sets(st.integers(low + 1, high - 1), max_size=4)))
    levels = sorted(
        draw(st.lists(st.sampled_from(TierLevel), min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    )
    edges = pairwise([low, *cuts, high])
    bands = [
        Band(f"b{place}", f"第{place}档", level, *edge)
        for place, (level, edge) in enumerate(zip(levels, edges, strict=True))
    ]
    grace = draw(st.integers(0, 8))
    return Scheme(1, "zj", "方案", "说明", grace, timedelta(days=30), bands)


people = st.lists(st.integers(0, SCALE - 1), max_size=80)


def level(scheme: Scheme, score: int, previous: TierLevel | None = None) -> int | None:
    """One person's, as a look-up would have it."""
    try:
        return scheme.band_of(score, previous).level
    except ValueError:
        return None


@given(schemes())
def test_every_score_of_the_scale_has_exactly_one_band(scheme: Scheme) -> None:
    """Half-open: each edge belongs to the band above it, and to no other."""
    check_bands(scheme.bands)
    for score in range(-1, SCALE + 1):
        of_score = [band for band in scheme.bands if band.low <= score < band.high]
        is_on_scale = scheme.bands[0].low <= score < scheme.bands[-1].high
        assert len(of_score) == is_on_scale
        assert level(scheme, score) == (of_score[0].level if of_score else None)


@given(schemes(), schemes(), people)
def test_it_counts_what_counting_one_by_one_counts(before: Scheme, after: Scheme, scores: list[int]) -> None:
    moves = count_by_scores(before, after, Counter(scores))
    rise = fall = stay = off = saved = 0
    lose, gain = Counter[int](), Counter[int]()
    for score in scores:
        old = level(before, score)
        plain = level(after, score)
        new = level(after, score, TierLevel(old) if old else None)
        off += new is None
        if old is not None and new is not None:
            rise, fall, stay = rise + (new > old), fall + (new < old), stay + (new == old)
        if plain != new:
            saved += 1
        for least in range(1, 5):
            lose[least] += old is not None and old >= least and (new is None or new < least)
            gain[least] += old is not None and old < least and new is not None and new >= least
    assert (moves.risen(), moves.fallen(), moves.stayed(), moves.off_scale()) == (rise, fall, stay, off)
    assert moves.total == len(scores)
    # Grace that lifts nobody on the ladder (two bands of one step) is counted as well.
    assert moves.saved_by_grace >= saved
    assert {least: moves.losing(least) for least in range(1, 5)} == {
        least: lose[least] for least in range(1, 5)
    }
    assert {least: moves.gaining(least) for least in range(1, 5)} == {
        least: gain[least] for least in range(1, 5)
    }


@given(schemes(), schemes(), people)
def test_without_scores_nothing_is_guessed(before: Scheme, after: Scheme, scores: list[int]) -> None:
    """Each cell is at most what scores would say, and what is missing is undecided."""
    known = [score for score in scores if level(before, score) is not None]
    by_code = Counter(before.band_of(score).code for score in known)
    rough = count_by_bands([(before, by_code)], after)
    exact = count_by_scores(before, after, Counter(known))
    assert rough.total == len(known) == exact.total
    for cell, count in rough.people.items():
        assert count == exact.people[cell] or count == 0
    for band, count in rough.undecided.items():
        assert count == by_code[band.code]


def test_the_same_bands_move_nobody() -> None:
    bands = [Band("low", "低", TierLevel.POOR, 0, 30), Band("high", "高", TierLevel.GOOD, 30, 60)]
    scheme = Scheme(1, "zj", "方案", "说明", 0, timedelta(days=30), bands)
    moves = count_by_bands([(scheme, {"low": 50, "high": 70})], scheme)
    assert (moves.stayed(), moves.risen(), moves.fallen(), moves.undecided.total()) == (120, 0, 0, 0)


@given(st.integers(0, 5_000_000))
def test_no_count_below_ten_is_told_and_the_others_in_tens(count: int) -> None:
    """So that no difference tells one: neither of a sum and its parts, nor of two drafts that cut a point apart."""
    told = shown_count(count)
    if 0 < count < FEW:
        assert told == f"<{FEW}"
    else:
        assert told == count // FEW * FEW


def test_two_drafts_a_point_apart_tell_nobody_of_one_score() -> None:
    """4,321 people reach 685 and seven of them have just that: neither draft's counts tell the seven."""
    told = []
    for cut in (685, 686):
        bands = [Band("low", "低", TierLevel.FAIR, 0, cut), Band("high", "高", TierLevel.GOOD, cut, 1001)]
        scheme = Scheme(1, "zj", "方案", "说明", 0, timedelta(days=30), bands)
        moves = count_by_scores(None, scheme, {600: 5_000, 685: 7, 700: 4_314})
        told.append(sorted(shown_count(count) for count in moves.people.values()))
    assert told == [[4320, 5000], [4310, 5000]]
    assert not any(isinstance(count, int) and count % FEW for counts in told for count in counts)

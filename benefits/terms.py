"""What a claimed coupon gives, as plain values; and the versions of it, which never change once written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from common.clock import SHANGHAI, end_of, local_day, start_of
from common.database import Row, fetch_one
from common.errors import NotFound
from models.enums import DiscountKind

TOLD_AHEAD_DAYS = 366
MAX_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of an offer's terms. Units as in `models.OfferTerms`: fen, per cent, minutes, Asia/Shanghai."""

    id: int
    offer_id: UUID
    title: str
    description: str
    discount_kind: DiscountKind
    uses_total: int | None
    daily_use_cap: int | None
    store_ids: frozenset[UUID]
    percent_off: int = 0
    cap_fen: int | None = None
    amount_off_fen: int = 0
    threshold_fen: int = 0
    fixed_price_fen: int = 0
    deposit_fen: int = 0
    pay_later_days: int = 0
    higher_limit: int = 0
    gift: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    wait_days: int = 0
    valid_days: int | None = None
    weekday_mask: int = 127
    open_minute: int = 0
    close_minute: int = 1440
    blackout_dates: frozenset[date] = frozenset()
    is_client_renewal_allowed: bool = True
    shows_holder: bool = False

    def validity(self, claimed_at: datetime) -> tuple[datetime, datetime]:
        """From when until when (exclusive) a coupon claimed at this moment can be used.

        Fixed dates stand as they are. Days after the claim: the day of the claim, or the one `wait_days`
        later, is the first; the last one is whole.
        """
        if self.valid_days is None:
            assert self.valid_from is not None and self.valid_until is not None
            return self.valid_from, self.valid_until
        first = local_day(claimed_at) + timedelta(days=self.wait_days)
        begins = start_of(first) if self.wait_days else claimed_at
        return begins, end_of(first + timedelta(days=self.valid_days - 1))

    def is_open_at(self, moment: datetime) -> bool:
        """Weekday, hour and date allow a redemption now."""
        local = moment.astimezone(SHANGHAI)
        return (
            bool(self.weekday_mask >> local.weekday() & 1)
            and self.open_minute <= local.hour * 60 + local.minute < self.close_minute
            and local.date() not in self.blackout_dates
        )

    def hours_text(self, today: date, language: str = "zh") -> str:
        """When it can be used, for people: 周一至周五 09:00–17:00；10月1日至10月7日不可用.

        Args:
            today: dates that are left out are told for a year from this day on.
            language: `zh`, or `en`: Mon–Fri 09:00–17:00; not on 1 Oct–7 Oct.
        """
        said = _ENGLISH if language == "en" else _CHINESE
        days = _runs(bit for bit in range(7) if self.weekday_mask >> bit & 1)
        text = said.every_day if days == [(0, 6)] else said.spans(days, said.weekday)
        if (self.open_minute, self.close_minute) != (0, 1440):
            text += f" {_clock_face(self.open_minute)}–{_clock_face(self.close_minute)}"
        ahead = _runs(
            day.toordinal() for day in self.blackout_dates if 0 <= (day - today).days < TOLD_AHEAD_DAYS
        )
        return text + (said.but_not.format(said.spans(ahead, said.date)) if ahead else "")


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each row of numbers that follow one another."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


@dataclass(frozen=True, slots=True)
class _Said:
    """How one language says days; weekdays are counted from 0 Monday, dates are ordinals."""

    every_day: str
    weekday: Callable[[int], str]
    date: Callable[[int], str]
    until: str
    comma: str
    but_not: str

    def spans(self, runs: Iterable[tuple[int, int]], name: Callable[[int], str]) -> str:
        return self.comma.join(self._span(first, last, name) for first, last in runs)

    def _span(self, first: int, last: int, name: Callable[[int], str]) -> str:
        if first == last:
            return name(first)
        return f"{name(first)}{self.comma if last == first + 1 else self.until}{name(last)}"


def _chinese_date(ordinal: int) -> str:
    day = date.fromordinal(ordinal)
    return f"{day.month}月{day.day}日"


def _english_date(ordinal: int) -> str:
    day = date.fromordinal(ordinal)
    return f"{day.day} {_MONTHS[day.month - 1]}"


# Not strftime's names: they follow the machine's language.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CHINESE = _Said("每天", lambda day: "周" + "一二三四五六日"[day], _chinese_date, "至", "、", "；{}不可用")
_ENGLISH = _Said(
    "Every day",
    lambda day: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day],
    _english_date,
    *("–", ", ", "; not on {}"),
)


def _clock_face(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def from_row(row: Row) -> Terms:
    """Terms from a row of `offer_terms`."""
    values = {name: row[name] for name in Terms.__slots__ if row[name] is not None}
    values["discount_kind"] = DiscountKind(row["discount_kind"])
    values["store_ids"] = frozenset(row["store_ids"])
    values["blackout_dates"] = frozenset(row["blackout_dates"])
    return Terms(**{"uses_total": None, "daily_use_cap": None, **values})


# Written once (a trigger sees to it), so what was read is good for as long as the process lives.
_kept: dict[int, Terms] = {}


async def terms_by_id(terms_id: int) -> Terms:
    """The terms of one version, from memory after the first time."""
    kept = _kept.get(terms_id)
    if kept is not None:
        return kept
    row = await fetch_one("SELECT * FROM offer_terms WHERE id = $1", terms_id)
    if row is None:
        raise NotFound
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    terms = _kept[terms_id] = from_row(row)
    return terms

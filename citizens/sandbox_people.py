"""The made-up people of the sandbox: one list for its login channel and its credit source."""

from datetime import date, timedelta
from typing import NamedTuple

from stdnum.cn import ric

from citizens.channels.contract import Person


class Demo(NamedTuple):
    """A demo person: name, ID number without its check digit, and score on the demo scheme's 1000 points."""

    name: str
    id_stem: str
    score: int | None


DEMO = {
    "demo-excellent": Demo("王大友", "33010619800312001", 880),
    "demo-good": Demo("陈小芳", "33010619850607002", 760),
    "demo-fair": Demo("林国强", "33010619900118003", 700),
    "demo-poor": Demo("周建平", "33010619751125004", 600),
    "demo-unrated": Demo("吴念真", "33010620050901005", None),
    # Under 14 until 2032.
    "demo-child": Demo("王小宝", "33010620180501007", None),
    "demo-cashier-self": Demo("许文秀", "33010619920214006", 880),
}
LOAD_SCORE = 880
# What another place says of whoever has no record here.
SCORE_ELSEWHERE = 780
LOAD_PEOPLE = 200_000_000
MAX_DIGITS = 100
_LOAD_REGIONS = [
    "330102",
    "330203",
    "330302",
    "330402",
    "330502",
    "330602",
    "330702",
    "330802",
    "330902",
    "331002",
    "331102",
]
_LOAD_BIRTH, _LOAD_DAYS = date(1950, 1, 1), 18_500


def person_of(name: str) -> Person | None:
    """The person behind a login name, or nobody."""
    demo = DEMO.get(name)
    if demo is not None:
        return Person(demo.name, _with_check_digit(demo.id_stem))
    number = name.removeprefix("load-")
    if number == name or not (number.isascii() and number.isdigit()) or len(number) > MAX_DIGITS:
        return None
    return Person("压测" + number, _load_id_number(int(number)))


def score_of(id_number: str) -> int | None:
    """The score that the sandbox source knows; everybody who is no demo person is excellent."""
    for demo in DEMO.values():
        if id_number.startswith(demo.id_stem):
            return demo.score
    return LOAD_SCORE


def scores_of_a_city() -> dict[int, int]:
    """A made-up city by score: as in what was published, most people are close together."""
    return {score: 20_000 // (10 + abs(score - 820)) for score in range(300, 1001)}


def _load_id_number(n: int) -> str:
    """One number for each n: real in form for the first 200 million, then simply numbered."""
    return _with_check_digit(_load_stem(n)) if n < LOAD_PEOPLE else f"load-{n}"


def _load_stem(n: int) -> str:
    """A thousand people a day of birth, 18,500 days, eleven districts."""
    born = _LOAD_BIRTH + timedelta(days=n // 1000 % _LOAD_DAYS)
    return f"{_LOAD_REGIONS[n // 1000 // _LOAD_DAYS]}{born:%Y%m%d}{n % 1000:03d}"


def _with_check_digit(stem: str) -> str:
    return stem + ric.calc_check_digit(stem + "0")

"""A what-if run as admins see it, by itself and with the request that it belongs to."""

from json import loads
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from models.office_enums import WhatIfState
from server.schemas import Moment, Out

Count = Annotated[
    int | Literal["<10"],
    Field(
        description="人数，舍到整十；不足 10 人显示为 <10 / people, in tens rounded down; fewer than ten are told as <10"
    ),
]


class BandOut(Out):
    """One band, half-open."""

    code: str
    name: str
    level: int
    low: int
    high: int


class MoveOut(Out):
    """How many would come from one band to another; without a band a score is off the scale, or not known."""

    before: str | None
    after: str | None
    people: Count
    is_undecided: bool = False


class LevelOut(Out):
    """Offers that ask for this tier: how many could not claim them any more, and how many could then."""

    min_tier_level: int
    lose: Count
    gain: Count


class OneBandOut(Out):
    """An offer that one band alone could claim under the draft: nobody announces it so."""

    id: str
    title: str
    min_tier_level: int


class ResultOut(Out):
    """What was counted: by scores, or by valid snapshots, where whoever is in a divided band stays undecided.

    Sums are in tens where a number of people is too small to be told.
    """

    basis: Literal["scores", "snapshots"]
    bands_before: list[BandOut]
    bands_after: list[BandOut]
    people: Count
    rise: Count
    fall: Count
    stay: Count
    off_scale: Count
    saved_by_grace: Count
    undecided: Count
    moves: list[MoveOut]
    by_min_tier_level: list[LevelOut]
    offers_of_one_band: list[OneBandOut]
    has_more_offers: bool


class WhatIfOut(Out):
    """A run; `parts_done` of 256 tells how far it has come, and its result is good for seven days."""

    id: UUID
    scheme_code: str
    state: WhatIfState
    parts_done: int
    asked_at: Moment
    done_at: Moment | None
    result: Annotated[ResultOut | None, BeforeValidator(lambda text: text and loads(text))]

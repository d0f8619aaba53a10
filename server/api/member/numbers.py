"""What the member's offers brought him."""

from typing import Literal

from pydantic import Field
from sanic import Blueprint

from alliance import numbers
from alliance.numbers import SpanInvalid
from common.actors import MemberActor
from server.api.numbers import NumbersOut, NumbersQuery, numbers_out, position_of, span_of
from server.endpoints import endpoint

routes = Blueprint("member_numbers", url_prefix="/numbers")


class MemberNumbersQuery(NumbersQuery):
    """Which days, and how the numbers are cut."""

    by: Literal["day", "offer", "store"] = Field(default="day", description="分组 / cut by")


@endpoint(
    routes,
    "GET",
    "",
    summary="经营数据 / Numbers",
    answers={200: NumbersOut},
    refusals=(SpanInvalid,),
    may="numbers.read",
)
async def read(actor: MemberActor, query: MemberNumbersQuery) -> NumbersOut:
    """From the views of an offer to new and returning customers; some seconds old. Never a citizen."""
    span = span_of(query.first, query.last)
    found = await numbers.of_member(actor, span, query.by, position_of(query), query.limit + 1)
    return numbers_out(found, query.limit)

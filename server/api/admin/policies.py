"""What a region asks of its members."""

from dataclasses import asdict
from typing import Annotated

from pydantic import Field
from sanic import Blueprint

from common.actors import AdminActor
from common.clock import now
from merchants import policies
from merchants.policies import Policy
from server.endpoints import endpoint
from server.schemas import In, Out

routes = Blueprint("admin_policies", url_prefix="/regions")


class PolicyIn(In):
    """Grade 1–5 (5 is the best), levels of review, and how complaints count (working days, number, days)."""

    min_grade: Annotated[int, Field(ge=1, le=5)]
    review_levels: Annotated[int, Field(ge=1, le=2)]
    complaint_answer_days: Annotated[int, Field(ge=1, le=60)]
    complaint_limit: Annotated[int, Field(ge=1, le=100)]
    complaint_window_days: Annotated[int, Field(ge=1, le=3660)]


class PolicyOut(Out):
    """What holds in the region, and whose policy that is; null is the default of the alliance."""

    min_grade: int
    review_levels: int
    complaint_answer_days: int
    complaint_limit: int
    complaint_window_days: int
    of_region: str | None


@endpoint(
    routes,
    "GET",
    "/<code>/policy",
    summary="地区入盟规则 / A region's policy",
    answers={200: PolicyOut},
    may="policy.read",
)
async def show(actor: AdminActor, code: str) -> PolicyOut:
    """A region without one follows the region above."""
    policy, region = await policies.read(actor, code)
    return PolicyOut(**asdict(policy), of_region=region)


@endpoint(
    routes,
    "PUT",
    "/<code>/policy",
    summary="设置地区入盟规则 / Set a region's policy",
    answers={204: None},
    may="policy.set",
)
async def put(actor: AdminActor, code: str, body: PolicyIn) -> None:
    """Members are measured by it at their next check."""
    await policies.put(actor, code, Policy(**body.model_dump()), now())

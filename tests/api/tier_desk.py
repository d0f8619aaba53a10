"""What the background does for tier schemes, done at once: counting what-ifs, telling citizens."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from alliance import tier_what_ifs
from common import database as db
from common.clock import now
from server.config import load
from server.jobs import JOBS, desk_of
from tests.api.kit import answered
from tests.service import Service

BANDS = [
    {"code": "low", "name": "较低", "level": 2, "low": 0, "high": 500},
    {"code": "high", "name": "较高", "level": 4, "low": 500, "high": 900},
    {"code": "top", "name": "最高", "level": 5, "low": 900, "high": 1001},
]


def a_draft(**changes: Any) -> dict[str, Any]:
    """A version of a scheme that nobody has thought of yet."""
    return {
        **{"code": f"t{uuid4().hex[:10]}", "name": "试行", "explanation": "只用来给您更多优惠。"},
        **{"grace_points": 5, "validity_days": 30, "notice_days": 30},
        **{"effective_from": "2099-01-01T00:00:00+08:00", "bands": BANDS, **changes},
    }


def a_mapping(**changes: Any) -> dict[str, Any]:
    """Another place's scheme, recognised for long."""
    tiers = [
        {"code": "b", "name": "一般", "level": 3, "low": 0, "high": 700},
        {"code": "a", "name": "优等", "level": 4, "low": 700, "high": 1001},
    ]
    return {
        **{"scheme_code": f"m{uuid4().hex[:10]}", "scheme_name": "随申分", "place": "上海"},
        **{"agreement": "长三角互认目录", "validity_days": 30, "effective_from": "2026-01-01"},
        **{"effective_until": "2099-01-01", "tiers": tiers, "reason": "长三角互认", **changes},
    }


async def carried_out(service: Service, with_scores: bool = True) -> None:
    """Every run that waits, and every notice of a change, as the worker does it."""
    settings = load(service.environment)
    rows = await service.fetch(
        "SELECT id FROM tier_what_ifs WHERE state = 'waiting' ORDER BY scheme_code LIMIT 10"
    )
    changes = await service.fetch("SELECT code, version FROM tier_schemes WHERE version > 1")
    await db.connect(settings.database_url, pool_size=2)
    try:
        for row in rows:
            if with_scores:
                await JOBS[tier_what_ifs.WHAT_IF_JOB](
                    desk_of(settings), {"what_if_id": str(row["id"])}, now()
                )
            else:
                await tier_what_ifs.run(UUID(str(row["id"])), None, now())
        for row in changes:
            await JOBS["tier_scheme.tell"](desk_of(settings), dict(row), now())
    finally:
        await db.disconnect()


async def agreed(head: httpx.AsyncClient, asked: httpx.Response) -> None:
    """The second head says yes."""
    path = f"/admin/approvals/{answered(asked, 202, 'approval_id')['approval_id']}/approval"
    answer = await head.post(path, json={"reason": "同意"})
    assert answer.status_code == 204, answer.text


async def announced(service: Service, **changes: Any) -> None:
    """A version that was counted and that two heads wanted."""
    admin, head = await service.admin(), await service.admin("demo-head")
    asked = await admin.post("/admin/tier-schemes", json={**a_draft(**changes), "reason": "调整"})
    await carried_out(service)
    await agreed(head, asked)

"""The errands around tier schemes: what-ifs, new versions, recognitions, and tiers that are due or other places'."""

import httpx

from citizens.tier_mappings import recognition_at
from common import database as db
from common.clock import local_day, now
from server.config import load
from tests.api.tier_desk import BANDS, a_draft, a_mapping, agreed, announced, carried_out
from tests.service import Service


async def run(service: Service, admin: httpx.AsyncClient) -> None:
    """Two heads change a scheme and recognise two others; a citizen looks at what his tier is worth."""
    head = await service.admin("demo-head")
    asked = await admin.post("/admin/tier-schemes/what-if", json=(draft := a_draft()))
    assert (await admin.post("/admin/tier-schemes/what-if", json=draft)).json() == asked.json()
    await carried_out(service, with_scores=False)
    assert (await admin.get(f"/admin/tier-schemes/what-ifs/{asked.json()['id']}")).status_code == 200
    owner = (await service.clerk("demo-owner")).http
    too_few = a_draft(bands=[BANDS[0], {**BANDS[1], "high": 1001}])
    waiting = await admin.post("/admin/tier-schemes", json={**too_few, "reason": "调整"})
    await carried_out(service)
    path = f"/admin/approvals/{waiting.json()['approval_id']}"
    assert (await head.post(f"{path}/approval", json={"reason": "同意"})).status_code == 409
    assert (await admin.get("/admin/approvals?limit=5")).status_code == 200
    assert (await admin.delete(path)).status_code == 204
    await _recognise(admin, head)
    citizen = await service.citizen()
    assert (await citizen.http.get("/me/credit")).status_code == 200
    await announced(service, code=draft["code"])
    await announced(service, code=draft["code"], effective_from="2099-06-01T00:00:00+08:00")
    await service.fetch(
        "UPDATE tier_snapshots SET scheme_id = (SELECT id FROM tier_schemes WHERE code = $2 AND version = 1)"
        " WHERE citizen_id = $1::uuid",
        *(citizen.id, draft["code"]),
    )
    await service.fetch("UPDATE tier_schemes SET told_up_to = NULL WHERE version > 1")
    await carried_out(service)
    await service.fetch(
        "UPDATE tier_snapshots SET scheme_id = NULL, tier_code = 'a', mapping_id = (SELECT min(id) FROM tier_mappings),"
        " taken_at = taken_at - interval '9 days', refresh_at = now() - interval '1 day' WHERE citizen_id = $1::uuid",
        citizen.id,
    )
    for each in ("/me/credit", "/me/credit", "/tier-schemes?limit=1", "/tier-recognitions?limit=1"):
        assert (await citizen.http.get(each)).status_code == 200, each
    assert (await owner.get("/tier-schemes")).status_code == 200
    unrated, shown = await service.citizen("demo-unrated"), await citizen.http.get("/tier-recognitions")
    code = {"scheme_code": shown.json()["items"][0]["scheme_code"]}
    assert (await unrated.http.post("/me/credit/recognition", json=code)).status_code == 200
    await db.connect(load(service.environment).database_url, pool_size=2)
    try:
        await recognition_at("zj-demo", local_day(now()))
    finally:
        await db.disconnect()


async def _recognise(admin: httpx.AsyncClient, head: httpx.AsyncClient) -> None:
    for _ in range(3):
        await agreed(head, await admin.post("/admin/tier-mappings", json=a_mapping()))
    mapping, *_ = (await admin.get("/admin/tier-mappings?limit=1")).json()["items"]
    path, end = f"/admin/tier-mappings/{mapping['id']}/end", {"reason": "终止"}
    assert (await admin.post(path, json={**end, "effective_until": "2020-01-01"})).status_code == 409
    await agreed(head, await admin.post(path, json={**end, "effective_until": "2098-01-01"}))

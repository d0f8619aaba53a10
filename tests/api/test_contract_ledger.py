"""The published roots and the proofs: who gets them, and that anybody can check them by the documented steps."""

import struct
from hashlib import sha256
from itertools import pairwise
from json import dumps, loads
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.merkle import root_by_path
from tests.api.kit import NOBODY, answered, problem, walk
from tests.api.offers import make_staff
from tests.e2e.invariants import check_sealed
from tests.service import CitizenClient, Service

SEAL = (
    "format",
    "number",
    "first_entry",
    "last_entry",
    "records",
    "root",
    "previous",
    "sealed_at",
    "public_key",
)
PERSONAL = ("citizen_id", "staff_id", "request_key", "request_hash", "reason")


async def a_redemption(service: Service) -> tuple[CitizenClient, str, str]:
    """A citizen, his coupon and its redemption at the demo shop."""
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    done = await clerk.redeem(await citizen.code(coupon["id"]))
    assert done.status_code == 201, done.text
    return citizen, coupon["id"], done.json()["id"]


def holds(proof: dict[str, Any]) -> dict[str, Any]:
    """Check a proof as docs/ledger.md says, with nothing of the service but the tree; the record."""
    seal, record = proof["seal"], loads(proof["record"])
    text = dumps({name: seal[name] for name in SEAL}, separators=(",", ":")).encode()
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal["public_key"]))
    key.verify(bytes.fromhex(seal["signature"]), text)
    kind = b"V" if record["kind"] == "reversal" else b"R"
    line = sha256(proof["record"].encode()).digest()
    leaf = struct.pack(">cQ16s32s", kind, record["entry"], UUID(record["id"]).bytes, line)
    root = root_by_path(
        sha256(b"\0" + leaf).digest(),
        *(proof["leaf_index"], seal["records"], [bytes.fromhex(node) for node in proof["path"]]),
    )
    assert root == bytes.fromhex(seal["root"])
    assert not {*PERSONAL} & set(record)
    return dict(record)


async def test_a_redemption_is_proved_to_its_citizen_and_to_the_member(service: Service) -> None:
    citizen, coupon, done = await a_redemption(service)
    clerk = await service.clerk()
    early = problem(await citizen.http.get(f"/me/redemptions/{done}/proof"), 409, "not_yet_sealed")
    assert early["sealed_by"]
    problem(await clerk.http.get(f"/redemptions/{done}/proof"), 409, "not_yet_sealed")
    await check_sealed(service.environment["DATABASE_URL"])
    # The citizen knows the id from the history of his coupon.
    history = (await citizen.http.get(f"/coupons/{coupon}")).json()["history"]
    assert [entry["redemption_id"] for entry in history] == [None, done]
    mine = answered(await citizen.http.get(f"/me/redemptions/{done}/proof"), 200, "redemption", "reversal")
    record = holds(mine["redemption"])
    assert (record["id"], record["discount_fen"], mine["reversal"]) == (done, 2_000, None)
    # He finds himself, and the member does not find him: the id stands there as a hash with the record's id.
    hidden = sha256(b"\x02" + UUID(done).bytes + UUID(citizen.id).bytes).hexdigest()
    assert record["citizen"] == hidden and citizen.id not in mine["redemption"]["record"]
    assert (await clerk.http.get(f"/redemptions/{done}/proof")).json() == mine
    published = {seal["number"]: seal for seal in await walk(service.client(), "/ledger/roots", 100)}
    seal = mine["redemption"]["seal"]
    assert published[seal["number"]] == seal


async def test_an_undone_redemption_is_proved_with_its_reversal(service: Service) -> None:
    citizen, _, done = await a_redemption(service)
    await check_sealed(service.environment["DATABASE_URL"])
    undone = (await (await service.clerk()).reverse(done)).json()["id"]
    problem(await citizen.http.get(f"/me/redemptions/{done}/proof"), 409, "not_yet_sealed")
    await check_sealed(service.environment["DATABASE_URL"])
    proof = (await citizen.http.get(f"/me/redemptions/{done}/proof")).json()
    holds(proof["redemption"])
    reversal = holds(proof["reversal"])
    assert (reversal["id"], reversal["redemption_id"]) == (undone, done)


async def test_a_proof_is_nobody_elses_business(service: Service) -> None:
    citizen, _, done = await a_redemption(service)
    await check_sealed(service.environment["DATABASE_URL"])
    stranger, other = await service.citizen(), await service.clerk("demo-other")
    colleague = await service.clerk(await make_staff(service, member="hz-books", stores=("hz-books-hefang",)))
    problem(await stranger.http.get(f"/me/redemptions/{done}/proof"), 404, "not_found")
    for clerk in (other, colleague):
        problem(await clerk.http.get(f"/redemptions/{done}/proof"), 404, "not_found")
        problem(await clerk.http.get(f"/me/redemptions/{done}/proof"), 403, "forbidden")
    problem(await citizen.http.get(f"/redemptions/{done}/proof"), 403, "forbidden")
    problem(await citizen.http.get(f"/me/redemptions/{NOBODY}/proof"), 404, "not_found")
    for path in (f"/me/redemptions/{done}/proof", f"/redemptions/{done}/proof"):
        problem(await service.client().get(path), 401, "unauthenticated")


async def test_the_roots_are_public_in_order_and_a_full_page_can_be_kept(service: Service) -> None:
    for _ in range(3):
        await a_redemption(service)
        await check_sealed(service.environment["DATABASE_URL"])
    public = service.client()
    seals = await walk(public, "/ledger/roots", 2)
    assert [seal["number"] for seal in seals] == list(range(1, len(seals) + 1)) and len(seals) >= 3
    for before, after in pairwise(seals):
        text = dumps({name: before[name] for name in SEAL}, separators=(",", ":")).encode()
        assert after["previous"] == sha256(text).hexdigest()
    first: httpx.Response = await public.get("/ledger/roots?limit=2")
    assert "immutable" in first.headers["cache-control"]
    last = await public.get(f"/ledger/roots?after={len(seals) - 1}")
    assert last.json() == {"items": seals[-1:], "next_cursor": None}
    assert last.headers["cache-control"] == "public, max-age=5"
    for query in ("after=-1", "after=x", "after=9223372036854775808", "limit=0"):
        problem(await public.get(f"/ledger/roots?{query}"), 422, "validation_failed")
    problem(await public.get("/ledger/roots?cursor=YQ"), 422, "cursor_invalid")


async def test_whether_sealing_keeps_up_is_on_the_metrics(service: Service) -> None:
    async def gauges() -> dict[str, float]:
        text = (await service.client().get(service.url + "/metrics")).text
        lines = [line.split() for line in text.splitlines() if line.startswith("xinyi_ledger_")]
        return {name: float(value) for name, value in lines}

    await a_redemption(service)
    before = await gauges()
    assert before["xinyi_ledger_unsealed_seconds"] > 0
    await check_sealed(service.environment["DATABASE_URL"])
    after = await gauges()
    assert after["xinyi_ledger_unsealed_seconds"] == 0
    assert after["xinyi_ledger_seal_number"] == before["xinyi_ledger_seal_number"] + 1

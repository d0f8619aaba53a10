"""The whole story over real sockets against two web processes: from the first sign-in to books that agree."""

import asyncio
import io
import re
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image

from tests.e2e.invariants import check
from tests.e2e.pages import listening, next_event
from tests.e2e.workbench import STEP_S, step_of
from tests.service import HUNDRED, CitizenClient, Service, StaffClient, new_key

CODE = re.compile(r"R1[A-Z2-7]{48}")


@pytest.fixture(scope="module")
def town(make_service: Callable[..., Service]) -> Service:
    """A service of its own, so that all hundred pieces are there."""
    return make_service()


async def sign_in_and_consent(service: Service) -> CitizenClient:
    """A person's first minutes: nothing is looked up before he agrees, and he can read what was."""
    citizen = await service.citizen("demo-good", consent=False)
    refused = await citizen.http.get("/me/credit")
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_required")
    proof = (await citizen.consent()).json()
    credit = (await citizen.http.get("/me/credit")).json()
    assert (credit["status"], credit["tier_name"]) == ("rated", "良好")
    [line] = (await citizen.http.get("/me/credit/lookups")).json()["items"]
    assert (line["reason"], line["consent_id"], line["outcome"]) == ("my_credit", proof["proof_id"], "rated")
    return citizen


async def find_and_claim(citizen: CitizenClient) -> dict[str, Any]:
    """From the list to the wallet; a lost answer is asked for again and changes nothing."""
    [found] = (await citizen.http.get("/offers", params={"q": HUNDRED})).json()["items"]
    assert (found["title"], found["stock_left"]) == (HUNDRED, 100)
    offer = (await citizen.http.get(f"/offers/{found['id']}")).json()
    assert offer["eligibility"] == {"eligible": True, "reasons": []}
    assert len(offer["stores"]) == 2
    key = new_key()
    first, again = await citizen.claim(HUNDRED, key), await citizen.claim(HUNDRED, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    second = await citizen.claim(HUNDRED)
    assert (second.status_code, second.json()["code"]) == (409, "limit_reached")
    return dict(first.json())


async def scanned(citizen: CitizenClient, coupon_id: str) -> str:
    """What a scanner reads from the picture that the phone shows."""
    path = f"/coupons/{coupon_id}/code"
    vector = await citizen.http.get(path, headers={"Accept": "image/svg+xml"})
    assert vector.headers["content-type"] == "image/svg+xml"
    root = ElementTree.fromstring(vector.content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")
    picture = await citizen.http.get(path, headers={"Accept": "image/png"})
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"] == "no-store"
    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)))
    assert read.format == zxingcpp.BarcodeFormat.QRCode
    assert CODE.fullmatch(read.text)
    return str(read.text)


async def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    return dict(problem)


async def redeem_once_and_never_twice(
    citizen: CitizenClient, clerk: StaffClient, colleague: StaffClient, coupon_id: str, events: Any
) -> tuple[str, str, Any]:
    """A scan, seen on the phone within a second; whoever scans next is told when it was."""
    text, key = await scanned(citizen, coupon_id), new_key()
    offered = (await clerk.preview(text)).json()
    assert (offered["discount_fen"], offered["payable_fen"]) == (2_000, 8_000)
    begun = time.monotonic()
    done = await clerk.redeem(f"  {text.lower()} ", key)
    assert done.status_code == 201, done.text
    event = await next_event(events)
    assert (event.name, event.data["redemption_id"]) == ("redeemed", done.json()["id"])
    assert event.at - begun < 1.0
    second = await refused(await colleague.redeem(text), 409, "already_redeemed")
    assert second["redeemed_at"] == done.json()["redeemed_at"]
    await refused(await citizen.http.get(f"/coupons/{coupon_id}/code"), 409, "already_redeemed")
    return text, key, done


async def undo_and_redeem_again(
    citizen: CitizenClient, clerk: StaffClient, coupon_id: str, events: Any, first: tuple[str, str, Any]
) -> tuple[str, Any]:
    """The coupon can be used again, but never with the code that was used."""
    text, _, done = first
    undone = await clerk.reverse(done.json()["id"])
    assert undone.status_code == 201
    event = await next_event(events)
    assert (event.name, event.data["redemption_id"]) == ("reversed", done.json()["id"])
    await refused(await clerk.redeem(text), 409, "code_used")
    fresh = await scanned(citizen, coupon_id)
    assert step_of(fresh) != step_of(text)
    key = new_key()
    again = await clerk.redeem(fresh, key)
    assert again.status_code == 201, again.text
    assert (await next_event(events)).name == "redeemed"
    return key, again


async def books_agree(service: Service, coupon_id: str) -> None:
    """Ledger, stock and coupon say the same, in SQL and to the citizen."""
    ledger = await service.fetch(
        "SELECT r.uses, r.discount_fen, v.id IS NOT NULL AS is_reversed FROM redemptions r"
        " LEFT JOIN reversals v ON v.redemption_id = r.id WHERE r.coupon_id = $1 ORDER BY r.redeemed_at",
        coupon_id,
    )
    assert [tuple(row) for row in ledger] == [(1, 2_000, True), (1, 2_000, False)]
    [coupon] = await service.fetch(
        "SELECT c.status, c.uses_done, s.total, s.issued FROM coupons c"
        " JOIN offer_stock s ON s.offer_id = c.offer_id WHERE c.id = $1",
        coupon_id,
    )
    assert tuple(coupon) == ("redeemed", 1, 100, 1)
    refusals = await service.fetch(
        "SELECT code, is_preview FROM attempts WHERE coupon_id = $1 ORDER BY attempted_at, id", coupon_id
    )
    assert [tuple(row) for row in refusals] == [
        ("already_redeemed", False),
        ("code_used", False),
        ("code_expired", False),
        ("code_expired", True),
    ]
    await check(service.fetch)


async def test_citizen_claims_clerk_redeems_undoes_and_redeems_and_the_books_agree(town: Service) -> None:
    citizen = await sign_in_and_consent(town)
    coupon = await find_and_claim(citizen)
    clerk, colleague = await town.clerk("demo-cashier"), await town.clerk("demo-cashier-2")
    assert clerk.store_id != colleague.store_id
    async with listening(citizen, coupon["id"]) as events:
        status = await next_event(events)
        assert (status.name, status.data) == ("status", {"status": "claimed", "uses_left": 1})
        first = await redeem_once_and_never_twice(citizen, clerk, colleague, coupon["id"], events)
        second_key, second = await undo_and_redeem_again(citizen, clerk, coupon["id"], events, first)

        text, key, done = first
        await asyncio.sleep((step_of(text) + 2) * STEP_S - time.time() + 0.2)

        late = await clerk.redeem(f"  {text.lower()} ", key)
        assert late.status_code == 201
        assert late.content == done.content
        assert late.headers["idempotency-replayed"] == "true"
        assert (await clerk.redeem(f"  {text.lower()} ", key, uses=2)).json()[
            "code"
        ] == "idempotency_key_reused"
        await refused(await clerk.redeem(text), 410, "code_expired")
        await refused(await clerk.preview(text), 410, "code_expired")
        # The page stayed open all the while, and nothing was said twice.
        silent = [events.get_nowait().name for _ in range(events.qsize())]
        assert silent and set(silent) == {"heartbeat"}
    assert second.json()["id"] != done.json()["id"]
    seen = (await citizen.http.get(f"/coupons/{coupon['id']}")).json()
    assert [entry["event"] for entry in seen["history"]] == ["claimed", "redeemed", "reversed", "redeemed"]
    assert (seen["status"], seen["uses_left"]) == ("redeemed", 0)
    await books_agree(town, coupon["id"])

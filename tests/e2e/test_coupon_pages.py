"""Open coupon pages hear of their scan, however many open at once."""

import asyncio
import time
from collections.abc import Callable

from tests.e2e.pages import listening, next_event
from tests.service import Service


async def test_pages_that_open_together_in_a_fresh_process_all_hear_of_their_scan(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(workers=1)
    clerk = await service.clerk()
    citizen = await service.citizen()
    coupons = [(await citizen.coupon())["id"] for _ in range(12)]
    codes = [await citizen.code(coupon_id) for coupon_id in coupons]
    # Warm, so that opening database connections does not put the pages into a queue.
    await asyncio.gather(*(citizen.http.get(f"/coupons/{coupon_id}") for coupon_id in coupons))
    heard: dict[str, float] = {}
    everybody_listens = asyncio.Barrier(len(coupons) + 1)

    async def page(coupon_id: str) -> None:
        async with listening(citizen, coupon_id) as events:
            await next_event(events, 5.0)
            await everybody_listens.wait()
            event = await next_event(events, 5.0)
            heard[coupon_id] = event.at

    pages = [asyncio.create_task(page(coupon_id)) for coupon_id in coupons]
    await everybody_listens.wait()
    scanned_at: dict[str, float] = {}
    for coupon_id, code in zip(coupons, codes, strict=True):
        scanned_at[coupon_id] = time.monotonic()
        assert (await clerk.redeem(code)).status_code == 201
    await asyncio.gather(*pages, return_exceptions=True)
    deaf = [number for number, coupon_id in enumerate(coupons) if coupon_id not in heard]
    assert not deaf, f"pages {deaf} of {len(coupons)} heard nothing"
    assert max(heard[coupon_id] - scanned_at[coupon_id] for coupon_id in coupons) < 1.0

import asyncio
import time

import tests.e2e.wire as w
from tests.e2e.wire import *
from tests.faults.test_killed_postgres import frozen
from tests.service import new_key

w.PATIENCE_S = 80


async def test_p(town):
    service = town.serve()
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    code, key = await citizen.code(coupon["id"]), new_key()
    body = {"code": code, "store_id": clerk.store_id, "order_amount_fen": 10_000}

    async def one(name, call):
        line = await Line.open(service.url)
        t = time.monotonic()
        try:
            a = await line.ask(call)
            print(name, a.status, a.body[:120], round(time.monotonic() - t, 1))
        except BaseException as e:
            print(name, repr(e), round(time.monotonic() - t, 1))
        line.close()

    async with asyncio.TaskGroup() as g:
        with frozen(town.postgres):
            g.create_task(one("redeem", call_as(clerk.http, "POST", "/redemptions", body, key)))
            g.create_task(one("readyz", Call("GET", "/readyz")))
            await asyncio.sleep(60)
            print("thaw")

"""Tasks end when they are told, also those that lose a cancellation."""

import asyncio

from common.tasks import end_tasks


async def test_a_task_that_loses_its_cancellation_to_an_error_ends_all_the_same() -> None:
    lost = 0

    async def connect() -> None:
        nonlocal lost
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if lost < 2:
                lost += 1
                raise ConnectionRefusedError from None
            raise

    async def for_ever() -> None:
        while True:
            try:
                await connect()
            except OSError:
                continue

    async def at_once() -> None:
        raise ValueError

    tasks = [asyncio.create_task(work) for work in (for_ever(), at_once(), asyncio.sleep(60))]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end_tasks(tasks)
    assert lost == 2 and all(task.done() for task in tasks)
    assert isinstance(tasks[1].exception(), ValueError)

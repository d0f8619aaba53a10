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
    # Not `asyncio.timeout`: its cancellation would be lost like the one that this is about, and nothing would end.
    ending = asyncio.create_task(end_tasks(tasks))
    await asyncio.wait({ending}, timeout=5)
    is_over = ending.done() and all(task.done() for task in tasks)
    for _ in range(3):  # what is left must not keep the loop from closing
        for task in (ending, *tasks):
            task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert is_over
    await ending
    assert lost == 2 and all(task.done() for task in tasks)
    assert isinstance(tasks[1].exception(), ValueError)

"""Ending tasks of the event loop for sure."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def end_tasks(tasks: Iterable["asyncio.Task[Any]"], again_after_s: float = 0.2) -> None:
    """Cancel until all have ended, whatever they end with.

    Once is not enough: a library may take the cancellation for the end of a time limit of its own, or lose it to an
    error that comes at the same moment (asyncpg while it connects), and a task that lives on after errors goes on.

    Args:
        again_after_s: longer than a task may need to end in order, which a second word would interrupt.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_after_s)

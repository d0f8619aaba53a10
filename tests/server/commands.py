"""Running `python -m server …` as an operator does."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from common.database_url import tortoise_config
from tests.warm import Command


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **environ}


@asynccontextmanager
async def started(
    environ: Mapping[str, str],
    *arguments: str,
    python: tuple[str, ...] = (),
    is_warm: bool = False,
) -> AsyncIterator[asyncio.subprocess.Process | Command]:
    """A command that runs; killed at the end if it still does.

    Args:
        is_warm: forked from a process that has everything imported, where its start is not what is looked at.
    """
    process: asyncio.subprocess.Process | Command
    if is_warm and not python:
        process = await Command.start(_environment(environ), *arguments)
    else:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *(python or ("-m", "server")), *arguments),
            env=_environment(environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def run(
    environ: Mapping[str, str],
    *arguments: str,
    typed: str = "",
    within_s: float = 60,
    is_warm: bool = False,
) -> Ran:
    """Run a command to its end."""
    async with started(environ, *arguments, is_warm=is_warm) as process:
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), within_s)
        return Ran(process.returncode or 0, out.decode(), err.decode())


async def line_with(process: asyncio.subprocess.Process | Command, text: str) -> str:
    """Wait for the line of its output that holds a text."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if text in line:
            return line
    raise AssertionError(f"it ended without saying {text!r}")


async def connect(url: str) -> asyncpg.Connection:
    """A connection of its own, that knows nothing of this process's."""
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    return await asyncpg.connect(**{name: parts[name] for name in wanted})


async def query(url: str, sql: str, *values: object) -> list[Any]:
    """One statement on a connection of its own."""
    connection = await connect(url)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


# Where a command's start is not what is looked at.
started_warm, run_warm = partial(started, is_warm=True), partial(run, is_warm=True)

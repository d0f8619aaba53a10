"""The one migrate command: takes a lock, applies what is missing forward, records each step with it.

Tortoise's own command takes no lock, records after the commit and can drop everything on a bare
downgrade; here every migration and its record are one transaction under a session lock, so that three
runs at once, or one that is killed half-way and started again, end the same as one quiet run.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise import models as tortoise_models
from tortoise.connection import ConnectionHandler, get_connection
from tortoise.fields.base import Field
from tortoise.filters import FilterInfoDict
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, PlanStep
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import AddConstraint, AddField, AddIndex, CreateModel, RunSQL
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.transactions import in_transaction

from common.database import connect, disconnect, execute, fetch_all
from common.database_url import tortoise_config
from common.processes import collect_rarely
from models import monthly_logs, reference

# Any numbers will do, as long as they stay the same.
LOCK = 0x78696E7969
LOCK_OF_ONE_STEP = LOCK + 1

# How long whoever comes after us may have to queue, and how long they then have for themselves; together
# with the number of tries about a minute and a half.
LOCK_WITHIN_MS = 1_000
PAUSE_S = 2.0
TRIES = 30

# What these do to the database follows from the state after them alone.
_LOOKS_FORWARD = (CreateModel, AddField, AddIndex, AddConstraint, RunSQL)


class TablesHeld(Exception):
    """A table was never free; the sentence says who has it and what to do."""

    def __init__(self, migration: str, holder: int | None) -> None:
        who = f" (session {holder} is the oldest: SELECT pg_terminate_backend({holder}))" if holder else ""
        super().__init__(
            f"{migration} was not applied: an open transaction holds a table that it changes. Nothing of it was"
            f" changed. Wait until that transaction has ended, or end it{who}; then run migrate again."
        )


class WrongInstallation(Exception):
    """A sandbox on a production's database, or the other way round; the sentence says which."""


async def migrate(
    database_url: str,
    say: Callable[[str], None] = print,
    *,
    dry_run: bool = False,
    is_sandbox: bool = False,
) -> list[str]:
    """Bring the database to the newest migration and load the reference data.

    Args:
        dry_run: only say what would be applied.
        is_sandbox: whose database a new one becomes, for good.

    Returns:
        The names of the migrations that were (or would be) applied.

    Raises:
        WrongInstallation: it is the other's already; nothing was changed.
        TablesHeld: an open transaction kept a table from us; what was applied before stays.
    """
    await connect(database_url, pool_size=2, statement_timeout="0")
    try:
        async with _lock(database_url, say):
            await must_be_installation(is_sandbox)
            with _models_by_the_thousand():
                applied = await _apply(say, dry_run=dry_run)
            if not dry_run:
                await execute(
                    "INSERT INTO installation (id, is_sandbox) VALUES (1, $1) ON CONFLICT DO NOTHING",
                    is_sandbox,
                )
                changed = await reference.load(datetime.now(UTC))
                await monthly_logs.make_ahead(datetime.now(UTC))
                say(f"reference data: {changed} rows new or changed")
            return applied
    finally:
        await disconnect()


@contextmanager
def _models_by_the_thousand() -> Iterator[None]:
    """Let the garbage collector look less often, and models be made without what only queries need.

    Every step makes all models anew, which are full of cycles: looking through half a million objects over and over
    took more than half of a migration's time. It costs 150 MB of memory for these seconds. Of the rest, half went into
    the models' filters.
    """
    usual, filters = gc.get_threshold(), tortoise_models.get_filters_for_field  # type: ignore[attr-defined]
    collect_rarely()
    tortoise_models.get_filters_for_field = _no_filters  # type: ignore[attr-defined]
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        tortoise_models.get_filters_for_field = filters  # type: ignore[attr-defined]


def _no_filters(field_name: str, field: Field[Any] | None, source_field: str) -> dict[str, FilterInfoDict]:
    return {}


async def must_be_installation(is_sandbox: bool) -> None:
    """Check whose database this is, on an open connection; one without tables is nobody's yet.

    Raises:
        WrongInstallation: a sandbox's, for a production, or the other way round.
    """
    if (await fetch_all("SELECT to_regclass('installation') AS found"))[0]["found"] is None:
        return
    for row in await fetch_all("SELECT is_sandbox FROM installation"):
        if row["is_sandbox"] != is_sandbox:
            whose, wanted = (
                ("a sandbox", "a production") if row["is_sandbox"] else ("a production", "a sandbox")
            )
            raise WrongInstallation(
                f"DATABASE_URL names the database of {whose}, and this is {wanted}; nothing was changed."
                " Use a database of its own, and look at SANDBOX."
            )


async def pending() -> list[str]:
    """Names of the migrations that the code has and the database has not, on an open connection."""
    return [step.migration.name for step in await _plan(await _executor())]


async def drift(database_url: str) -> list[str]:
    """What the models say and the migrations don't: empty when `write` would write nothing."""
    writers = await (await _autodetector(database_url)).changes()
    return [operation.describe() for writer in writers for operation in writer.operations]


async def write(database_url: str) -> list[str]:
    """Write the next migration from the models; the files that were written.

    Constraints of `Meta.constraints` on a new table are not part of it: add them as 0002 does.
    """
    return await (await _autodetector(database_url)).write()


async def _autodetector(database_url: str) -> MigrationAutodetector:
    config = tortoise_config(database_url)
    await Tortoise.init(config=config, init_connections=False)
    assert Tortoise.apps is not None
    return MigrationAutodetector(Tortoise.apps, config["apps"])


@asynccontextmanager
async def _lock(database_url: str, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold the session lock on a connection of its own: it goes when the process does."""
    credentials = tortoise_config(database_url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database", "ssl")
    connection = await asyncpg.connect(**{name: credentials[name] for name in wanted if name in credentials})
    try:
        waited = 0
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            if waited % 50 == 0:
                say("another migration is running: waiting for it")
            waited += 1
            await asyncio.sleep(0.1)
        yield
    finally:
        await connection.close()


async def _executor() -> MigrationExecutor:
    config = Tortoise.apps and tortoise_config("postgres://localhost/unused")["apps"]
    assert config is not None
    executor = MigrationExecutor(get_connection("default"), config)
    await executor.loader.build_graph()
    return executor


async def _plan(executor: MigrationExecutor) -> list[PlanStep]:
    """Forward steps only: the way back is a restore or a new migration, never a drop."""
    exists = await fetch_all("SELECT to_regclass('tortoise_migrations') AS found")
    done = (
        {row["name"] for row in await fetch_all("SELECT name FROM tortoise_migrations")}
        if exists[0]["found"]
        else set()
    )
    steps = executor._migration_plan(None, set(), executor.loader.graph)
    return [step for step in steps if step.migration.name not in done]


async def _apply(say: Callable[[str], None], *, dry_run: bool) -> list[str]:
    executor = await _executor()
    if not dry_run:
        await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
    steps = await _plan(executor)
    if not steps:
        say("nothing to apply")
        return []
    pending_names = {step.migration.name for step in steps}
    state = await _state_of([key for key in executor._full_plan() if key.name not in pending_names], executor)
    for step in steps:
        say(f"{'would apply' if dry_run else 'applying'} {step.migration.name}")
        if not dry_run:
            state = await _apply_patiently(executor, state, step.migration, say)
    return [step.migration.name for step in steps]


async def _state_of(applied: list[MigrationKey], executor: MigrationExecutor) -> State:
    """What the tables look like after these migrations.

    Tortoise's own makes every model ready for queries at every step, with a connection; no migration queries through
    models, so a handler that has no database leaves that out: a third of the time.
    """
    state = State(models={}, apps=StateApps({"models": "default"}, ConnectionHandler()))
    for key in applied:
        migration = executor.loader.graph.nodes[key]
        assert migration is not None
        await migration.apply(state, dry_run=True, schema_editor=None)
    return state


async def _apply_patiently(
    executor: MigrationExecutor, state: State, migration: Migration, say: Callable[[str], None]
) -> State:
    """Apply one migration; a table that somebody else holds is waited for without holding up the others.

    Whoever wants a table after us queues behind us, so we step back after a second and ask again.

    Raises:
        TablesHeld: somebody held a table for longer than we try.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            return await _apply_once(executor, state.clone(), migration)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if not tries_left:
                raise TablesHeld(migration.name, await _oldest_holder()) from error
            if tries_left == TRIES - 1:
                say("a table is held by an open transaction: stepping back, and asking again")
            await asyncio.sleep(PAUSE_S)
    raise AssertionError("the last try returns or raises")


async def _apply_once(executor: MigrationExecutor, state: State, migration: Migration) -> State:
    """One transaction: the migration and its record, or nothing."""
    async with in_transaction() as transaction:
        await transaction.execute_script(f"SET LOCAL lock_timeout = '{LOCK_WITHIN_MS}ms'")
        # The session lock goes with its process, whose last statement can hang on in the database: beside its half
        # of this migration, PostgreSQL would number the names of sequences.
        await transaction.execute_script(f"SELECT pg_advisory_xact_lock({LOCK_OF_ONE_STEP})")
        editor = executor._schema_editor(atomic=True)
        editor.client = transaction
        await _run_operations(migration, state, editor)
        await MigrationRecorder(transaction).record_applied(migration.app_label, migration.name)
    return state


async def _run_operations(migration: Migration, state: State, editor: BaseSchemaEditor) -> None:
    """Do what `Migration.apply` does, with a copy of the state before an operation only for those that look at it.

    A copy makes all models anew: one for each operation was two thirds of a fresh database's time.
    """
    for operation in migration.operations:
        before = state if isinstance(operation, _LOOKS_FORWARD) else state.clone()
        operation.state_forward(migration.app_label, state)
        await operation.database_forward(migration.app_label, before, state, editor)
    state.validate_relations_initialized()


async def _oldest_holder() -> int | None:
    """The process id in PostgreSQL of the oldest session that has a table of this database locked."""
    rows = await fetch_all(
        "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " JOIN pg_database d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND l.locktype = 'relation' AND l.granted"
        " AND l.pid <> pg_backend_pid() ORDER BY a.xact_start NULLS LAST, l.pid LIMIT 1"
    )
    return rows[0]["pid"] if rows else None

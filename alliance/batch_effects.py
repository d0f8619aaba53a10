"""What a batch in force brings about: repairs, members to be checked again, mended rows, the end of the copy before.

What is read by others changes in the batch's own transaction. What only follows from it is done afterwards, can be done
twice, and is done by the next run when a process was killed in between (`settled_at`).
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from alliance import rechecks
from alliance.batch_rows import TARGETS
from citizens import snapshots
from common.database import execute, fetch_all, fetch_one, transaction
from models.office_enums import BatchKind

LOCK_WAIT = "2s"
COPIES = "SELECT batch_number FROM credit_copies WHERE source = $1 AND kind = '{kind}'"
# Of several repairs of one record the last one counts.
REPAIRS = (
    "(SELECT DISTINCT ON ({subject}, record_id) * FROM credit_repairs WHERE batch_number = $2 AND {subject} IS NOT NULL"
    " ORDER BY {subject}, record_id, data_date DESC, row_number DESC)"
)
PERSONS, ORGANISATIONS = REPAIRS.format(subject="person_hash"), REPAIRS.format(subject="uscc")
# A row that is younger than the repair says what came after it.
REPAIR = (
    f"UPDATE credit_ratings c SET score = r.score, scheme_code = r.scheme_code, data_date = r.data_date FROM {PERSONS} r"
    f" WHERE c.batch_number = ({COPIES.format(kind='tiers')}) AND c.person_hash = r.person_hash"
    " AND c.data_date <= r.data_date AND r.score IS NOT NULL",
    f"DELETE FROM credit_ratings c USING {PERSONS} r"
    f" WHERE c.batch_number = ({COPIES.format(kind='tiers')}) AND c.person_hash = r.person_hash"
    " AND c.data_date <= r.data_date AND r.score IS NULL",
    f"UPDATE organisation_grades c SET grade = r.grade, data_date = r.data_date FROM {ORGANISATIONS} r"
    f" WHERE c.batch_number = ({COPIES.format(kind='organisation_grades')}) AND c.uscc = r.uscc"
    " AND c.record_id = r.record_id AND c.data_date <= r.data_date AND r.grade IS NOT NULL",
    f"DELETE FROM organisation_grades c USING {ORGANISATIONS} r"
    f" WHERE c.batch_number = ({COPIES.format(kind='organisation_grades')}) AND c.uscc = r.uscc"
    " AND c.record_id = r.record_id AND c.data_date <= r.data_date AND r.grade IS NULL",
    f"DELETE FROM dishonest_organisations c USING {ORGANISATIONS} r"
    f" WHERE c.batch_number = ({COPIES.format(kind='dishonest_list')}) AND c.uscc = r.uscc"
    " AND c.record_id = r.record_id AND c.data_date <= r.data_date",
)


async def repair_copies(source: str, number: int) -> None:
    """Let a batch's repairs take effect on the copies in force, inside the batch's transaction (rule 9: at once)."""
    for statement in REPAIR:
        await execute(statement, source, number)


async def organisations_in_force(source: str) -> Mapping[str, int]:
    """Which batches' grades and list are in force, by kind."""
    rows = await fetch_all(
        "SELECT kind, batch_number FROM credit_copies WHERE source = $1"
        " AND kind IN ('organisation_grades', 'dishonest_list')",
        source,
    )
    return {row["kind"]: row["batch_number"] for row in rows}


async def recheck_changed(source: str, number: int, before: Mapping[str, int]) -> None:
    """Have members checked again whose grade or place on the list is another one now (rule 12), in the transaction."""
    after = await organisations_in_force(source)
    rows = await fetch_all(
        "SELECT m.id FROM members m"
        " LEFT JOIN organisation_grades o ON o.batch_number = $1 AND o.uscc = m.uscc"
        " LEFT JOIN organisation_grades n ON n.batch_number = $2 AND n.uscc = m.uscc"
        " WHERE m.status <> 'left' AND (o.grade IS DISTINCT FROM n.grade"
        "  OR EXISTS (SELECT FROM dishonest_organisations d WHERE d.batch_number = $3 AND d.uscc = m.uscc)"
        "   <> EXISTS (SELECT FROM dishonest_organisations d WHERE d.batch_number = $4 AND d.uscc = m.uscc)"
        "  OR EXISTS (SELECT FROM credit_repairs r WHERE r.batch_number = $5 AND r.uscc = m.uscc))",
        *(before.get(BatchKind.ORGANISATION_GRADES), after.get(BatchKind.ORGANISATION_GRADES)),
        *(before.get(BatchKind.DISHONEST_LIST), after.get(BatchKind.DISHONEST_LIST), number),
    )
    await rechecks.enqueue_changed([row["id"] for row in rows], f"batch-{number}")


async def settle_all(now: datetime) -> None:
    """Finish what killed processes left: batches in force whose effects are not all there."""
    for row in await fetch_all(
        "SELECT id, number FROM credit_batches WHERE in_force_at IS NOT NULL AND settled_at IS NULL ORDER BY number"
    ):
        await settle(row["id"], row["number"], now)


async def settle(batch_id: UUID, number: int, now: datetime) -> None:
    """What follows from a batch in force; the copy is repaired already, so that whoever looks again sees it."""
    while persons := await fetch_all(
        "SELECT id, person_hash, record_id FROM credit_repairs WHERE batch_number = $1 ORDER BY id LIMIT 1000",
        number,
    ):
        hashes = [row["person_hash"] for row in persons if row["person_hash"]]
        await snapshots.end_of_persons(hashes, now)
        await execute(
            "UPDATE credit_batch_errors e SET state = 'mended', mended_by = $1, ended_at = $2"
            " FROM credit_batches b, credit_batches mine WHERE e.state = 'open' AND e.code = 'objection_upheld'"
            " AND e.record_id = ANY ($3) AND b.id = e.batch_id AND b.source = mine.source AND mine.id = $1",
            *(batch_id, now, [row["record_id"] for row in persons]),
        )
        await execute("DELETE FROM credit_repairs WHERE id = ANY ($1)", [row["id"] for row in persons])
    await _mend(batch_id, number, now)
    await _end_abandoned(batch_id, now)
    if await _drop_replaced(number):
        await execute("UPDATE credit_batches SET settled_at = $2 WHERE id = $1", batch_id, now)


async def _mend(batch_id: UUID, number: int, now: datetime) -> None:
    """Bad rows of earlier batches whose records this one delivered rightly; an upheld objection waits for its repair."""
    for kind, target in TARGETS.items():
        if target.key:
            await execute(
                "UPDATE credit_batch_errors e SET state = 'mended', mended_by = $1, ended_at = $2"
                f" FROM credit_batches b, credit_batches mine, {target.table} good"
                " WHERE e.state = 'open' AND e.kind = $4 AND e.batch_id = b.id AND b.source = mine.source"
                " AND mine.id = $1 AND b.number < mine.number AND e.code <> 'objection_upheld'"
                " AND good.batch_number = $3 AND good.record_id = e.record_id AND e.record_id <> ''",
                *(batch_id, now, number, kind),
            )


async def _end_abandoned(batch_id: UUID, now: datetime) -> None:
    """Refuse older batches that were begun and never finished: their rows of people must not lie about."""
    rows = await fetch_all(
        "SELECT old.id, old.number FROM credit_batches old JOIN credit_batches mine ON mine.id = $1"
        " WHERE old.source = mine.source AND old.status = 'loading'"
        " AND (old.data_date, old.made_at) < (mine.data_date, mine.made_at)",
        batch_id,
    )
    for row in rows:
        async with transaction():
            await drop_tables(row["number"])
            await execute(
                "UPDATE credit_batches SET status = 'refused', failure = 'older_batch', ended_at = $2"
                " WHERE id = $1 AND status = 'loading'",
                *(row["id"], now),
            )


async def _drop_replaced(number: int) -> bool:
    """Drop the copies that no pointer names any more, with all their rows: there is no history (data minimisation).

    Whether that was possible: a table that a backup holds is left to the next run.
    """
    is_done = True
    for table in KIND_OF:
        rows = await fetch_all(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass($1)",
            table,
        )
        for old in sorted(int(row["relname"].rpartition("_")[2]) for row in rows):
            if old < number:
                try:
                    await _drop_unless_in_force(table, old)
                except asyncpg.LockNotAvailableError:
                    is_done = False
    return is_done


async def _drop_unless_in_force(table: str, number: int) -> None:
    async with transaction():
        await execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        if await fetch_one(
            "SELECT 1 FROM credit_copies WHERE batch_number = $1 AND kind = $2", number, KIND_OF[table]
        ):
            return
        await execute(f"DROP TABLE IF EXISTS {table}_{number}")


async def drop_tables(number: int) -> None:
    """Forget what was loaded of a batch that is refused, in the caller's transaction."""
    for table in KIND_OF:
        await execute(f"DROP TABLE IF EXISTS {table}_{number}")
    await execute("DELETE FROM credit_repairs WHERE batch_number = $1", number)


# Tables that have one of their own for each batch.
KIND_OF = {target.table: kind for kind, target in TARGETS.items() if target.key}

"""`python -m server retention`: what is kept how long, how much of it is over, and deleting that, in lines for an operator."""

from collections.abc import Callable

from common import database
from common.clock import now
from models.retention import RULES, Rule, forget, overdue

NOTHING_DELETED = "Nothing was deleted. The worker does it within minutes; --delete does it now."


async def keep(database_url: str, say: Callable[[str], None], *, is_dry_run: bool = True) -> None:
    """Go through the rules; logs in monthly partitions and files are the worker's (`docs/operations.md`).

    Args:
        say: is told a line for each rule.
        is_dry_run: only count.
    """
    await database.connect(database_url, pool_size=1, statement_timeout="0")
    try:
        for rule in RULES:
            rows = await overdue(rule, now()) if is_dry_run else await _forget_all(rule)
            say(
                f"{rule.table}: {rows} rows {'over' if is_dry_run else 'deleted'}, kept {_span(rule)}: {rule.why}"
            )
    finally:
        await database.disconnect()
    if is_dry_run:
        say(NOTHING_DELETED)


async def _forget_all(rule: Rule) -> int:
    rows = 0
    while done := await forget(rule, now()):
        rows += done
    return rows


def _span(rule: Rule) -> str:
    return f"{rule.kept.days} days" if rule.kept else "to its end"

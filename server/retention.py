"""`python -m server retention`: what is kept how long, how much of it is over, and deleting that, in lines for an operator."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from common import database
from common.clock import now
from models import monthly_logs, notice_log
from models.retention import KEPT, RULES, Rule, forget, overdue
from server.config import Settings

NOTICES_KEPT = "kept 90 days after they were read, a year in all, with their messages"
NOTHING_DELETED = "Nothing was deleted. The worker does it within minutes; --delete does it now."


async def keep(settings: Settings, say: Callable[[str], None], *, is_dry_run: bool = True) -> None:
    """Go through the rules, the logs that are kept by the month, and citizens' notices.

    Files go with what they belong to (`models.stored_files`).

    Args:
        say: is told a line for each rule.
        is_dry_run: only count.
    """
    await database.connect(settings.database_url, pool_size=1, statement_timeout="0")
    try:
        for rule in RULES:
            rows = await overdue(rule, now()) if is_dry_run else await _forget_all(partial(forget, rule))
            say(
                f"{rule.table}: {rows} rows {'over' if is_dry_run else 'deleted'}, kept {_span(rule)}: {rule.why}"
            )
        for name, months in settings.kept_months.items():
            over = await _months(name, months, is_dry_run)
            say(
                f"{name}: {over} months {'over' if is_dry_run else 'dropped'}, kept {months} months (rules 1 and 14)"
            )
        rows = await notice_log.overdue(now()) if is_dry_run else await _forget_all(notice_log.forget_old)
        for table, why in KEPT.items():
            say(f"{table}: kept: {why}")
        say(f"citizen_notices: {rows} rows {'over' if is_dry_run else 'deleted'}, {NOTICES_KEPT}")
    finally:
        await database.disconnect()
    if is_dry_run:
        say(NOTHING_DELETED)


async def _forget_all(forget_some: Callable[[datetime], Awaitable[int]]) -> int:
    rows = 0
    while done := await forget_some(now()):
        rows += done
    return rows


async def _months(name: str, kept_months: int, is_dry_run: bool) -> int:
    if not is_dry_run:
        return await monthly_logs.drop_old(name, kept_months, now())
    keep_from = monthly_logs.month_begin(now(), -kept_months)
    ends = [part.ends_at for part in await monthly_logs.partitions_of(name)]
    return sum(end is not None and end <= keep_from for end in ends)


def _span(rule: Rule) -> str:
    return f"{rule.kept.days} days" if rule.kept else "to its end"

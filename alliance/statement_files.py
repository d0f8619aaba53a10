"""Statements as tables: one of a member's, or a region's whole month. Nothing in them is of a person."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime
from uuid import UUID

from alliance import statement_views
from common import table_exports
from common.actors import MemberActor
from common.database import Row, fetch_all
from common.files import XLSX
from common.table_exports import CSV, Cell
from models import audit_log
from models.office_enums import ExportFormat
from models.region import subtree_prefix

PAGE = 2_000
MEDIA_TYPES = {ExportFormat.CSV: CSV, ExportFormat.XLSX: XLSX}
HEADER = (
    *(
        "账期 / period",
        "区划 / region",
        "成员 / member",
        "成员编号 / member_id",
        "门店 / store",
        "优惠 / offer",
    ),
    *("类型 / kind", "账本序号 / entry", "记录编号 / record_id", "被撤销的核销 / redemption_id", "时间 / at"),
    *("订单金额(分) / order_amount_fen", "优惠(分) / discount_fen", "成员承担(分) / member_fen"),
    *("公共单位承担(分) / public_unit_fen", "公共单位编号 / public_unit_id", "联盟承担(分) / alliance_fen"),
    "调整原因 / reason_code",
)
LINES = """
SELECT l.*, st.name AS store, t.title AS offer
  FROM (SELECT * FROM statement_lines WHERE statement_id = $1 AND id > $2 ORDER BY id LIMIT $3) l
  LEFT JOIN LATERAL (SELECT name FROM stores WHERE id = l.store_id LIMIT 1) st ON true
  LEFT JOIN LATERAL (SELECT terms_id FROM offers WHERE id = l.offer_id LIMIT 1) o ON true
  LEFT JOIN LATERAL (SELECT title FROM offer_terms WHERE id = o.terms_id LIMIT 1) t ON true
 ORDER BY l.id
"""
STATEMENT = """
SELECT s.id, s.period, s.region_id, s.member_id, m.name AS member
  FROM statements s CROSS JOIN LATERAL (SELECT name FROM members WHERE id = s.member_id LIMIT 1) m
"""
NEXT_CLOSED = f"""{STATEMENT}
 WHERE s.region_id LIKE $1 || '%' AND s.period = $2 AND s.state <> 'open' AND s.id > $3 ORDER BY s.id LIMIT 1
"""


async def own_file(
    actor: MemberActor, statement_id: UUID, kind: ExportFormat, now: datetime
) -> AsyncIterator[bytes]:
    """A member's own statement as a file, recorded in the audit.

    Raises:
        NotFound: no such statement of the member's; before anything is read.
    """
    row = await statement_views.seen(actor, statement_id)
    await audit_log.record(
        audit_log.who(actor),
        "statement.export",
        ("statement", statement_id),
        now,
        region=row["region_id"],
        after={"format": kind, "period": row["period"]},
    )
    [statement] = await fetch_all(f"{STATEMENT} WHERE s.id = $1", statement_id)
    return table_exports.chunks(MEDIA_TYPES[kind], HEADER, _of_one(statement))


def region_file(
    region: str, period: date, kind: ExportFormat, wrote: Callable[[int], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """All closed statements of a month in a region.

    Args:
        wrote: told of each batch, when it is written, how many rows it had.
    """
    return table_exports.chunks(MEDIA_TYPES[kind], HEADER, _of_region(region, period, wrote))


async def _of_region(
    region: str, period: date, wrote: Callable[[int], Awaitable[None]]
) -> AsyncIterator[list[tuple[Cell, ...]]]:
    after = statement_views.NOBODY
    while found := await fetch_all(NEXT_CLOSED, subtree_prefix(region), period, after):
        [statement] = found
        async for batch in _of_one(statement):
            yield batch
            await wrote(len(batch))
        after = statement["id"]


async def _of_one(statement: Row) -> AsyncIterator[list[tuple[Cell, ...]]]:
    after = statement_views.NOBODY
    while lines := await fetch_all(LINES, statement["id"], after, PAGE):
        yield [_cells(statement, line) for line in lines]
        after = lines[-1]["id"]


def _cells(statement: Row, line: Row) -> tuple[Cell, ...]:
    return (
        *(
            f"{statement['period']:%Y-%m}",
            statement["region_id"],
            statement["member"],
            statement["member_id"],
        ),
        *(
            line["store"],
            line["offer"],
            line["kind"],
            line["entry"],
            line["record_id"],
            line["redemption_id"],
        ),
        *(line["at"], line["order_amount_fen"], line["discount_fen"], line["member_fen"]),
        *(line["public_unit_fen"], line["public_unit_id"], line["alliance_fen"], line["reason_code"]),
    )

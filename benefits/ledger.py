"""The records of the ledger as a seal covers them: redemptions and reversals in one order, by `entry`.

A record is one line of JSON: the fields in the order below, no blanks, ASCII only, times in UTC with microseconds.
A leaf (`models.seals`) is 57 bytes: `R` for a redemption or `V` for a reversal, the entry (8 bytes, big-endian), the
record's id (16), and the SHA-256 of its line (32). So a leaf still names a record whose row is gone.

People are in it only as hashes of their random ids, each with the record's id: the line goes to members and
citizens as a proof, and equal ids would let them follow a person from one line to the next. Not in it: a
reversal's reason, which can be erased (rule 7), and the request's key and hash, which say how it was asked for
and not what was given.
"""

from hashlib import sha256
from uuid import UUID

from common.database import Row
from models.seals import Book, Record

COLUMNS = (
    "'R' AS kind, entry, id, staff_id, redeemed_at AT TIME ZONE 'UTC' AS at, citizen_id, coupon_id, offer_id, terms_id, member_id,"
    " store_id, step, order_amount_fen, discount_fen, payable_fen, uses, uses_left, NULL::uuid AS redemption_id"
)
REVERSAL_COLUMNS = (
    "'V', entry, id, staff_id, reversed_at AT TIME ZONE 'UTC', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " redemption_id"
)
READ = f"""
(SELECT {COLUMNS} FROM redemptions WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3)
UNION ALL
(SELECT {REVERSAL_COLUMNS} FROM reversals WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3)
ORDER BY entry, kind LIMIT $3
"""


UNSEALED_SINCE = """
SELECT min(at) AS at FROM (
    (SELECT redeemed_at AS at FROM redemptions WHERE entry > $1 ORDER BY entry LIMIT 1)
    UNION ALL
    (SELECT reversed_at FROM reversals WHERE entry > $1 ORDER BY entry LIMIT 1)) AS first
"""


def record_of(row: Row) -> Record:
    """A row of `READ` as a record."""
    return Record(row["kind"], row["entry"], row["id"], _line(row))


def _line(row: Row) -> str:
    # Taken apart at once: by name, column for column, costs as much as all the rest.
    (kind, entry, id_, staff, at, citizen, coupon, offer, terms, member, store, step) = row[:12]
    (order_fen, discount_fen, payable_fen, uses, uses_left, redemption) = row[12:]
    head = f'"entry":{entry},"id":"{id_}"'
    moment = at.isoformat(timespec="microseconds") + "Z"
    if kind == "V":
        return (
            f'{{"kind":"reversal",{head},"redemption_id":"{redemption}","staff":"{_hidden(id_, staff)}"'
            f',"reversed_at":"{moment}"}}'
        )
    return (
        f'{{"kind":"redemption",{head},"coupon_id":"{coupon}","offer_id":"{offer}","terms_id":{terms}'
        f',"member_id":"{member}","store_id":"{store}","staff":"{_hidden(id_, staff)}"'
        f',"citizen":"{_hidden(id_, citizen)}","step":{step},"order_amount_fen":{_number(order_fen)}'
        f',"discount_fen":{discount_fen},"payable_fen":{_number(payable_fen)},"uses":{uses}'
        f',"uses_left":{_number(uses_left)},"redeemed_at":"{moment}"}}'
    )


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _hidden(record_id: UUID, person_id: UUID) -> str:
    return sha256(b"\x02" + record_id.bytes + person_id.bytes).hexdigest()


LEDGER = Book(
    name="ledger",
    format="xinyi-seal/1",
    tables=("redemptions", "reversals"),
    sequence="ledger_entries",
    seals="seals",
    read=READ,
    record_of=record_of,
    oldest=UNSEALED_SINCE,
)

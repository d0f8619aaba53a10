"""How an entry of the list of what is kept of a citizen is written (`alliance.own_data`), and what many of them say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Said = tuple[str, str]  # in Chinese and in English

AT_ONCE: Said = ("账户注销时", "until you erase your account")
HALF_A_YEAR: Said = ("登录过期后半年", "half a year after the sign-in expires")
TEN_YEARS: Said = ("10 年", "10 years")
BOOKS: Said = ("随账本长期保存", "as long as the books")
HIMSELF: Said = ("只有您本人", "you alone")
OFFICE: Said = ("您本人、联盟办公室（只见随机编号）", "you, and the alliance office (a random id only)")
BY_CHANNEL: Said = (
    "在登录渠道（微信、支付宝、浙里办）里更正，再登录一次即更新",
    "correct it in the channel that you sign in through, then sign in again",
)
IN_THE_APP: Said = ("在“我的”里随时更改", "change it under “Me” at any time")
COMPLAIN: Said = ("如有不符，请在“我的”里投诉", "if it is wrong, complain under “Me”")
A_RECORD: Said = ("是已发生之事的记录，不能改写", "a record of what happened; it is not rewritten")
DELETED: Said = ("删除", "deleted")


# His id, and those of accounts that were joined to his: what was written before a join and is never changed has theirs.
HIS_IDS = "ANY (ARRAY(SELECT $1::uuid UNION ALL SELECT absorbed_id FROM citizen_joins WHERE citizen_id = $1))"


@dataclass(frozen=True, slots=True)
class OwnData:
    """One table's share of what is kept of a citizen.

    Args:
        select: SQL for his rows, `$1` being his id; columns ending in `_encrypted` are opened under the name
            `<table>.<column without it>`, other bytes (keyed hashes) are left out. Empty: nothing in it can be read.
        key: the column that orders them, of a uuid or a number.
        erase: SQL statements of an erasure, `$1` being his id and `$2` the time; twice changes nothing more.
        is_by_self_hash: `$1` is the keyed hash by which a clerk is known as him.
        erasure: what an erasure does, and where the row stays, why.
        opens: of encrypted columns that were sealed under another name.
    """

    table: str
    title: Said
    why: Said
    kept: Said
    seen_by: Said
    correct: Said
    erasure: Said
    select: str
    key: str = "id"
    erase: Sequence[str] = ()
    is_by_self_hash: bool = False
    opens: Mapping[str, str] = field(default_factory=dict)


def of_citizen(table: str) -> str:
    """SQL for all of his rows in a table that has his id."""
    return f"SELECT * FROM {table} WHERE citizen_id = $1"


def delete(table: str) -> str:
    """SQL that deletes them."""
    return f"DELETE FROM {table} WHERE citizen_id = $1"

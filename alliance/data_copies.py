"""A copy of everything that is kept of a citizen, for himself (rule 7, PIPL 45): made as it is sent, kept nowhere.

A file that waited to be fetched would be his whole life here in one place, on disks and in backups, beyond what an
erasure reaches. So none is made: the copy is read page by page while it goes out, over no connection that is held.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime
from json import dumps, loads
from typing import Protocol
from uuid import UUID

import asyncpg

from alliance.data_pages import PageCopy
from alliance.own_data import OWN_DATA
from alliance.own_data_terms import OwnData
from benefits.refusals import Busy
from common.clock import local_day, rfc3339
from common.crypto import PersonalDataKeys
from common.database import Row, constraint_of, execute, fetch_all
from common.errors import Refused
from common.ids import new_id
from models.citizen_enums import DataCopyFormat
from models.notice_texts import text_of

MOST_A_DAY = 3
PAGE = 500
# So that a copy ends: whoever has more of one kind reads the rest in the app's lists.
MOST_ROWS = 20_000
SEALED = "_encrypted"
NAME, VERSION = "xinyi-own-data", 1

COUNT = """
INSERT INTO data_copies (id, citizen_id, format, copied_at, copied_on, place)
SELECT $1, $2, $3, $4, $5, free.place
  FROM (SELECT min(place) AS place FROM generate_series(1, $6::int) AS place
         WHERE NOT EXISTS (SELECT FROM data_copies taken
                            WHERE taken.citizen_id = $2 AND taken.copied_on = $5 AND taken.place = place.place)) free
 WHERE free.place IS NOT NULL
"""


class DataCopiesUsedUp(Refused):
    """He took as many as one may in a day."""

    code = "data_copies_used_up"
    zh = "今天已取走 {limit} 份数据副本，请明天再来；各项信息也可以在“我的”里逐项查看。"
    en = "You took {limit} copies of your data today; come back tomorrow, or look at each thing under “Me”."


class Copy(Protocol):
    """One way to write a copy, piece by piece."""

    def begin(self, now: datetime) -> str:
        """The head."""
        ...

    def open(self, entry: OwnData) -> str:
        """A section, up to its items."""
        ...

    def item(self, values: Mapping[str, object]) -> str:
        """One row."""
        ...

    def close(self, is_complete: bool) -> str:
        """The section's end."""
        ...

    def end(self) -> str:
        """The copy's end."""
        ...


async def count(citizen_id: UUID, kind: DataCopyFormat, now: datetime) -> None:
    """Write down that a copy is taken, before it begins; he sees it in his access log.

    Raises:
        DataCopiesUsedUp: it would be one too many on this day (Asia/Shanghai).
        Busy: several at once are in each other's way.
    """
    for _ in range(MOST_A_DAY + 1):
        try:
            values = (new_id(), citizen_id, kind, now, local_day(now), MOST_A_DAY)
            if await execute(COUNT, *values):
                return
            raise DataCopiesUsedUp(limit=MOST_A_DAY)
        except asyncpg.UniqueViolationError as error:
            if constraint_of(error) != "data_copies_place_once":  # another phone of his took this place
                raise
    raise Busy


async def pieces(
    citizen_id: UUID, kind: DataCopyFormat, keys: PersonalDataKeys, now: datetime
) -> AsyncIterator[bytes]:
    """The copy, piece by piece; nothing of it is kept, nor held between two pieces."""
    copy: Copy = JsonCopy() if kind is DataCopyFormat.JSON else PageCopy()
    yield copy.begin(now).encode()
    for entry in OWN_DATA:
        if not entry.select:
            continue
        yield copy.open(entry).encode()
        rows, after = 0, None
        while page := await _page(entry, citizen_id, after):
            yield "".join(copy.item(_opened(entry, row, keys)) for row in page).encode()
            rows, after = rows + len(page), page[-1][entry.key]
            if len(page) < PAGE or rows >= MOST_ROWS:
                break
        yield copy.close(rows < MOST_ROWS).encode()
    yield copy.end().encode()


class JsonCopy:
    """For programs; the schema is in the service's OpenAPI document (`OwnDataOut`) under this version."""

    def __init__(self) -> None:
        self._between = ""

    def begin(self, now: datetime) -> str:
        """The head."""
        return f'{{"format": "{NAME}", "version": {VERSION}, "made_at": "{rfc3339(now)}", "sections": ['

    def open(self, entry: OwnData) -> str:
        """A section, up to its items."""
        said = {
            name: dict(zip(("zh", "en"), getattr(entry, name), strict=True))
            for name in ("title", "why", "kept", "seen_by", "correct", "erasure")
        }
        head = dumps({"name": entry.table, **said}, ensure_ascii=False)[:-1]
        between, self._between = self._between, ""
        return f'{between}{head}, "items": ['

    def item(self, values: Mapping[str, object]) -> str:
        """One row."""
        between, self._between = self._between, ", "
        return between + dumps(values, ensure_ascii=False)

    def close(self, is_complete: bool) -> str:
        """The section's end."""
        self._between = ", "
        return f'], "is_complete": {dumps(is_complete)}}}'

    def end(self) -> str:
        """The copy's end."""
        return "]}"


async def _page(entry: OwnData, citizen_id: UUID, after: object) -> list[Row]:
    which, values = (
        ("", [citizen_id]) if after is None else (f" WHERE own.{entry.key} > $2", [citizen_id, after])
    )
    return list(
        await fetch_all(
            f"SELECT * FROM ({entry.select}) own{which} ORDER BY own.{entry.key} LIMIT {PAGE}", *values
        )
    )


def _opened(entry: OwnData, row: Row, keys: PersonalDataKeys) -> dict[str, object]:
    values: dict[str, object] = {}
    for column, value in row.items():
        if column.endswith(SEALED):
            name = column.removesuffix(SEALED)
            context = entry.opens.get(column, f"{entry.table}.{name}")
            values[name] = None if value is None else keys.decrypt(value, context)
        elif not isinstance(value, bytes):  # a keyed hash tells nobody anything
            values[column] = _plain(value)
    more = SAYS.get(entry.table)
    return values | more(values) if more else values


def _plain(value: object) -> object:
    match value:
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case None | bool() | int() | str():
            return value
    return str(value)


def _notice(values: Mapping[str, object]) -> dict[str, object]:
    facts = loads(str(values["facts"]))
    return {"text": text_of(str(values["kind"]), facts, "zh")}


# What a table's row says in words, where its columns alone do not.
SAYS: Mapping[str, Callable[[Mapping[str, object]], dict[str, object]]] = {"citizen_notices": _notice}

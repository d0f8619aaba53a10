"""A book as lines for a verifier that trusts nobody; read in steps, never all of it in memory."""

from base64 import b64encode
from collections.abc import AsyncIterator
from json import dumps

from common.database import fetch_one
from models.seals import LARGEST, Book, newest, seals_after

STEP = 1_000


async def root_lines(book: Book) -> AsyncIterator[str]:
    """Every seal, as `/api/v1/ledger/roots` and `/api/v1/audit/roots` publish them: a page per line."""
    number = 0
    while seals := await seals_after(book, number, 100):
        number = seals[-1].number
        yield dumps({"items": [seal.published for seal in seals]})


async def export_lines(book: Book) -> AsyncIterator[str]:
    """For each seal a line with its leaves and one for each record that is there now, in the order of the entries.

    Every line begins with the seal's number; what no seal covers yet comes first, under the number 0. A line of
    leaves goes on with base64, that of a record with its kind, entry, id and line (see `models.seals`).
    """
    head = await newest(book)
    yield "0 "
    async for line in _record_lines(book, 0, head.last_entry if head else -LARGEST, LARGEST):
        yield line
    # No true entry is below 1: whatever stands there is shown with the first seal.
    number, entry = 0, -LARGEST
    while seals := await seals_after(book, number, 100):
        for seal in seals:
            number = seal.number
            row = await fetch_one(f"SELECT leaves FROM {book.seals} WHERE number = $1", number)
            yield f"{number} {b64encode(row['leaves']).decode() if row else ''}"
            # Whatever stands between two seals is shown with the later one.
            async for line in _record_lines(book, number, entry, seal.last_entry):
                yield line
            entry = max(entry, seal.last_entry)


async def _record_lines(book: Book, number: int, after: int, until: int) -> AsyncIterator[str]:
    while records := await book.records_between(after, until, STEP):
        after = records[-1].entry
        if len(records) == STEP:
            # Two of different kinds may have one entry, if one of them is forged: both come with the next step.
            after -= 1
            records = [record for record in records if record.entry <= after]
        for record in records:
            yield f"{number} {record.kind} {record.entry} {record.id} {record.line}"

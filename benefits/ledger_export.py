"""The ledger as lines for a verifier that trusts nobody; read in steps, never all of it in memory."""

from base64 import b64encode
from collections.abc import AsyncIterator
from json import dumps

from benefits.ledger import LARGEST, records_between
from benefits.seals import newest, seals_after
from common.database import fetch_one

STEP = 1_000


async def root_lines() -> AsyncIterator[str]:
    """Every seal, as `/api/v1/ledger/roots` publishes them: a page per line."""
    number = 0
    while seals := await seals_after(number, 100):
        number = seals[-1].number
        yield dumps({"items": [seal.published for seal in seals]})


async def export_lines() -> AsyncIterator[str]:
    """For each seal a line with its leaves and one for each record that is there now, in the order of the entries.

    Every line begins with the seal's number; what no seal covers yet comes first, under the number 0. A line of
    leaves goes on with base64, that of a record with its kind, entry, id and line (see `benefits.ledger`).
    """
    head = await newest()
    yield "0 "
    async for line in _record_lines(0, head.last_entry if head else 0, LARGEST):
        yield line
    number, entry = 0, 0
    while seals := await seals_after(number, 100):
        for seal in seals:
            number = seal.number
            row = await fetch_one("SELECT leaves FROM seals WHERE number = $1", number)
            yield f"{number} {b64encode(row['leaves']).decode() if row else ''}"
            # Whatever stands between two seals is shown with the later one.
            async for line in _record_lines(number, entry, seal.last_entry):
                yield line
            entry = max(entry, seal.last_entry)


async def _record_lines(number: int, after: int, until: int) -> AsyncIterator[str]:
    while records := await records_between(after, until, STEP):
        for record in records:
            yield f"{number} {record.kind} {record.entry} {record.id} {record.line}"
        after = records[-1].entry

"""How far each source was counted: a row that whoever counts holds, so that two processes take turns."""

from common.database import Row, execute, fetch_one
from models.office_enums import NumberSource


async def held(source: NumberSource) -> Row:
    """The mark of a source, locked until the end of the transaction; made the first time."""
    await execute("INSERT INTO number_marks (source) VALUES ($1) ON CONFLICT (source) DO NOTHING", source)
    row = await fetch_one(
        "SELECT mark, kept_from FROM number_marks WHERE source = $1 FOR NO KEY UPDATE", source
    )
    assert row is not None
    return row


async def read(source: NumberSource) -> int:
    """How far it was counted; somebody may be counting on."""
    row = await fetch_one("SELECT mark FROM number_marks WHERE source = $1", source)
    return row["mark"] if row else 0


async def advance(source: NumberSource, mark: int) -> None:
    """Remember how far it was counted; never back."""
    await execute("UPDATE number_marks SET mark = greatest(mark, $2) WHERE source = $1", source, mark)

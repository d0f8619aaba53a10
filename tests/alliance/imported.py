"""Files to import, and what they become."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from alliance import import_runs, imports
from alliance.import_kinds import KINDS
from common.actors import AdminActor
from common.database import Row
from common.files import FileStore
from common.table_exports import written
from common.table_files import opened
from models.office_enums import ImportKind
from tests.factories.moments import NOON

CSV = "text/csv"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ROLES = ("operator",)


def uscc_of(number: int) -> str:
    """A code whose check digit is right (GB 32100)."""
    base = f"91330106{number:09d}"
    total = sum(ALPHABET.index(char) * 3**place for place, char in enumerate(base))
    return base + ALPHABET[-total % 31]


def an_admin(region: str = "330100") -> AdminActor:
    """An operator of Hangzhou."""
    return AdminActor(uuid4(), uuid4(), ROLES, region)


def table(kind: ImportKind, *rows: dict[str, object], media_type: str = CSV) -> bytes:
    """A file with all columns of a kind; what a row leaves out is as in the template's example."""
    columns, example = KINDS[kind].columns, dict(zip(KINDS[kind].columns, KINDS[kind].example, strict=True))
    lines: list[Sequence[str]] = [columns]
    lines += [[str({**example, **row}[name]) for name in columns] for row in rows]
    return written(lines, media_type)


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """A content in pieces, as it arrives."""
    for start in range(0, len(content), 200_000):
        yield content[start : start + 200_000]


@dataclass
class Office:
    """Two admins of a region, and where files are kept."""

    files: FileStore
    sender: AdminActor
    second: AdminActor

    @classmethod
    def at(cls, folder: Path, region: str = "330100") -> "Office":
        """An office whose files are in a folder."""
        return cls(FileStore(folder), an_admin(region), an_admin(region))

    async def sent(self, kind: ImportKind, content: bytes, media_type: str = CSV) -> UUID:
        """Send a file in."""
        kept = await self.files.keep(chunks(content), media_type, imports.MOST_BYTES)
        row = await imports.add(self.sender, kind, kept, NOON)
        found: UUID = row["id"]
        return found

    async def checked(self, kind: ImportKind, content: bytes, media_type: str = CSV) -> Row:
        """Send a file in and have it checked."""
        import_id = await self.sent(kind, content, media_type)
        await import_runs.check(self.files, import_id, NOON)
        return await self.row(import_id)

    async def applied(self, kind: ImportKind, content: bytes, media_type: str = CSV) -> Row:
        """Send a file in, have it checked and applied."""
        row = await self.checked(kind, content, media_type)
        assert (row["status"], row["rows_bad"]) == ("checked", 0), await self.errors(row)
        await imports.apply(self.second, row["id"], NOON)
        await import_runs.apply(self.files, row["id"], NOON)
        return await self.row(row["id"])

    async def row(self, import_id: UUID) -> Row:
        """The import as it is now."""
        return await imports.of_admin(self.sender, import_id)

    async def errors(self, row: Row) -> list[tuple[int, str, str]]:
        """Row, column and code of what the file of errors says."""
        if row["errors_file_id"] is None:
            return []
        file = await imports.errors_file(self.sender, row["id"])
        with opened(self.files.path(file["sha256"]), file["media_type"], 60_000) as rows:
            lines = [cells for _, cells in rows]
        return [(int(cells[0]), cells[1], cells[2]) for cells in lines[1:]]

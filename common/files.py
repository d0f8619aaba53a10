"""Files' content in a folder of its own, outside of everything that is served, under the hash of what is in them.

What a file is said to be is checked against how it begins. The same content is kept once; what a crash leaves half
written has a name that nobody looks for, and is deleted after a day.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from common.errors import Invalid, Refused

CHUNK = 256 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How a file of this type begins; a CSV is text, and text has no magic number.
BEGINS: Mapping[str, bytes] = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    XLSX: b"PK\x03\x04",
    "text/csv": b"",
}
DOCUMENTS = frozenset({"application/pdf", "image/jpeg", "image/png"})
TABLES = frozenset({XLSX, "text/csv"})
# With those that were taken out again: what is sent in and removed over and over fills the disk too.
MOST_UPLOADS_A_DAY = 60


class TooManyUploads(Refused):
    """So many were sent in within a day, those that were removed included."""

    code = "too_many_uploads"
    zh = "一天内上传的文件太多（最多 {most} 份，已删除的也算）。请先合并成较少的文件，24 小时后再上传。"
    en = "Too many files within a day ({most} at most, deleted ones included). Put several into one, and go on in 24 hours."


class FileTooLarge(Invalid):
    """Larger than a file of this kind may be."""

    code = "file_too_large"
    zh = "文件太大，最多 {most_mb} MB。请压缩或拆分后重新上传。"
    en = "The file is too large; {most_mb} MB at most. Compress or split it and send it again."


class FileEmpty(Invalid):
    """Nothing in it."""

    code = "file_empty"
    zh = "文件是空的。请检查后重新上传。"
    en = "The file is empty. Check it and send it again."


class FileNotAsSaid(Invalid):
    """The content is of another type than the sender says."""

    code = "file_not_as_said"
    zh = "文件内容与声明的类型不一致。请确认文件没有损坏、后缀没有改错后重新上传。"
    en = "The content is not of the type that was given. Check that the file is whole, then send it again."


@dataclass(frozen=True, slots=True)
class Content:
    """What was kept: its type, size in bytes and SHA-256 (hexadecimal)."""

    media_type: str
    size: int
    sha256: str


class FileStore:
    """The folder. Several processes may write at once; several hosts need a folder that they share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, chunks: AsyncIterator[bytes], media_type: str, most_bytes: int) -> Content:
        """Read everything that arrives into the store; on any error nothing is left.

        Raises:
            FileTooLarge, FileEmpty, FileNotAsSaid: nothing was kept.
        """
        arriving = self._folder / "arriving"
        await asyncio.to_thread(arriving.mkdir, parents=True, exist_ok=True)
        digest, size, head = sha256(), 0, b""
        with NamedTemporaryFile(dir=arriving, delete=False) as file:
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most_bytes:
                        raise FileTooLarge(most_mb=most_bytes // 1_048_576)
                    head += chunk[: max(0, 4096 - len(head))]
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
                _check(head, size, media_type)
                content = Content(media_type, size, digest.hexdigest())
                await asyncio.to_thread(self._settle, file, content.sha256)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        return content

    def path(self, digest: str) -> Path:
        """Where the content with this hash is; it may be gone when its time was over."""
        return self._folder / digest[:2] / digest

    async def chunks(self, digest: str) -> AsyncIterator[bytes]:
        """The content, piece by piece.

        Raises:
            FileNotFoundError: it is gone.
        """
        with await asyncio.to_thread(self.path(digest).open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK):
                yield piece

    async def forget(self, digest: str) -> None:
        """Delete the content with this hash; nothing when it is gone already."""
        await asyncio.to_thread(self.path(digest).unlink, missing_ok=True)

    async def forget_older(self, digest: str, than: datetime) -> bool:
        """Delete the content with this hash if it was written before a time; whether it is gone."""
        path = self.path(digest)

        def forget() -> bool:
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= than.timestamp():
                    return False
                path.unlink()
            return True

        return await asyncio.to_thread(forget)

    async def forget_abandoned(self, before: datetime) -> int:
        """Delete what a killed process left half written before a time; how many files."""
        return await asyncio.to_thread(self._forget_abandoned, before.timestamp())

    def _forget_abandoned(self, before: float) -> int:
        done = 0
        for file in (self._folder / "arriving").glob("*"):
            with suppress(FileNotFoundError):  # whoever wrote it was just ready
                if file.stat().st_mtime < before:
                    file.unlink()
                    done += 1
        return done

    def _settle(self, file: IO[bytes], digest: str) -> None:
        # On disk before its row is written: a row never names what is not there.
        file.flush()
        os.fsync(file.fileno())
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        Path(file.name).replace(target)


async def append_line(path: Path, text: str) -> None:
    """Put a line at the end of a file, on disk when this returns; lines of several processes never mix."""

    def append() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text + "\n")  # in one piece, which a file that is appended to takes as one
            file.flush()
            os.fsync(file.fileno())

    await asyncio.to_thread(append)


def _check(head: bytes, size: int, media_type: str) -> None:
    if not size:
        raise FileEmpty
    if not head.startswith(BEGINS[media_type]) or (media_type == "text/csv" and b"\x00" in head):
        raise FileNotAsSaid

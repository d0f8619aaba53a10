"""The manifest of a source's daily batch: what was signed, and by whom, before a single row of it is read.

A batch is a folder: `manifest.json`, `manifest.sig` (base64 of an Ed25519 signature over the manifest's bytes; SM2 takes
its place in `common.signing` once the library has it) and the files that the manifest names.
"""

import base64
import binascii
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.clock import local_day
from common.signing import is_signed
from models.office_enums import BatchKind

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MOST_MANIFEST_BYTES = 1_048_576
# Clocks of two houses; more than this ahead, and the batch is from a time that has not come.
CLOCKS_DIFFER = timedelta(minutes=5)
COLUMNS: Mapping[BatchKind, tuple[str, ...]] = {
    BatchKind.TIERS: ("id_number", "score", "scheme_code", "data_date", "record_id"),
    BatchKind.ORGANISATION_GRADES: ("uscc", "grade", "data_date", "record_id"),
    BatchKind.DISHONEST_LIST: ("uscc", "data_date", "record_id"),
    BatchKind.REPAIRS: (
        *("subject_kind", "subject", "record_id", "repaired_on"),
        *("scheme_code", "score", "grade"),
    ),
}
# Rule 11, as such columns are called in one language or the other.
FORBIDDEN = (
    *(
        "income",
        "salary",
        "wage",
        "deposit",
        "saving",
        "bank",
        "relig",
        "faith",
        "gene",
        "dna",
        "fingerprint",
    ),
    *("biometr", "blood", "illness", "disease", "diagnos", "medical", "health"),
    *("收入", "工资", "薪", "存款", "储蓄", "宗教", "信仰", "基因", "指纹", "血型", "疾病", "病史", "健康"),
)

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,58}\.csv$")]
_Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BadBatch(Exception):
    """A batch that is refused as a whole; `code` is permanent, `file` which of its files it is about."""

    def __init__(self, code: str, file: str = MANIFEST) -> None:
        super().__init__(f"{code}: {file}")
        self.code, self.file = code, file


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FileEntry(_Strict):
    """One file as it is promised; `rows` without the header."""

    kind: Annotated[BatchKind, Field(strict=False)]
    name: _Name
    rows: Annotated[int, Field(ge=0, le=1_000_000_000)]
    sha256: _Sha256
    columns: Sequence[str]


class _Content(_Strict):
    format: Annotated[int, Field(ge=1, le=1)]
    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    batch_id: _Code
    data_date: Annotated[date, Field(strict=False)]
    made_at: Annotated[datetime, Field(strict=False)]
    files: Annotated[list[FileEntry], Field(min_length=1, max_length=len(BatchKind))]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose signature is good."""

    source: str
    batch_id: str
    data_date: date
    made_at: datetime
    files: Sequence[FileEntry]
    sha256: str


def read_manifest(folder: Path, source: str, public_key: bytes, now: datetime) -> Manifest:
    """Read, verify and judge a folder's manifest; the signature before anything else.

    Raises:
        BadBatch: `manifest_missing`, `signature`, `manifest`, `source`, `date`, or what is said of columns.
    """
    raw = _read(folder / MANIFEST)
    if not is_signed(public_key, _signature(folder), raw):
        raise BadBatch("signature", SIGNATURE)
    try:
        content = _Content.model_validate_json(raw)
    except ValidationError:
        raise BadBatch("manifest") from None
    if content.source != source:
        raise BadBatch("source")
    if content.made_at.tzinfo is None or content.made_at > now + CLOCKS_DIFFER:
        raise BadBatch("date")
    if content.data_date > local_day(content.made_at):
        raise BadBatch("date")
    for attribute in ("kind", "name"):
        if len({getattr(file, attribute) for file in content.files}) < len(content.files):
            raise BadBatch("manifest")
    for file in content.files:
        refuse_columns(file)
    return Manifest(
        *(content.source, content.batch_id, content.data_date, content.made_at, content.files),
        sha256(raw).hexdigest(),
    )


def refuse_columns(file: FileEntry) -> None:
    """Let pass what has exactly the columns of its kind, in their order.

    Raises:
        BadBatch: `forbidden_column` for what may never be stored (rule 11), else `columns`.
    """
    if any(word in column.lower() for column in file.columns for word in FORBIDDEN):
        raise BadBatch("forbidden_column", file.name)
    if tuple(file.columns) != COLUMNS[file.kind]:
        raise BadBatch("columns", file.name)


def opened(folder: Path, file: FileEntry) -> IO[bytes]:
    """A plain file of a batch, and never one that a link leads to.

    Raises:
        BadBatch: `file_missing`.
    """
    try:
        return _plain(folder / file.name)
    except OSError:
        raise BadBatch("file_missing", file.name) from None


def _plain(path: Path) -> IO[bytes]:
    """A file that is one: a pipe or a device may never end, and opening it not even begin."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError("no plain file")
    return os.fdopen(number, "rb")


def _read(path: Path) -> bytes:
    try:
        with _plain(path) as file:
            raw = file.read(MOST_MANIFEST_BYTES + 1)
    except OSError:
        raise BadBatch("manifest_missing", path.name) from None
    if len(raw) > MOST_MANIFEST_BYTES:
        raise BadBatch("manifest", path.name)
    return raw


def _signature(folder: Path) -> bytes:
    try:
        return base64.b64decode(_read(folder / SIGNATURE).strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadBatch("signature", SIGNATURE) from None

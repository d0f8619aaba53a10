"""Rows of a batch's files: plain fields between commas, each judged by itself; a bad one is sent back, not repaired.

This is what ten million rows a day pass through, hence one pattern for a whole line and what repeats kept at hand.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import mul
from typing import Any
from uuid import UUID

from stdnum.cn import uscc as uscc_numbers

from alliance.batch_manifest import COLUMNS
from citizens.accounts import ID_NUMBER
from common.crypto import PersonalDataKeys
from common.masking import holds_id_number
from models.office_enums import BatchKind

_RECORD = rb"[0-9A-Za-z][0-9A-Za-z._:-]{0,63}"
_DATE = rb"\d{4}-\d\d-\d\d"
_SCHEME = rb"[0-9A-Za-z_-]{1,32}"
_ID = rb"\d{17}[0-9X]"
_USCC = rb"[0-9A-Z]{18}"
FIELDS: Mapping[str, bytes] = {
    "id_number": _ID,
    "score": rb"-?\d{1,7}",
    "scheme_code": _SCHEME,
    "data_date": _DATE,
    "record_id": _RECORD,
    "uscc": _USCC,
    "grade": rb"\d",
    "subject_kind": rb"person|organisation",
    "subject": rb"\d{17}[0-9X]|[0-9A-Z]{18}",
    "repaired_on": _DATE,
}
MAY_BE_EMPTY = {BatchKind.REPAIRS: frozenset({"scheme_code", "score", "grade"})}
CODES = {
    "uscc": "uscc",
    **dict.fromkeys(("id_number", "subject", "subject_kind"), "subject"),
    **dict.fromkeys(("data_date", "repaired_on"), "date"),
    **{
        "score": "score_off_scale",
        "scheme_code": "scheme_unknown",
        "record_id": "record_id",
        "grade": "grade",
    },
}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ZEROS = 48 * sum(_WEIGHTS)
_CHECK = b"10X98765432"
# People live this long; an older birthday is a typing error.
FIRST_BIRTH_YEAR = 1880


class BadRow(Exception):
    """A row that is sent back: which field, a permanent code, and the record id where it can be read."""

    def __init__(self, name: str, code: str, record_id: str = "") -> None:
        super().__init__(code)
        self.field, self.code, self.record_id = name, code, record_id


@dataclass
class Rules:
    """What the rows of one batch are measured by. `schemes`: by code, the scale as [low, high)."""

    batch_number: int
    data_date: date
    schemes: Mapping[str, tuple[int, int]]
    keys: PersonalDataKeys
    _days: dict[bytes, date | None] = field(default_factory=dict)
    _births: dict[bytes, bool] = field(default_factory=dict)
    _hashed: Callable[[bytes], bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._hashed = self.keys.hasher(ID_NUMBER)

    def parser(self, kind: BatchKind) -> Callable[[bytes, int], tuple[Any, ...]]:
        """What makes of a line and its number the values of its table's columns (`TARGETS`), or raises `BadRow`."""
        make = {
            BatchKind.TIERS: self._tier,
            BatchKind.ORGANISATION_GRADES: self._grade,
            BatchKind.DISHONEST_LIST: self._dishonest,
            BatchKind.REPAIRS: self._repair,
        }[kind]
        match = LINES[kind].fullmatch

        def parse(line: bytes, number: int) -> tuple[Any, ...]:
            found = match(line)
            if found is None:
                raise _fault_of(kind, line)
            return make(found.groups(), number)

        return parse

    def _tier(self, values: Sequence[bytes], number: int) -> tuple[Any, ...]:
        id_number, score, scheme, day, record = values
        record_id = _record(record)
        data_date = self._day(day, "data_date", record_id)
        if not self._is_person(id_number):
            raise BadRow("id_number", "subject", record_id)
        code, points = self._on_scale(scheme, score, record_id)
        return self.batch_number, self._hashed(id_number), points, code, data_date, record_id, number

    def _grade(self, values: Sequence[bytes], number: int) -> tuple[Any, ...]:
        organisation, grade, day, record = values
        record_id = _record(record)
        data_date = self._day(day, "data_date", record_id)
        return (
            self.batch_number,
            _uscc(organisation, record_id),
            _on_ladder(grade, record_id),
            data_date,
            record_id,
            number,
        )

    def _dishonest(self, values: Sequence[bytes], number: int) -> tuple[Any, ...]:
        organisation, day, record = values
        record_id = _record(record)
        data_date = self._day(day, "data_date", record_id)
        return self.batch_number, _uscc(organisation, record_id), data_date, record_id, number

    def _repair(self, values: Sequence[bytes], number: int) -> tuple[Any, ...]:
        kind, subject, record, day, scheme, score, grade = values
        record_id = _record(record)
        repaired_on = self._day(day, "repaired_on", record_id)
        if kind == b"organisation":
            if scheme or score:
                raise BadRow("score", "score_off_scale", record_id)
            rank = _on_ladder(grade, record_id) if grade else None
            organisation = _uscc(subject, record_id)
            return self.batch_number, None, organisation, record_id, repaired_on, None, None, rank, number
        if not self._is_person(subject):
            raise BadRow("subject", "subject", record_id)
        if grade or bool(scheme) != bool(score):
            raise BadRow("score", "score_off_scale", record_id)
        code, points = self._on_scale(scheme, score, record_id) if score else (None, None)
        return (
            self.batch_number,
            self._hashed(subject),
            None,
            record_id,
            repaired_on,
            code,
            points,
            None,
            number,
        )

    def _on_scale(self, scheme: bytes, score: bytes, record_id: str) -> tuple[str, int]:
        code, points = scheme.decode(), int(score)
        scale = self.schemes.get(code)
        if scale is None:
            raise BadRow("scheme_code", "scheme_unknown", record_id)
        if not scale[0] <= points < scale[1]:
            raise BadRow("score", "score_off_scale", record_id)
        return code, points

    def _day(self, text: bytes, name: str, record_id: str) -> date:
        """A date until the batch's own; a batch has few different ones."""
        if text not in self._days:
            self._days[text] = self._read_day(text)
        day = self._days[text]
        if day is None:
            raise BadRow(name, "date", record_id)
        return day

    def _read_day(self, text: bytes) -> date | None:
        try:
            day = date.fromisoformat(text.decode())
        except ValueError:
            return None
        return day if day <= self.data_date else None

    def is_recent(self, day: date) -> bool:
        """Whether a row's date is the batch's or the day before."""
        return (self.data_date - day).days <= 1

    def _is_person(self, number: bytes) -> bool:
        """A resident ID number with its check digit (GB 11643) and a birthday that there was."""
        birth = number[6:14]
        if birth not in self._births:
            self._births[birth] = _is_birthday(birth)
        known = self._births[birth]
        return known and has_check_digit(number)


def has_check_digit(number: bytes) -> bool:
    """Whether the eighteenth character of an ID number is what the others make it (GB 11643)."""
    check: int = _CHECK[(sum(map(mul, _WEIGHTS, number)) - _ZEROS) % 11]
    return number[17] == check


def _is_birthday(text: bytes) -> bool:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).year >= FIRST_BIRTH_YEAR
    except ValueError:
        return False


def _record(record: bytes) -> str:
    # What names a record is kept and sent back: an ID number must not hide in it.
    text = record.decode()
    is_bare = len(record) == 18 and record[:17].isdigit() and has_check_digit(record.upper())
    if is_bare or (len(record) > 18 and holds_id_number(text)):
        raise BadRow("record_id", "record_id")
    return text


def _uscc(value: bytes, record_id: str) -> str:
    text = value.decode()
    if not uscc_numbers.is_valid(text):
        raise BadRow("uscc", "uscc", record_id)
    return text


def _on_ladder(grade: bytes, record_id: str) -> int:
    if not b"1" <= grade <= b"5":
        raise BadRow("grade", "grade", record_id)
    return int(grade)


def _fault_of(kind: BatchKind, line: bytes) -> BadRow:
    """Which field keeps a line from being one."""
    names, values = COLUMNS[kind], line.split(b",")
    if len(values) != len(names):
        return BadRow("row", "malformed")
    by_name = dict(zip(names, values, strict=True))
    record = by_name["record_id"]
    record_id = record.decode() if re.fullmatch(_RECORD, record) else ""
    if (len(record) == 18 and record[:17].isdigit()) or holds_id_number(record_id):
        record_id = ""
    optional = MAY_BE_EMPTY.get(kind, frozenset())
    for name, value in by_name.items():
        if not (name in optional and not value) and not re.fullmatch(FIELDS[name], value):
            return BadRow(name, CODES[name], record_id)
    return BadRow("row", "malformed", record_id)


def _line(kind: BatchKind) -> re.Pattern[bytes]:
    optional = MAY_BE_EMPTY.get(kind, frozenset())
    return re.compile(
        b",".join(b"(" + FIELDS[name] + (b"|" if name in optional else b"") + b")" for name in COLUMNS[kind])
    )


LINES = {kind: _line(kind) for kind in BatchKind}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a kind's rows go. `key` tells rows of one batch apart; without one they are not partitioned."""

    table: str
    columns: tuple[str, ...]
    key: str = ""
    content: str = ""
    day: int = 0


TARGETS: Mapping[BatchKind, Target] = {
    BatchKind.TIERS: Target(
        "credit_ratings",
        ("batch_number", "person_hash", "score", "scheme_code", "data_date", "record_id", "row_number"),
        key="person_hash",
        content="score, scheme_code, data_date, record_id",
        day=4,
    ),
    BatchKind.ORGANISATION_GRADES: Target(
        "organisation_grades",
        ("batch_number", "uscc", "grade", "data_date", "record_id", "row_number"),
        key="uscc",
        content="grade, data_date, record_id",
        day=3,
    ),
    BatchKind.DISHONEST_LIST: Target(
        "dishonest_organisations",
        ("batch_number", "uscc", "data_date", "record_id", "row_number"),
        key="uscc, record_id",
        content="data_date",
        day=2,
    ),
    BatchKind.REPAIRS: Target(
        "credit_repairs",
        (
            *("batch_number", "person_hash", "uscc", "record_id", "data_date"),
            *("scheme_code", "score", "grade", "row_number"),
        ),
        day=4,
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad row, ready to be written down."""

    id: UUID
    row_number: int
    record_id: str
    field: str
    code: str

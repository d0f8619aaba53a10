"""What can be imported: for each kind its columns, and how a row is read, checked and written."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alliance import import_members, import_offers, import_staff, import_stores
from alliance.import_cells import Cells, Row, RowError
from models.office_enums import ImportKind


@dataclass(frozen=True, slots=True)
class Kind:
    """How rows of one kind become what they are meant to be.

    `check` is run twice: for the dry run, and again inside the transaction that writes. `key` names a column and
    what no two rows of a file may have the same.
    """

    noun: str
    columns: Sequence[str]
    needed: Collection[str]
    example: Sequence[str]
    read: Callable[[Cells], dict[str, object]]
    key: Callable[[dict[str, object]], tuple[str, object]]
    check: Callable[[Sequence[Row], str], Awaitable[list[RowError]]]
    write: Callable[[Sequence[Row], Sequence[UUID], datetime], Awaitable[None]]


KINDS: Mapping[ImportKind, Kind] = {
    ImportKind.MEMBERS: Kind(
        "member",
        import_members.COLUMNS,
        ("kind", "name", "uscc", "region"),
        import_members.EXAMPLE,
        import_members.read,
        import_members.key,
        import_members.check,
        import_members.write,
    ),
    ImportKind.STORES: Kind(
        "store",
        import_stores.COLUMNS,
        import_stores.COLUMNS,
        import_stores.EXAMPLE,
        import_stores.read,
        import_stores.key,
        import_stores.check,
        import_stores.write,
    ),
    ImportKind.STAFF: Kind(
        "staff",
        import_staff.COLUMNS,
        ("member_uscc", "login", "role"),
        import_staff.EXAMPLE,
        import_staff.read,
        import_staff.key,
        import_staff.check,
        import_staff.write,
    ),
    ImportKind.OFFERS: Kind(
        "offer",
        import_offers.COLUMNS,
        import_offers.NEEDED,
        import_offers.EXAMPLE,
        import_offers.read,
        import_offers.key,
        import_offers.check,
        import_offers.write,
    ),
}

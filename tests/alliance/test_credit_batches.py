"""A source's batch counts as a whole or not at all, once, never after a newer one, and goes on where it was killed."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from alliance import batch_loading, credit_batches
from alliance.batch_manifest import COLUMNS
from alliance.credit_batches import Outcome
from citizens.accounts import ID_NUMBER
from common import database as db
from common.database import fetch_all, fetch_one
from common.signing import Signer
from models.office_enums import BatchKind
from tests.factories.batches import DAY, batch, batch_desk, csv_of, drop_tables, id_number, tables, tier_rows
from tests.factories.citizens import KEYS
from tests.factories.moments import shanghai
from tests.factories.sources import demo_scheme

NOW = shanghai("2026-03-04 05:00")
NEXT = timedelta(days=1)
T = BatchKind.TIERS
Import = Callable[..., Any]


def silent(_: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture
async def take(database: str, tmp_path: Path) -> AsyncIterator[Import]:
    """Import a batch that is written here."""
    await demo_scheme()
    desk = batch_desk(database, tmp_path / "files")

    async def taken(files: Any = None, *, now: Any = NOW, name: str = "batch", **more: Any) -> Outcome:
        folder = tmp_path / name
        if files is not None:
            batch(folder, files, **more)
        return await credit_batches.import_folder(desk, folder, now, silent)

    yield taken
    await drop_tables()


async def copy() -> dict[bytes, int]:
    """What is in force: score by hash."""
    rows = await fetch_all(
        "SELECT r.person_hash, r.score FROM credit_ratings r JOIN credit_copies c USING (batch_number)"
        " WHERE c.kind = 'tiers'"
    )
    return {row["person_hash"]: row["score"] for row in rows}


async def one_batch() -> db.Row:
    row = await fetch_one("SELECT * FROM credit_batches ORDER BY number DESC LIMIT 1")
    assert row is not None
    return row


async def test_a_batch_takes_force_and_holds_no_id_number(take: Import) -> None:
    assert await take({T: tier_rows(3)}) == Outcome("in_force")
    assert await copy() == {KEYS.keyed_hash(id_number(n), ID_NUMBER): 800 for n in range(3)}
    done = await one_batch()
    assert (done["status"], done["in_force_at"], done["settled_at"]) == ("in_force", NOW, NOW)
    columns = await fetch_all(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'credit_ratings'"
    )
    assert "id_number" not in {row["column_name"] for row in columns}


async def test_the_same_batch_again_does_nothing(take: Import) -> None:
    await take({T: tier_rows(3)})
    assert await take() == Outcome("known")
    assert len(await fetch_all("SELECT 1 FROM credit_batches")) == 1


async def test_the_next_day_replaces_the_copy_and_leaves_no_history(take: Import) -> None:
    await take({T: tier_rows(3)})
    assert await take({T: tier_rows(2, 700)}, day=DAY + NEXT, now=NOW + NEXT) == Outcome("in_force")
    assert set((await copy()).values()) == {700} and len(await copy()) == 2
    assert await tables() == {"credit_ratings_2"}
    states = await fetch_all("SELECT status FROM credit_batches ORDER BY number")
    assert [row["status"] for row in states] == ["superseded", "in_force"]


async def test_an_older_batch_is_refused_after_a_newer_one(take: Import) -> None:
    await take({T: tier_rows(2, 700)}, day=DAY + NEXT, now=NOW + NEXT)
    assert await take({T: tier_rows(3)}, name="old", now=NOW + NEXT) == Outcome(
        "older_batch", "manifest.json"
    )
    assert set((await copy()).values()) == {700} and await tables() == {"credit_ratings_1"}


async def test_a_mended_batch_of_the_same_day_replaces_the_first(take: Import) -> None:
    await take({T: tier_rows(2)})
    later = shanghai("2026-03-04 03:00")
    assert (await take({T: tier_rows(2, 810)}, made_at=later)).code == "in_force"
    assert set((await copy()).values()) == {810}


GOOD = csv_of(T, tier_rows(200))
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong key": ({"signer": Signer.of(b"x" * 32)}, "signature"),
    "other source": ({"manifest": {"source": "other"}}, "source"),
    "unknown manifest field": ({"manifest": {"note": "x"}}, "manifest"),
    "no files": ({"manifest": {"files": []}}, "manifest"),
    "tomorrow": ({"manifest": {"data_date": "2026-03-05"}}, "date"),
    "made in the future": ({"made_at": shanghai("2026-03-04 05:06")}, "date"),
    "without a zone": ({"manifest": {"made_at": "2026-03-04T00:00:00"}}, "date"),
    "path": ({"entries": {"name": "../tiers.csv"}}, "manifest"),
    "missing file": ({"entries": {"name": "other.csv"}}, "file_missing"),
    "hash": ({"entries": {"sha256": "0" * 64}}, "hash"),
    "count": ({"entries": {"rows": 201}}, "rows"),
    "income": ({"entries": {"columns": [*COLUMNS[T], "annual_income"]}}, "forbidden_column"),
    "blood": ({"entries": {"columns": [*COLUMNS[T], "血型"]}}, "forbidden_column"),
    "unknown column": ({"entries": {"columns": [*COLUMNS[T], "colour"]}}, "columns"),
    "other header": ({T: GOOD.replace(b"score", b"points", 1)}, "columns"),
    "byte order mark": ({T: b"\xef\xbb\xbf" + GOOD}, "columns"),
    "encoding": ({T: GOOD.replace(b"t-7\n", "记录".encode("gb18030") + b"\n")}, "encoding"),
    "no lines": ({T: GOOD[:-1] + b"," + b"x" * 9000 + b"\n"}, "line_too_long"),
    "many bad rows": ({T: GOOD.replace(b",800,", b",8000,", 3)}, "too_many_bad_rows"),
    "many repeated rows": ({T: GOOD + GOOD.partition(b"\n")[2]}, "too_many_bad_rows"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused_as_a_whole_leaves_nothing_in_force(
    take: Import, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_loading, "PIECE", 4096)
    changes, code = REFUSED[case]
    more = {name: value for name, value in changes.items() if name != T}
    assert (await take({T: changes.get(T, GOOD)}, **more)).code == code
    assert await copy() == {} and await tables() == set()
    assert [row["status"] for row in await fetch_all("SELECT status FROM credit_batches")] in (
        [],
        ["refused"],
    )


async def test_a_link_is_no_file_of_a_batch(take: Import, tmp_path: Path) -> None:
    batch(tmp_path / "batch", {T: GOOD})
    (tmp_path / "batch" / "tiers.csv").rename(tmp_path / "elsewhere.csv")
    (tmp_path / "batch" / "tiers.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert await take() == Outcome("file_missing", "tiers.csv")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("tiers.csv", "file_missing"),
        ("manifest.sig", "manifest_missing"),
        ("manifest.json", "manifest_missing"),
    ],
)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
async def test_what_is_no_plain_file_is_not_waited_for(
    take: Import, tmp_path: Path, name: str, code: str, make: Callable[[Path], None]
) -> None:
    """A pipe that nobody writes into would hold the import, and with it every batch after this one, for ever."""
    path = batch(tmp_path / "batch", {T: GOOD}) / name
    path.unlink()
    make(path)
    importing = asyncio.ensure_future(take())
    done, _ = await asyncio.wait({importing}, timeout=5)
    if not done and path.is_fifo():
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))  # lets its thread go
    assert done and await importing == Outcome(code, name)


async def test_bad_rows_are_read_until_there_are_too_many_and_no_further(take: Import) -> None:
    """Four megabytes of empty lines are four million faults, each of them an object: the process would be killed."""
    assert await take({T: GOOD + b"\n" * 9_800}) == Outcome("too_many_bad_rows", "tiers.csv")
    assert len(await fetch_all("SELECT 1 FROM credit_batch_errors")) == 101
    assert (await one_batch())["errors_file_id"] is not None


BAD_ROWS = {
    "check digit": (0, "330106195001010000", "id_number", "subject"),
    "no birthday": (0, "330106195002310005", "id_number", "subject"),
    "off the scale": (1, "1001", "score", "score_off_scale"),
    "below the scale": (1, "-1", "score", "score_off_scale"),
    "no number": (1, "=1+1", "score", "score_off_scale"),
    "scheme": (2, "nobody-s", "scheme_code", "scheme_unknown"),
    "no date": (3, "2026-02-30", "data_date", "date"),
    "future date": (3, "2026-03-04", "data_date", "date"),
    "formula": (4, "=cmd|x", "record_id", "record_id"),
    "an ID number as record": (4, id_number(1), "record_id", "record_id"),
    "an ID number in a record": (4, f"ZJ-{id_number(1)}:7", "record_id", "record_id"),
    "too many fields": (4, "t-5,x", "row", "malformed"),
    "quoted": (4, '"t-5"', "record_id", "record_id"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
async def test_a_bad_row_is_sent_back_and_the_others_count(take: Import, case: str) -> None:
    column, value, field, code = BAD_ROWS[case]
    rows = [list(row) for row in tier_rows(120)]
    rows[5][column] = value
    assert await take({T: rows}) == Outcome("in_force")
    assert len(await copy()) == 119
    (fault,) = await fetch_all("SELECT * FROM credit_batch_errors")
    assert (fault["row_number"], fault["field"], fault["code"], fault["state"]) == (7, field, code, "open")
    assert fault["record_id"] == ("t-5" if column < 4 else "")
    stored = await fetch_one("SELECT sha256 FROM stored_files WHERE purpose = 'credit_batch_errors'")
    assert stored is not None and (await one_batch())["errors_file_id"] is not None


async def test_a_batch_of_the_first_day_that_there_is_counts_its_rows(take: Import) -> None:
    rows = [[*row[:3], "0001-01-01", row[4]] for row in tier_rows(3)]
    assert await take({T: rows}, day=date.min, made_at=NOW) == Outcome("in_force")
    assert len(await copy()) == 3


async def test_rows_that_repeat_keep_the_first_and_rows_that_contradict_keep_none(take: Import) -> None:
    rows = tier_rows(400)
    rows += [rows[3], (rows[4][0], 500, *rows[4][2:])]
    assert await take({T: rows}) == Outcome("in_force")
    assert len(await copy()) == 399
    faults = await fetch_all("SELECT row_number, code FROM credit_batch_errors ORDER BY row_number")
    assert [tuple(row) for row in faults] == [
        *((6, "conflicting_row"), (402, "duplicate_row"), (403, "conflicting_row")),
    ]


async def test_a_refused_batch_can_be_tried_again_when_its_copy_was_not_complete(
    take: Import, tmp_path: Path
) -> None:
    batch(tmp_path / "batch", {T: GOOD})
    (tmp_path / "batch" / "tiers.csv").write_bytes(GOOD[:100])
    assert (await take()).code == "hash"
    (tmp_path / "batch" / "tiers.csv").write_bytes(GOOD)
    assert (await take()).code == "in_force" and len(await copy()) == 200


class Killed(BaseException):
    """The process ends here."""


async def test_a_killed_import_goes_on_where_it_was(
    take: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batch_loading, "PIECE", 2048)
    keep, kept = batch_loading._keep, []

    async def keep_three(*about: Any) -> None:
        if len(kept) == 3:
            raise Killed
        await keep(*about)
        kept.append(about[-1].read)

    monkeypatch.setattr(batch_loading, "_keep", keep_three)
    with pytest.raises(Killed):
        await take({T: GOOD})
    assert await copy() == {} and (await one_batch())["status"] == "loading"
    monkeypatch.setattr(batch_loading, "_keep", keep)
    assert len(await fetch_all("SELECT 1 FROM credit_ratings_1")) == sum(kept) > 0
    seen: list[int] = []
    parse = batch_loading._Reader._judge

    def judge(self: Any, raw: bytes, piece: Any) -> None:
        parse(self, raw, piece)
        seen.append(piece.read)

    monkeypatch.setattr(batch_loading._Reader, "_judge", judge)
    async with asyncio.timeout(5):
        # The server notices a moment later that the one who held the lock is gone.
        while (outcome := await take()) == Outcome("busy"):
            await asyncio.sleep(0.02)
    assert outcome == Outcome("in_force")
    assert sum(seen) == 200 - sum(kept) and len(await copy()) == 200


async def test_a_batch_that_was_begun_and_left_ends_with_the_next_one(
    take: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: Any) -> None:
        raise Killed

    finish = batch_loading._finish
    monkeypatch.setattr(batch_loading, "_finish", die)
    with pytest.raises(Killed):
        await take({T: GOOD})
    monkeypatch.setattr(batch_loading, "_finish", finish)
    assert await tables() == {"credit_ratings_1"}
    assert (await take({T: GOOD}, name="next", day=DAY + NEXT, now=NOW + NEXT)).code == "in_force"
    assert await tables() == {"credit_ratings_2"}
    states = await fetch_all("SELECT status, failure FROM credit_batches ORDER BY number")
    assert [tuple(row) for row in states] == [("refused", "older_batch"), ("in_force", None)]


async def test_a_copy_that_a_backup_holds_is_dropped_by_the_next_run(
    database: str, take: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit_batches.batch_effects, "LOCK_WAIT", "50ms")
    await take({T: tier_rows(3)})
    async with db.own_connection(database), db.transaction():
        await fetch_one("SELECT count(*) FROM credit_ratings")
        assert (await take({T: tier_rows(2)}, day=DAY + NEXT, now=NOW + NEXT)).code == "in_force"
    assert len(await tables()) == 2 and (await one_batch())["settled_at"] is None
    assert (await take(now=NOW + NEXT)).code == "known"
    assert await tables() == {"credit_ratings_2"} and (await one_batch())["settled_at"] is not None


async def test_what_was_loaded_of_another_file_is_forgotten(
    take: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file is swapped after the first look and while it is loaded; what is in force is what was signed."""
    monkeypatch.setattr(batch_loading, "PIECE", 2048)
    keep, path = batch_loading._keep, tmp_path / "batch" / "tiers.csv"
    swapped = csv_of(T, tier_rows(200, 900))

    async def keep_and_die(*about: Any) -> None:
        await keep(*about)
        raise Killed

    def whole(folder: Path, file: Any) -> None:
        check(folder, file)
        path.write_bytes(swapped)

    check = batch_loading.check_whole
    monkeypatch.setattr(batch_loading, "_keep", keep_and_die)
    monkeypatch.setattr(batch_loading, "check_whole", whole)
    with pytest.raises(Killed):
        await take({T: GOOD})
    monkeypatch.setattr(batch_loading, "_keep", keep)
    monkeypatch.setattr(batch_loading, "check_whole", check)
    path.write_bytes(GOOD)
    assert await take() == Outcome("in_force")
    assert set((await copy()).values()) == {800}


async def test_a_file_that_changes_while_it_is_loaded_is_refused(
    take: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check = batch_loading.check_whole

    def whole(folder: Path, file: Any) -> None:
        check(folder, file)
        (folder / file.name).write_bytes(csv_of(T, tier_rows(200, 900)))

    monkeypatch.setattr(batch_loading, "check_whole", whole)
    assert (await take({T: GOOD})).code == "hash"
    assert await copy() == {}


async def test_a_process_killed_after_the_flip_leaves_its_effects_to_the_next_run(
    take: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take({T: tier_rows(3)})

    async def die(*_: Any) -> None:
        raise Killed

    settle = credit_batches.batch_effects.settle
    monkeypatch.setattr(credit_batches.batch_effects, "settle", die)
    with pytest.raises(Killed):
        await take({T: tier_rows(2, 700)}, day=DAY + NEXT, now=NOW + NEXT)
    assert set((await copy()).values()) == {700} and len(await tables()) == 2
    monkeypatch.setattr(credit_batches.batch_effects, "settle", settle)
    assert (await take(now=NOW + NEXT)).code == "known"
    assert await tables() == {"credit_ratings_2"} and (await one_batch())["settled_at"] == NOW + NEXT


async def test_two_processes_do_not_work_on_one_source_at_once(
    database: str, tmp_path: Path, take: Import
) -> None:
    batch(tmp_path / "batch", {T: GOOD})
    found = await asyncio.gather(*(take() for _ in range(4)))
    assert sorted(outcome.code for outcome in found).count("in_force") == 1
    assert {outcome.code for outcome in found} <= {"in_force", "busy", "known"}
    assert len(await copy()) == 200


async def test_a_dry_run_says_the_same_and_writes_nothing(
    database: str, tmp_path: Path, take: Import
) -> None:
    desk = batch_desk(database, tmp_path / "files")
    for name, content, code in (
        ("good", GOOD, "checked"),
        ("bad", REFUSED["many bad rows"][0][T], "too_many_bad_rows"),
    ):
        folder = batch(tmp_path / name, {T: content})
        assert (await credit_batches.check_folder(desk, folder, NOW, silent)).code == code
    assert await fetch_all("SELECT 1 FROM credit_batches") == []
    assert await tables() == set()


async def test_new_folders_are_taken_in_and_refused_ones_left_alone(
    database: str, tmp_path: Path, take: Import
) -> None:
    desk = batch_desk(database, tmp_path / "files")
    incoming = tmp_path / "incoming"
    batch(incoming / "a", {T: GOOD})
    batch(incoming / "b", {T: REFUSED["many bad rows"][0][T]}, batch_id="b-2", day=DAY + NEXT)
    batch(incoming / "c", {T: GOOD}, batch_id="b-3", day=DAY + NEXT)
    (incoming / "c" / "manifest.sig").unlink()  # still arriving
    later, said = NOW + NEXT, []
    assert await credit_batches.import_new(desk, incoming, later, said.append) == 1
    assert await credit_batches.import_new(desk, incoming, later, silent) == 0
    assert "b: too_many_bad_rows tiers.csv" in said
    assert [
        row["status"] for row in await fetch_all("SELECT status FROM credit_batches ORDER BY number")
    ] == [
        *("in_force", "refused"),
    ]


async def test_a_hash_of_another_suite_is_the_accounts_one(
    database: str, tmp_path: Path, take: Import
) -> None:
    """The copy is found by whatever the accounts are found by (rule 15)."""
    keys = replace(KEYS, hash_suite="national")
    desk = replace(batch_desk(database, tmp_path / "files"), keys=keys)
    await credit_batches.import_folder(desk, batch(tmp_path / "batch", {T: tier_rows(1)}), NOW, silent)
    assert list(await copy()) == [keys.keyed_hash(id_number(0), ID_NUMBER)]

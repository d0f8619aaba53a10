"""Personal data is sealed anew with new keys or another suite while others read and write it; nothing is lost."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from citizens import accounts
from common.crypto import SUITES, PersonalDataKeys
from common.database import execute, fetch_all, fetch_one
from common.database_url import tortoise_config
from models.sealed_columns import SEALED, SealedColumn, Tally, seal_anew
from server.config import SANDBOX_SECRETS, Settings, load
from server.key_rotation import rotate
from tests.conftest import Servers
from tests.factories.citizens import KEYS, a_person
from tests.seeds import environment
from tests.server.commands import run, run_warm
from tests.service import Service

NAME = SealedColumn("natural_persons", "citizen_id", "name_encrypted", accounts.NAME)
NEW = replace(KEYS, keys={"2": b"a new key of thirty-two bytes ok", **KEYS.keys})
WITHOUT_OLD = replace(NEW, keys={"2": NEW.keys["2"]})
# Bytes in the database that are no sealed text: hashes, signatures, roots.
OTHER_BYTES = r"hash$|^root$|^previous$|^public_key$|^signature$|^leaves$"


async def last(column: SealedColumn, keys: PersonalDataKeys) -> Tally:
    return [tally async for tally in seal_anew(column, keys)][-1]


async def sealed_name(citizen_id: UUID) -> bytes:
    row = await fetch_one("SELECT name_encrypted FROM natural_persons WHERE citizen_id = $1", citizen_id)
    assert row
    return bytes(row[0])


async def test_every_column_with_sealed_data_is_known(database: str) -> None:
    rows = await fetch_all(
        "SELECT table_name, column_name FROM information_schema.columns c JOIN pg_class t"
        " ON t.relname = c.table_name AND NOT t.relispartition AND t.relkind IN ('r', 'p')"
        " WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name !~ $1"
        " AND table_name NOT LIKE 'pgqueuer%'",
        OTHER_BYTES,
    )
    assert {tuple(row) for row in rows} == {(each.table, each.column) for each in SEALED}


@pytest.mark.parametrize("suite", ["international", "national"])
async def test_everything_is_sealed_anew_and_the_old_key_is_not_needed_any_more(
    database: str, suite: str
) -> None:
    people = [await a_person() for _ in range(7)]
    before = [await accounts.profile(citizen_id, KEYS) for citizen_id in people]
    tally = await last(NAME, replace(NEW, suite=suite))
    assert (tally.values, tally.sealed, tally.unreadable, tally.by_key) == (7, 7, 0, {"1": 7})
    again = await last(NAME, replace(NEW, suite=suite))
    assert (again.sealed, again.by_key) == (0, {"2": 7})
    assert [await accounts.profile(each, WITHOUT_OLD) for each in people] == before


async def test_more_than_a_batch_is_gone_through(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.sealed_columns.AT_ONCE", 3)
    for _ in range(7):
        await a_person()
    batches = [(tally.values, tally.sealed) async for tally in seal_anew(NAME, NEW)]
    assert batches == [(3, 3), (6, 6), (7, 7), (7, 7)]


async def test_what_is_written_meanwhile_stays(database: str) -> None:
    """Without the comparison with what was read, the name of before would come back."""
    citizen_id = await a_person()
    parts = tortoise_config(database)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    other = await asyncpg.connect(**{name: parts[name] for name in wanted})
    try:
        changing = other.transaction()
        await changing.start()
        married = KEYS.encrypt("王大山", accounts.NAME)
        await other.execute("UPDATE natural_persons SET name_encrypted = $1", married)
        rotation = asyncio.create_task(last(NAME, NEW))
        async with asyncio.timeout(10):
            while not await fetch_one("SELECT 1 FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
        await changing.commit()
    finally:
        await other.close()
    assert (await rotation).sealed == 0
    assert await sealed_name(citizen_id) == married
    assert (await last(NAME, NEW)).sealed == 1
    assert WITHOUT_OLD.decrypt(await sealed_name(citizen_id), accounts.NAME) == "王大山"


async def test_what_no_key_opens_is_left_and_told_by_its_row_alone(database: str) -> None:
    good, bad = await a_person(), await a_person()
    foreign = replace(KEYS, keys={"9": b"somebody else's key of 32 bytes."}).encrypt("李四", accounts.NAME)
    await execute("UPDATE natural_persons SET name_encrypted = $1 WHERE citizen_id = $2", foreign, bad)
    with capture_logs() as logs:
        tally = await last(NAME, NEW)
    assert (tally.sealed, tally.unreadable) == (1, 1)
    assert [line["key"] for line in logs] == [str(bad)] and "李四" not in str(logs)
    assert await sealed_name(bad) == foreign and NEW.is_current(await sealed_name(good))


def settings_of(database: str, servers: Servers, keys: PersonalDataKeys) -> Settings:
    return replace(load(environment(database, servers.redis_url)), data_keys=keys)


async def test_a_process_with_the_old_keys_is_told_of(
    database: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two passes it has written again, each time."""
    citizen_id, said = await a_person(), list[str]()
    passes = 0

    async def written_again(*values: object, **facts: object) -> None:
        nonlocal passes
        passes += 1
        await execute(
            "UPDATE natural_persons SET name_encrypted = $1 WHERE citizen_id = $2",
            *(KEYS.encrypt("王大山", accounts.NAME), citizen_id),
        )

    # The moment after a pass is that of its audit record.
    monkeypatch.setattr("server.key_rotation.audit_log.record", written_again)
    # The command opens and closes a connection of its own.
    for name in ("connect", "disconnect"):
        monkeypatch.setattr(f"server.key_rotation.database.{name}", nothing)
    assert not await rotate(settings_of(database, servers, NEW), said.append)
    assert passes == 3 and "still seals with other keys" in said[-1]


async def nothing(*_: object, **__: object) -> None:
    """In place of connecting."""


async def test_the_command_says_what_may_be_done_with_the_old_key(database: str, servers: Servers) -> None:
    citizen_id = await a_person()

    def environ(keys: PersonalDataKeys) -> dict[str, str]:
        listed = ",".join(
            f"{name}:{base64.b64encode(key.ljust(32)).decode()}" for name, key in keys.keys.items()
        )
        return environment(database, servers.redis_url, DATA_KEYS=listed)

    padded = {name: key.ljust(32) for name, key in NEW.keys.items()}
    name = replace(KEYS, keys={"1": padded["1"]}).encrypt("王大山", accounts.NAME)
    await execute("UPDATE natural_persons SET name_encrypted = $1", name)
    await execute(
        "UPDATE natural_persons SET id_number_encrypted = $1",
        replace(NEW, keys=padded).encrypt("3301", accounts.ID_NUMBER),
    )
    await execute("UPDATE channel_identities SET subject_encrypted = NULL")
    dry = await run(environ(NEW), "rotate-keys", "--dry-run")
    assert dry.code == 0 and "natural_persons.name_encrypted: 1 values, 1 to seal anew" in dry.out
    assert "1 of 2 values would be sealed anew; nothing was changed" in dry.out
    assert await sealed_name(citizen_id) == name
    lost = await run_warm(environ(WITHOUT_OLD), "rotate-keys")
    assert lost.code == 1 and "1 UNREADABLE and left" in lost.out and "Put the key back" in lost.out
    done = await run_warm(environ(NEW), "rotate-keys")
    assert done.code == 0 and "natural_persons.name_encrypted: 1 values, 1 sealed anew" in done.out
    assert "key 2: seals what is new, and 2 values" in done.out and "key 1: seals nothing" in done.out
    audited = await fetch_all("SELECT object_id, after FROM audit_records WHERE action = 'keys.rotate'")
    assert [tuple(row) for row in audited] == [("2", '{"pass": 1, "values": 1}')]
    assert (
        replace(NEW, keys={"2": padded["2"]}).decrypt(await sealed_name(citizen_id), accounts.NAME)
        == "王大山"
    )


async def test_people_are_served_while_their_data_is_sealed_anew(
    make_service: Callable[..., Service],
) -> None:
    old, new = (
        SANDBOX_SECRETS["DATA_KEYS"],
        "2:" + base64.b64encode(b"a new key of thirty-two bytes ok").decode(),
    )
    service = make_service(workers=1, DATA_KEYS=f"{new},{old}")
    people = [await service.citizen(consent=False) for _ in range(3)]
    names = [(await person.http.get("/me")).json()["masked_name"] for person in people]
    # A cold start, so that people are served for a while beside it.
    rotation = asyncio.create_task(run({**service.environment, "CRYPTO_SUITE": "national"}, "rotate-keys"))
    answers = 0
    while not rotation.done():
        for person, name in zip(people, names, strict=True):
            answer = await person.http.get("/me")
            assert (answer.status_code, answer.json()["masked_name"]) == (200, name)
            answers += 1
    ran = await rotation
    assert ran.code == 0 and "key 1: seals nothing" in ran.out and answers > 20
    marks = await service.fetch("SELECT DISTINCT substr(name_encrypted, 1, 3) FROM natural_persons")
    assert [bytes(row[0]) for row in marks] == [SUITES["national"].mark + b"\x012"]

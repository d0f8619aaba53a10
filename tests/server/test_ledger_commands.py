"""The worker seals by itself; the ledger is exported, witnessed and verified from the command line."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from benefits.ledger import LEDGER
from common.database import fetch_all
from models import seals
from tests.factories.ledgers import run_verifier, sealed_ledger, some_redemptions, verified
from tests.factories.members import a_shop
from tests.factories.settings import production
from tests.seeds import environment
from tests.server.commands import run_warm as run
from tests.server.commands import started_warm as started

ROOT = Path(__file__).parent.parent.parent


async def _until_all_is_sealed() -> None:
    async with asyncio.timeout(15):
        while await seals.unsealed_since(LEDGER) is not None:
            await asyncio.sleep(0.05)


async def test_the_worker_seals_what_is_there_and_after_a_kill_the_rest(database: str, servers: Any) -> None:
    shop, environ = await a_shop(), environment(database, servers.redis_url)
    for number in (signal.SIGKILL, signal.SIGTERM):
        await some_redemptions(shop, 3)
        async with started(environ, "worker") as process:
            await _until_all_is_sealed()
            process.send_signal(number)
            assert await asyncio.wait_for(process.wait(), 10) == (0 if number is signal.SIGTERM else -number)
    verdict = await verified()
    assert verdict.code == 0 and "seals 2, records 6" in verdict.text


async def test_a_worker_without_its_key_does_not_start_and_the_rest_does() -> None:
    environ = production()
    del environ["LEDGER_SIGNING_KEY"]
    ran = await run(environ, "worker")
    assert ran.code == 78 and "LEDGER_SIGNING_KEY: is not set" in ran.err and "Traceback" not in ran.err
    assert (await run(environ, "config")).code == 0


async def test_the_export_verifies_and_needs_nothing_but_the_database(database: str, tmp_path: Path) -> None:
    shop = await a_shop()
    await sealed_ledger(shop)
    witness = await run({"DATABASE_URL": database}, "witness-root")
    head = await seals.newest(LEDGER)
    assert witness.code == 0 and head and json.loads(witness.out) == head.published
    (tmp_path / "witness.json").write_text(witness.out)
    folder = tmp_path / "made" / "here"
    ran = await run({"DATABASE_URL": database}, "export-ledger", str(folder))
    assert ran.code == 0 and str(folder) in ran.out
    verdict = await run_verifier(
        *(str(folder / "roots.jsonl"), str(folder / "ledger.txt")),
        *("--witness", str(tmp_path / "witness.json")),
    )
    assert verdict.code == 0 and "seals 2, records 7" in verdict.text


async def test_bad_input_gets_a_sentence(database: str, tmp_path: Path) -> None:
    nothing = await run({"DATABASE_URL": database}, "witness-root")
    assert (nothing.code, nothing.out, nothing.err) == (1, "", "Nothing is sealed yet.\n")
    file = tmp_path / "file"
    file.write_text("x")
    for environ, arguments, code, said in (
        ({"DATABASE_URL": database}, ("export-ledger", str(file)), 74, str(file)),
        ({"DATABASE_URL": "nonsense"}, ("export-ledger", str(tmp_path)), 78, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://a@127.0.0.1:1/b"}, ("witness-root",), 69, "not reachable"),
    ):
        ran = await run(environ, *arguments)
        assert ran.code == code and said in ran.err and "Traceback" not in ran.err, ran
    for roots, ledger in ((tmp_path / "none", file), (file, file), (file, tmp_path)):
        verdict = await run_verifier(str(roots), str(ledger))
        assert verdict.code == 2 and "Traceback" not in verdict.text and "usage:" in verdict.text
    usage = await run_verifier("--help")
    assert usage.code == 0 and "Exit codes" in usage.text


async def test_make_verify_ledger_says_a_sentence_for_each_book(database: str, tmp_path: Path) -> None:
    shop = await a_shop()
    await sealed_ledger(shop)

    async def make(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *("make", "-s", "-o", ".venv/installed-sandbox", "verify-ledger", *arguments),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    code, said = await make()
    ledger, audit = said.splitlines()
    assert code == 0 and "The ledger verifies: seals 2, records 7" in ledger
    assert "The audit verifies: seals 0, records 0" in audit
    head = (await fetch_all("SELECT max(number) FROM seals"))[0][0]
    witness = tmp_path / "witness.json"
    seal = (await seals.seals_after(LEDGER, head - 1, 1))[0].published
    witness.write_text(json.dumps({**seal, "root": "00" * 32}))
    code, said = await make(f"WITNESS={witness}")
    assert code != 0 and "history was rewritten" in said


@pytest.mark.parametrize(("first", "code"), [("ready", 0), ("starting", 69)])
def test_the_running_sandbox_is_found_by_its_folder(
    tmp_path: Path, first: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.__main__ import _print_database_url

    assert _print_database_url(tmp_path / "postgres") == 69
    assert "make run" in capsys.readouterr().err
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    lines = [str(os.getpid()), str(data), "1", "5432", "/some/sockets", "", "1 2", f"{first}   "]
    (data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert _print_database_url(tmp_path / "postgres") == code
    if code == 0:
        assert capsys.readouterr().out == "postgres://xinyi@/xinyi?host=/some/sockets\n"

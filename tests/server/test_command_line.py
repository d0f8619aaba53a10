"""The command line: help everywhere, exit codes of sysexits.h, and a first admin who can sign in to a production."""

import json
import os
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pyotp
import pytest
from sanic import Sanic

from server.__main__ import main
from server.checks import create_admin
from server.config import load
from tests.conftest import Templates
from tests.factories.settings import production, sandbox
from tests.seeds import environment
from tests.server.commands import query, run, run_warm, started
from tests.service import Service

COMMANDS = [
    "web",
    "worker",
    "migrate",
    "make-migration",
    "export-ledger",
    "witness-root",
    "recount-numbers",
    "reapply-erasures",
    "retention",
    "rotate-keys",
    "check",
    "config",
    "openapi",
    "new-secrets",
    "import-credit",
    "create-admin",
]
COMMANDS += ["web-worker"]
PASSWORD = "a long and good password"
SECRET = re.compile(r"[A-Z2-7]{32}")


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def url(templates: Templates) -> str:
    """The URL of a migrated database without anybody in it."""
    return templates("cli", False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"python -m server {command}" in said and len(said.splitlines()) >= 5


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    listed = re.findall(r"^    ([a-z-]+)\b", capsys.readouterr().out, re.MULTILINE)
    assert ended.value.code == 0 and listed == COMMANDS


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["migrate", "0001_initial"],
        ["migrate", "--down"],
        ["migrate", "--fake"],
        ["create-admin"],
    ],
)
def test_a_wrong_command_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and "usage: python -m server" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["web", "worker", "migrate", "check", "config"])
def test_a_broken_environment_starts_nothing_and_names_the_variable(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in production(PORT="eighty", HASH_KEY="short").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SANDBOX")
    assert main([command]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert "\nPORT: " in said.err and "\nHASH_KEY: " in said.err


async def test_a_service_with_a_broken_environment_exits_with_78() -> None:
    ran = await run({"SANDBOX": "1"}, "web")
    assert ran.code == 78
    assert "DATABASE_URL: is not set" in ran.err and "Traceback" not in ran.err


async def test_new_secrets_make_a_configuration_that_production_takes() -> None:
    ran = await run({}, "new-secrets")
    printed = dict(line.split("=", 1) for line in ran.out.splitlines())
    environ = {name: value for name, value in production().items() if name.endswith("_URL")}
    assert ran.code == 0
    assert load({**environ, **printed}).sandbox is False


def test_the_effective_configuration_is_shown_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in sandbox(PORT="8123", METRICS_TOKEN="a-token-of-metrics").items():
        monkeypatch.setenv(name, value)
    assert main(["config"]) == 0
    said = capsys.readouterr().out
    assert "PORT=8123\n" in said and "METRICS_TOKEN=***\n" in said
    assert "geheim" not in said and "a-token-of-metrics" not in said


def test_the_document_is_written_without_a_database_and_left_alone_when_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SANDBOX", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Sanic, "test_mode", True)  # one app after the other in one process
    out = tmp_path / "openapi.json"
    assert main(["openapi"]) == 0
    said = capsys.readouterr().out
    for written in ("", said):
        out.write_text(written)
        os.utime(out, (1, 1))
        assert main(["openapi", "--out", str(out)]) == 0
        assert out.read_text() == said
        assert (out.stat().st_mtime == 1) == (written == said), "whoever builds from it must not build again"
    assert "/api/v1/redemptions" in json.loads(said)["paths"] and capsys.readouterr().out == ""
    assert main(["openapi", "--out", str(tmp_path / "nowhere" / "openapi.json")]) == os.EX_IOERR
    assert "nowhere" in capsys.readouterr().err


async def test_check_says_that_all_is_well(servers: Any, url: str) -> None:
    ran = await run(environment(url, servers.redis_url), "check")
    assert ran.code == 0
    assert [line.partition(":")[0] for line in ran.out.splitlines()] == [
        "configuration",
        "ledger",
        "database",
        "migrations",
        "redis",
    ]
    assert "migrations: current" in ran.out and "redis: reachable" in ran.out


async def test_check_says_what_is_wrong_and_what_to_do(servers: Any, url: str) -> None:
    nowhere = "postgres://app:geheim@127.0.0.1:1/xinyi"
    ran = await run_warm(environment(nowhere, "redis://127.0.0.1:1/0"), "check")
    assert ran.code == 69
    assert "database: not reachable" in ran.out and "DATABASE_URL" in ran.out
    assert "redis: not reachable" in ran.out
    assert "geheim" not in ran.out + ran.err and "Traceback" not in ran.err
    unmigrated = servers.database("postgres")
    ran = await run_warm(environment(unmigrated, "redis://127.0.0.1:1/0"), "check")
    assert ran.code == 69 and "to apply; run `python -m server migrate`" in ran.out


async def test_check_says_whether_lists_can_come_from_the_replica(servers: Any, url: str) -> None:
    """The service starts without it, so that is no failure."""
    nowhere = "postgres://app:geheim@127.0.0.1:1/xinyi"
    for replica_url, said in ((nowhere, "replica: not reachable"), (url, "names no streaming replica")):
        ran = await run_warm(environment(url, servers.redis_url, DATABASE_REPLICA_URL=replica_url), "check")
        assert ran.code == 0 and said in ran.out and "DATABASE_REPLICA_URL" in ran.out
        assert "geheim" not in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments", [("migrate",), ("create-admin", "--login", "chief", "--password-stdin")]
)
async def test_a_database_that_is_away_is_told_without_its_password(arguments: tuple[str, ...]) -> None:
    environ = environment("postgres://app:geheim@127.0.0.1:1/xinyi", "redis://127.0.0.1:1/0")
    ran = await run(environ, *arguments, typed=PASSWORD + "\n")
    assert ran.code == 69 and "DATABASE_URL" in ran.err
    assert "geheim" not in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("command", [("migrate",), ("check",)])
async def test_a_sandbox_and_a_production_never_share_a_database(
    servers: Any, url: str, command: tuple[str, ...]
) -> None:
    """The demo accounts' passwords are known to everybody."""
    ran = await run_warm(production(DATABASE_URL=url, REDIS_URL=servers.redis_url), *command)
    assert ran.code in (69, 78) and "the database of a sandbox" in ran.out + ran.err
    await query(url, "UPDATE installation SET is_sandbox = false")
    assert (await run_warm(production(DATABASE_URL=url, REDIS_URL=servers.redis_url), *command)).code == 0
    ran = await run_warm(environment(url, servers.redis_url), *command)
    assert ran.code in (69, 78) and "the database of a production" in ran.out + ran.err


@pytest.mark.parametrize(
    "command", [("web",), ("worker",), ("create-admin", "--login", "chief", "--password-stdin")]
)
async def test_a_production_does_nothing_with_a_sandboxs_database(
    servers: Any, url: str, command: tuple[str, ...]
) -> None:
    environ = production(DATABASE_URL=url, REDIS_URL=servers.redis_url, PORT=str(free_port()), WORKERS="1")
    ran = await run_warm(environ, *command, typed=PASSWORD + "\n", within_s=20)
    assert ran.code == 78 and "the database of a sandbox" in ran.err
    assert await query(url, "SELECT 1 FROM admins") == []


async def test_a_folder_that_can_not_be_used_is_named(servers: Any, url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "metrics")
    ran = await run({**environment(url, servers.redis_url), "PROMETHEUS_MULTIPROC_DIR": folder}, "web")
    assert ran.code == 74 and folder in ran.err and "Traceback" not in ran.err and "database" not in ran.err


async def test_demo_data_never_gets_into_a_production(servers: Any, url: str) -> None:
    await query(url, "UPDATE installation SET is_sandbox = false")
    async with started(environment(url, servers.redis_url), "demo", python=("-m", "sandbox")) as process:
        _, said = await process.communicate()
    assert process.returncode == 1 and b"a production" in said and b"Traceback" not in said
    assert await query(url, "SELECT 1 FROM staff") == []


@pytest.mark.parametrize(
    ("setting_up", "command", "sentence"),
    [
        ("there is none", ("migrate",), "there is no such database"),
        ("there is none", ("check",), "there is no such database"),
        (
            "no tables",
            ("create-admin", "--login", "chief", "--password-stdin"),
            "run `python -m server migrate`",
        ),
        ("not ours", ("migrate",), "let it own the database"),
    ],
)
async def test_a_mistake_of_the_first_hour_is_told_in_a_sentence(
    servers: Any, setting_up: str, command: tuple[str, ...], sentence: str
) -> None:
    name = f"first_hour_{uuid4().hex[:8]}"
    url = servers.database(name)
    if setting_up != "there is none":
        await query(servers.database_url, f"CREATE DATABASE {name}")
    if setting_up == "not ours":
        await query(servers.database_url, f"CREATE ROLE {name} LOGIN")
        url = urlunsplit(urlsplit(url)._replace(netloc=f"{name}@{urlsplit(url).netloc.rpartition('@')[2]}"))
    try:
        ran = await run_warm(environment(url, servers.redis_url), *command, typed=PASSWORD + "\n")
        assert ran.code == 69 and sentence in ran.out + ran.err
        assert "Traceback" not in ran.err
    finally:
        await query(servers.database_url, f"DROP DATABASE IF EXISTS {name}")
        await query(servers.database_url, f"DROP ROLE IF EXISTS {name}")


async def test_without_a_terminal_the_password_is_asked_for_in_a_sentence(url: str) -> None:
    ran = await run(environment(url, "redis://127.0.0.1:1/0"), "create-admin", "--login", "chief")
    assert ran.code == 1 and "--password-stdin" in ran.err and "Traceback" not in ran.err


async def test_check_is_content_without_redis(url: str) -> None:
    ran = await run_warm(environment(url, "redis://127.0.0.1:1/0"), "check")
    assert ran.code == 0 and "redis: not reachable" in ran.out


@pytest.mark.parametrize(
    ("options", "password", "reason"),
    [
        (["--login", "chief"], "short", "12 characters"),
        (["--login", "chief"], "", "12 characters"),
        (["--login", "a-long-login-name"], "A-Long-Login-Name", "must not be the login"),
        (["--login", ""], PASSWORD, "1 to 64"),
        (["--login", "x" * 65], PASSWORD, "1 to 64"),
        (["--login", "a\nb"], PASSWORD, "1 to 64"),
        (["--login", "chief", "--region", "339999"], PASSWORD, "no region 339999"),
    ],
)
async def test_what_makes_no_admin_is_told(
    servers: Any, url: str, options: list[str], password: str, reason: str
) -> None:
    parsed = {"--region": "330000", **dict(zip(options[::2], options[1::2], strict=True))}
    settings = load(environment(url, servers.redis_url))
    said = await create_admin(settings, parsed["--login"], password, parsed["--region"], None)
    assert not said.is_good and reason in said.text
    assert await query(url, "SELECT id FROM admins") == []


def test_the_password_is_no_argument() -> None:
    with pytest.raises(SystemExit):
        main(["create-admin", "--login", "chief", "--password", PASSWORD])


async def test_a_second_admin_of_the_same_login_is_refused(servers: Any, url: str) -> None:
    arguments = ("create-admin", "--login", "chief", "--password-stdin")
    environ = environment(url, servers.redis_url)
    assert (await run_warm(environ, *arguments, typed=PASSWORD + "\n")).code == 0
    ran = await run_warm(environ, *arguments, typed="another " + PASSWORD + "\n")
    assert ran.code == 1 and "taken" in ran.err and ran.out == ""
    (row,) = await query(url, "SELECT * FROM admins")
    assert (sorted(row["roles"]), row["region_id"]) == (["auditor", "head", "operator", "reviewer"], "330000")


async def test_the_first_admin_of_a_production_signs_in_with_password_and_one_time_code(
    make_service: Callable[..., Service], servers: Any, templates: Templates
) -> None:
    """With the demo accounts in the database: a production lets none of them in."""
    url = templates("first", True)
    await query(url, "UPDATE installation SET is_sandbox = false")
    environ = production(DATABASE_URL=url, REDIS_URL=servers.redis_url)
    options = ("--region", "330100", "--role", "operator", "--role", "auditor", "--password-stdin")
    ran = await run(environ, "create-admin", "--login", "chief", *options, typed=PASSWORD + "\n")
    assert ran.code == 0, ran.err
    (secret,) = SECRET.findall(ran.out)
    client = make_service(workers=1, SANDBOX="0", **environ).client()

    async def sign_in(login: str, password: str, totp: str | None) -> tuple[int, Any]:
        body = {"login": login, "password": password, **({"totp": totp} if totp else {})}
        answer = await client.post("/auth/admin", json=body)
        return answer.status_code, answer.json()

    code = pyotp.TOTP(secret).at(datetime.now(UTC))
    status, said = await sign_in("chief", PASSWORD, None)
    assert (status, said["code"]) == (401, "login_failed")
    status, said = await sign_in("chief", PASSWORD, code)
    assert (status, said["admin"]["roles"]) == (200, ["operator", "auditor"])
    assert said["admin"]["region"] == "330100"
    assert (await sign_in("chief", PASSWORD, code))[0] == 401, "a one-time code is good once"
    assert (await sign_in("demo-admin", "demo-admin", None))[0] == 401
    assert (await sign_in("demo-admin", "demo-admin", code))[0] == 401
    answer = await client.post("/auth/citizen", json={"channel": "sandbox", "code": "demo-good"})
    assert (answer.status_code, answer.json()["code"]) == (503, "channel_unavailable")


async def test_erasures_are_done_again_in_a_restored_database(servers: Any, url: str, tmp_path: Path) -> None:
    """A backup of before knows him again; the journal beside it does not."""
    environ = environment(url, servers.redis_url, FILES_DIR=str(tmp_path))
    ran = await run(environ, "reapply-erasures")
    assert ran.code == 0 and f"no erasures.jsonl in {tmp_path}" in ran.out
    [row] = await query(
        url, "INSERT INTO citizens (id, created_at) VALUES (gen_random_uuid(), now()) RETURNING id"
    )
    (tmp_path / "erasures.jsonl").write_text(f'{{"citizen_id": "{row["id"]}"}}\n')
    for done in (1, 0):
        ran = await run_warm(environ, "reapply-erasures")
        assert (ran.code, ran.out.strip()) == (
            0,
            f"{done} erased again, of 1 named in the journal; nothing of the others was there any more",
        )
    (tmp_path / "erasures.jsonl").write_text("{\n")
    ran = await run_warm(environ, "reapply-erasures")
    assert ran.code == os.EX_DATAERR and "line 1" in ran.err and "Traceback" not in ran.err

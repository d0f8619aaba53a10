"""Settings: everything wrong is told at once by its variable, production has no known secret, nothing secret is shown."""

import base64
import dataclasses
from pathlib import Path

import pytest

from server.config import (
    FROM_FILES,
    SANDBOX_LIMIT,
    SANDBOX_SECRETS,
    ConfigError,
    Settings,
    load,
    new_secrets,
    shown,
)
from tests.factories.settings import URLS, production, sandbox

SECRETS = ["TOKEN_KEYS", "REFRESH_KEY", "CODE_MASTER_KEYS", "DATA_KEYS", "HASH_KEY"]
KEYED = ["TOKEN_KEYS", "CODE_MASTER_KEYS", "DATA_KEYS"]
LIMITS = ["CITIZEN_LIMIT", "STAFF_LIMIT", "ADMIN_LIMIT", "ADDRESS_LIMIT", "SIGN_IN_LIMIT"]


def fresh(size: int = 48) -> str:
    """A base64 value that is like no other."""
    return base64.b64encode(bytes(range(7, 7 + size))).decode()


def problems(environ: dict[str, str]) -> list[str]:
    """The lines of what is wrong."""
    with pytest.raises(ConfigError) as refused:
        load(environ)
    return str(refused.value).splitlines()


def test_fresh_secrets_make_a_production() -> None:
    settings = load(production())
    assert settings.sandbox is False
    assert min(len(key) for key in settings.token_keys.values()) >= 32 and len(settings.refresh_key) >= 32


def test_fresh_secrets_are_fresh_every_time() -> None:
    first, second = new_secrets(), new_secrets()
    assert set(first) == set(second) == {*SECRETS, "LEDGER_SIGNING_KEY", "FORWARDED_SECRET"}
    assert not set(first.values()) & set(second.values())
    assert len({value.rpartition(":")[2] for value in first.values()}) == len(first)


def test_a_sandbox_needs_its_urls_only_and_its_limits_are_far_away() -> None:
    settings = load(sandbox())
    assert settings.sandbox is True
    limits = [getattr(settings, name.lower()) for name in LIMITS]
    assert limits == [SANDBOX_LIMIT] * len(LIMITS) and SANDBOX_LIMIT >= 10_000_000


def test_settings_cant_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(sandbox()).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", [*SECRETS, *URLS])
def test_production_needs_every_secret_and_url(name: str) -> None:
    environ = production()
    del environ[name]
    (line,) = problems(environ)
    assert line.startswith(f"{name}: ")


def test_everything_wrong_is_told_at_once_one_line_each() -> None:
    names = [line.partition(":")[0] for line in problems({"PORT": "x", "CRYPTO_SUITE": "rot13"})]
    assert sorted(names) == sorted([*SECRETS, *URLS, "PORT", "CRYPTO_SUITE"])


@pytest.mark.parametrize("name", SECRETS)
def test_production_refuses_the_sandboxs_own_secrets(name: str) -> None:
    (line,) = problems(production(**{name: SANDBOX_SECRETS[name]}))
    assert line.startswith(f"{name}: ") and "sandbox" in line


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize("shape", ["2:{known}", "9:{own},2:{known}", "2:{known},3:{own}"])
def test_a_known_key_is_refused_under_whatever_id_it_comes(name: str, shape: str) -> None:
    known = SANDBOX_SECRETS[name].partition(":")[2]
    (line,) = problems(production(**{name: shape.format(known=known, own=fresh())}))
    assert line.startswith(f"{name}: ") and "sandbox" in line


@pytest.mark.parametrize(("name", "other"), [("HASH_KEY", "DATA_KEYS"), ("REFRESH_KEY", "TOKEN_KEYS")])
def test_a_known_key_is_refused_wherever_it_is_put(name: str, other: str) -> None:
    (line,) = problems(production(**{name: SANDBOX_SECRETS[other].partition(":")[2]}))
    assert line.startswith(f"{name}: ") and "sandbox" in line


def test_a_known_key_is_refused_in_another_spelling_of_base64() -> None:
    known = SANDBOX_SECRETS["HASH_KEY"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert known.endswith("=")
    stem, last = known.rstrip("=")[:-1], known.rstrip("=")[-1]
    other = stem + letters[letters.index(last) + 1] + "=" * (len(known) - len(known.rstrip("=")))
    assert other != known and base64.b64decode(other) == base64.b64decode(known)
    (line,) = problems(production(REFRESH_KEY=other))
    assert line.startswith("REFRESH_KEY: ") and "sandbox" in line


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("value", "reason"),
    [(fresh(31), "31 bytes"), ("!!not-base64!!", "base64"), (fresh()[:-1] + "*", "base64")],
)
def test_short_and_broken_keys_are_refused(name: str, value: str, reason: str) -> None:
    (line,) = problems(production(**{name: f"1:{value}" if name in KEYED else value}))
    assert line.startswith(f"{name}: ") and reason in line and value not in line


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize(
    "shape", ["{0}", ":{0}", "1{0}", "1:{0},1:{1}", "1:{0},{1}", "钥:{0}", "k" * 33 + ":{0}"]
)
def test_keys_come_with_their_ids_each_once(name: str, shape: str) -> None:
    lines = problems(production(**{name: shape.format(fresh(), fresh(40))}))
    assert all(line.startswith(f"{name}: ") for line in lines)
    assert not any(fresh() in line for line in lines)


@pytest.mark.parametrize("ids", [("256",), ("-1",), ("x",), ("1.5",), ("1", "01"), ("1", "+1")])
def test_a_code_keys_id_is_one_byte_and_comes_once(ids: tuple[str, ...]) -> None:
    value = ",".join(f"{key_id}:{fresh(32 + number)}" for number, key_id in enumerate(ids))
    (line,) = problems(production(CODE_MASTER_KEYS=value))
    assert line.startswith("CODE_MASTER_KEYS: ")


def test_the_first_key_is_for_new_things_and_the_others_verify() -> None:
    settings = load(
        production(CODE_MASTER_KEYS=f"9:{fresh()},4:{fresh(32)}", TOKEN_KEYS=f"b:{fresh()},a:{fresh(32)}")
    )
    assert (settings.code_master_keys.current_id, list(settings.code_master_keys.keys)) == (9, [9, 4])
    assert list(settings.token_keys) == ["b", "a"]


def test_both_families_of_algorithms_can_be_chosen() -> None:
    for suite in ("international", "national"):
        keys = load(production(CRYPTO_SUITE=suite)).data_keys
        assert (keys.suite, keys.hash_suite) == (suite, "international")
        keys = load(production(HASH_SUITE=suite)).data_keys
        assert (keys.suite, keys.hash_suite) == ("international", suite)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX", "yes"),
        ("SANDBOX", "true"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80a"),
        ("PORT", "８０"),
        ("PORT", "-1"),
        ("PORT", "1e3"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("DATABASE_POOL", "0"),
        ("ACCESS_TOKEN_S", "59"),
        ("ACCESS_TOKEN_S", "3601"),
        ("REFRESH_TOKEN_S", "3599"),
        ("REFRESH_TOKEN_S", str(91 * 24 * 3600)),
        *((name, "0") for name in LIMITS),
        ("METRICS_TOKEN", "short"),
        ("FORWARDED_SECRET", "short"),
        ("FORWARDED_SECRET", "change-me-to-a-long-random-text"),
        ("ACCESS_LOG", "yes"),
        ("PORT", "8" * 5000),
        ("CRYPTO_SUITE", "md5"),
        ("HASH_SUITE", "md5"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgres://h"),
        ("DATABASE_URL", "postgres://h:port/d"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("REDIS_URL", "http://h"),
        ("REDIS_URL", "redis://h:port/0"),
    ],
)
def test_a_bad_value_is_told_by_its_variable(name: str, value: str) -> None:
    (line,) = problems(production(**{name: value}))
    assert line.startswith(f"{name}: ") and len(line) > len(name) + 10


@pytest.mark.parametrize("value", ["0", ""])
def test_production_is_what_is_not_a_sandbox(value: str) -> None:
    assert load(production(SANDBOX=value)).sandbox is False


def test_numbers_are_taken_as_they_are() -> None:
    settings = load(
        production(PORT="65535", WORKERS="256", ACCESS_TOKEN_S="60", STAFF_LIMIT="7", ACCESS_LOG="1")
    )
    assert (settings.port, settings.workers, settings.access_token_s) == (65535, 256, 60)
    assert (settings.staff_limit, settings.is_access_log_on) == (7, True)


def test_production_has_limits_that_limit() -> None:
    settings = load(production())
    assert all(1 <= getattr(settings, name.lower()) <= 10_000 for name in LIMITS)


HIDDEN = "geheim-und-lang-genug"


@pytest.mark.parametrize(
    "changes",
    [
        {"METRICS_TOKEN": HIDDEN},
        {"FORWARDED_SECRET": HIDDEN},
        {"DATABASE_URL": f"postgres://app:{HIDDEN}@h/d"},
        {"DATABASE_REPLICA_URL": f"postgres://app:{HIDDEN}@h/d"},
        {"REDIS_URL": f"redis://:{HIDDEN}@h:6379/0"},
        {"REDIS_URL": f"redis://user:{HIDDEN}@h:6379/0"},
        {"REDIS_URL": f"unix://:{HIDDEN}@/run/redis.sock"},
        {"REDIS_URL": f"redis://h:6379/0?password={HIDDEN}"},
        {"REDIS_URL": f"unix:///run/redis.sock?password={HIDDEN}"},
    ],
)
def test_the_effective_settings_show_no_secret(changes: dict[str, str]) -> None:
    environ = production(**changes)
    lines = shown(load(environ))
    text = "\n".join(f"{name}={value}" for name, value in lines.items())
    assert HIDDEN not in text
    for name in SECRETS:
        assert environ[name].rpartition(":")[2] not in text
    assert lines["TOKEN_KEYS"] == lines["DATA_KEYS"] == "***"
    assert len(lines) >= len(dataclasses.fields(Settings))


def test_a_traceback_or_a_log_line_with_the_settings_shows_no_secret() -> None:
    environ = production(DATABASE_URL=f"postgres://app:{HIDDEN}@h/d", METRICS_TOKEN=HIDDEN)
    settings = load(environ)
    for text in (repr(settings), str(settings), f"{settings}"):
        assert HIDDEN not in text
        for key in (*settings.token_keys.values(), settings.refresh_key, settings.data_keys.hash_key):
            assert repr(key) not in text


def test_what_is_no_secret_is_shown() -> None:
    lines = shown(load(production(PORT="8123", REDIS_URL="redis://cache:6379/0")))
    assert (lines["PORT"], lines["REDIS_URL"]) == ("8123", "redis://cache:6379/0")
    assert lines["DATABASE_URL"] == "postgres://***@127.0.0.1:5432/xinyi"
    assert (lines["METRICS_TOKEN"], lines["ACCESS_LOG"], lines["DATABASE_POOL"]) == (
        "(not set)",
        "0",
        "10",
    )


@pytest.mark.parametrize("url", ["postgres://app:pa/ss-geheim@h:5432/d", "postgres://app:geheim#1@h:5432/d"])
def test_a_url_that_cant_be_read_is_not_repeated(url: str) -> None:
    """A password with an unescaped character is the usual reason."""
    (line,) = problems(production(DATABASE_URL=url))
    assert line.startswith("DATABASE_URL: ")
    assert not any(part in line for part in ("geheim", "'pa'", "pa/"))


def test_the_signing_key_is_exactly_an_ed25519_secret_and_only_the_worker_needs_it() -> None:
    environ = production()
    assert len(load(environ).ledger_signing_key or b"") == 32
    del environ["LEDGER_SIGNING_KEY"]
    assert load(environ).ledger_signing_key is None
    for value, reason in ((fresh(31), "31 bytes"), (fresh(33), "33 bytes"), ("!!", "base64")):
        (line,) = problems(production(LEDGER_SIGNING_KEY=value))
        assert line.startswith("LEDGER_SIGNING_KEY: ") and reason in line and value not in line
    (line,) = problems(production(LEDGER_SIGNING_KEY=SANDBOX_SECRETS["LEDGER_SIGNING_KEY"]))
    assert line.startswith("LEDGER_SIGNING_KEY: ") and "sandbox" in line


@pytest.mark.parametrize(
    "url",
    [
        *("witness", "ftp://witness/", "https://", "https:///roots", "http://a:b@host/", "http://host:x/"),
        *("http://host/a b", "http://host/\n", "http://主机/", "http://host:99999/", "http://host:0/"),
    ],
)
def test_a_witness_is_a_web_address(url: str) -> None:
    (line,) = problems(production(LEDGER_WITNESS_URL=url))
    assert line.startswith("LEDGER_WITNESS_URL: ")
    good = load(production(LEDGER_WITNESS_URL="https://witness.example/roots?token=geheim"))
    assert shown(good)["LEDGER_WITNESS_URL"] == "https://witness.example/roots?***"


@pytest.mark.parametrize(("name", "least"), [("ATTEMPTS_KEPT_MONTHS", 6), ("LOOKUPS_KEPT_MONTHS", 120)])
def test_no_log_is_kept_shorter_than_the_law_asks(name: str, least: int) -> None:
    """Rules 14 and 1."""
    assert sorted(load(production()).kept_months.values()) == [6, 120]
    assert least + 1 in load(production(**{name: str(least + 1)})).kept_months.values()
    (line,) = problems(production(**{name: str(least - 1)}))
    assert line.startswith(f"{name}: ")


def test_a_replica_is_not_needed_and_its_url_is_judged_like_the_other() -> None:
    assert load(production()).database_replica_url == ""
    (line,) = problems(production(DATABASE_REPLICA_URL="mysql://app:geheim@h/d"))
    assert line.startswith("DATABASE_REPLICA_URL: ") and "geheim" not in line


def with_files(folder: Path, environ: dict[str, str], *names: str) -> dict[str, str]:
    """The same environment with some of its values in files."""
    environ = dict(environ)
    for name in names:
        path = folder / name.lower()
        path.write_text(environ.pop(name) + "\n")
        environ[f"{name}_FILE"] = str(path)
    return environ


def test_every_secret_and_url_may_lie_in_a_file(tmp_path: Path) -> None:
    environ = production()
    names = sorted(FROM_FILES & set(environ))
    assert {*SECRETS, "DATABASE_URL", "REDIS_URL", "LEDGER_SIGNING_KEY", "FORWARDED_SECRET"} <= set(names)
    assert load(with_files(tmp_path, environ, *names)) == load(environ)


def test_a_secret_that_is_set_twice_or_cant_be_read_is_told_without_its_value(tmp_path: Path) -> None:
    environ = production()
    both = {**environ, **with_files(tmp_path, environ, "HASH_KEY")}
    assert problems(both) == ["HASH_KEY: is set, and HASH_KEY_FILE too; keep one of them"]
    missing = with_files(tmp_path, environ, "HASH_KEY") | {"HASH_KEY_FILE": str(tmp_path / "none")}
    assert f"HASH_KEY_FILE: {tmp_path / 'none'}: No such file or directory" in problems(missing)
    (tmp_path / "hash_key").write_bytes(b"\xff\xfe")
    broken = {**with_files(tmp_path, environ, "REFRESH_KEY"), "HASH_KEY_FILE": str(tmp_path / "hash_key")}
    del broken["HASH_KEY"]
    assert f"HASH_KEY_FILE: {tmp_path / 'hash_key'}: is no text" in problems(broken)
    (tmp_path / "data_keys").write_text(SANDBOX_SECRETS["DATA_KEYS"])
    known = with_files(tmp_path, environ, "HASH_KEY") | {"DATA_KEYS_FILE": str(tmp_path / "data_keys")}
    del known["DATA_KEYS"]
    assert problems(known) == ["DATA_KEYS: holds a key of the sandbox, which everybody knows; make a new one"]

"""Settings from the environment, read once, frozen; a secret has no default outside the sandbox."""

import base64
import binascii
import secrets
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from redis import asyncio as aioredis

from benefits.codes import KeyRing
from citizens import message_wordings
from citizens.message_wordings import Wording
from citizens.subscriptions import Wordings
from common.crypto import SUITES, PersonalDataKeys
from common.database_url import tortoise_config
from common.signing import SEED_BYTES
from models.citizen_enums import MessageTemplate
from models.enums import Channel
from server import channel_settings
from server.channel_settings import ChannelSettings
from server.credit_settings import CreditSettings, read_credit_settings


class ConfigError(Exception):
    """The environment does not make a service; each line names a variable and says what to do."""


# Known to everybody, so good for a sandbox only: production refuses each of these values.
SANDBOX_SECRETS = {
    "TOKEN_KEYS": "1:" + base64.b64encode(b"sandbox token key, never for real use, 48 bytes!").decode(),
    "REFRESH_KEY": base64.b64encode(b"sandbox refresh key, never for real use 48 bytes").decode(),
    "CODE_MASTER_KEYS": "1:" + base64.b64encode(b"sandbox code key, never for real").decode(),
    "DATA_KEYS": "1:" + base64.b64encode(b"sandbox data key, never for real").decode(),
    "HASH_KEY": base64.b64encode(b"sandbox hash key, never for real").decode(),
    "LEDGER_SIGNING_KEY": base64.b64encode(b"sandbox seal key, never for real").decode(),
}
# Each may lie in a file, whose path stands in the variable with `_FILE` behind its name: that is how systemd's
# credentials and the secrets of Docker and Kubernetes come.
FROM_FILES = frozenset(
    {
        *SANDBOX_SECRETS,
        *("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "METRICS_TOKEN", "FORWARDED_SECRET"),
        *("WECHAT_SECRET", "ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY", "ZHELIBAN_SECRET"),
        *("CREDIT_ACCESS_SECRET", "CREDIT_ANSWER_KEY", "CREDIT_BATCH_PUBLIC_KEY"),
    }
)
# Under whatever id and for whatever purpose they come.
KNOWN_KEYS = frozenset(base64.b64decode(value.rpartition(":")[2]) for value in SANDBOX_SECRETS.values())
SANDBOX_LIMIT = 10_000_000
# It stands in every value that is sealed with the key.
MOST_KEY_ID = 32
ONE_BYTE = frozenset(str(number) for number in range(256))


@dataclass(frozen=True)
class Settings:
    """What one process of the service runs with. Durations in seconds, limits per minute.

    What is secret is left out of `repr`, so that no log line or traceback shows it, and masked by `shown`.
    """

    sandbox: bool
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    token_keys: dict[str, bytes] = field(repr=False)
    refresh_key: bytes = field(repr=False)
    code_master_keys: KeyRing = field(repr=False)
    data_keys: PersonalDataKeys = field(repr=False)
    # Only the worker signs; nothing else needs to have it.
    ledger_signing_key: bytes | None = field(default=None, repr=False)
    ledger_witness_url: str = field(default="", repr=False)
    database_replica_url: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    pool_size: int = 10
    metrics_token: str = field(default="", repr=False)
    forwarded_secret: str = field(default="", repr=False)
    access_token_s: int = 600
    refresh_token_s: int = 30 * 24 * 3600
    citizen_limit: int = 120
    staff_limit: int = 600
    admin_limit: int = 300
    address_limit: int = 1200
    sign_in_limit: int = 60
    is_access_log_on: bool = False
    files_folder: Path = Path(".data/files")
    # The clients as they were built: `mobile/dist/build/h5` and `console/dist` in it.
    clients_dir: Path = Path(__file__).parent.parent / "clients"
    attempts_kept_months: int = 6
    lookups_kept_months: int = 120
    credit: CreditSettings = field(default=CreditSettings(), repr=False)
    wechat_templates: Mapping[MessageTemplate, Wording] = field(default_factory=dict)
    channels: ChannelSettings = field(default_factory=ChannelSettings)

    @property
    def kept_months(self) -> dict[str, int]:
        """How long each log is kept, by its table."""
        return {"attempts": self.attempts_kept_months, "credit_lookups": self.lookups_kept_months}

    @property
    def wordings(self) -> Wordings:
        """The messages that this installation sends, by channel."""
        return {Channel.WECHAT: self.wechat_templates} if self.wechat_templates else {}


def load(environ: Mapping[str, str]) -> Settings:
    """Read and judge the whole environment at once.

    Raises:
        ConfigError: with one line for every variable that is missing, broken or unfit for production.
    """
    reader = _Reader(environ)
    settings = reader.settings()
    if reader.problems:
        raise ConfigError("\n".join(reader.problems))
    return settings


def database_url(environ: Mapping[str, str]) -> str:
    """Only the database, for commands that read it and need no secret.

    Raises:
        ConfigError: it is not set or unusable.
    """
    reader = _Reader(environ)
    url = reader.database_url()
    if reader.problems:
        raise ConfigError("\n".join(reader.problems))
    return url


def new_secrets() -> dict[str, str]:
    """Fresh values for every secret that production needs and for the one that its proxy sends, by variable name."""

    def fresh(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).decode()

    return {
        "TOKEN_KEYS": "1:" + fresh(48),
        "REFRESH_KEY": fresh(48),
        "CODE_MASTER_KEYS": "1:" + fresh(32),
        "DATA_KEYS": "1:" + fresh(32),
        "HASH_KEY": fresh(32),
        "LEDGER_SIGNING_KEY": fresh(32),
        "FORWARDED_SECRET": secrets.token_urlsafe(32),
    }


def shown(settings: Settings) -> dict[str, str]:
    """The effective configuration with every secret masked, by variable name."""
    keys = settings.data_keys
    lines = {**_lines(settings), **_lines(settings.channels)}
    del lines["CHANNELS"]  # whose variables stand there by themselves
    return {**lines, "HASH_KEY": "***", "CRYPTO_SUITE": keys.suite, "HASH_SUITE": keys.hash_suite}


def _lines(settings: Settings | ChannelSettings) -> dict[str, str]:
    lines = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, CreditSettings):
            lines.update(value.shown())
            continue
        lines[VARIABLES.get(item.name, item.name.upper())] = _plain(value) if item.repr else _masked(value)
    return lines


def _plain(value: object) -> str:
    """As the variable would be set: a switch is 0 or 1; of templates, which there are."""
    if isinstance(value, Mapping):
        return ", ".join(value) or "(not set)"
    return str(int(value)) if isinstance(value, bool) else str(value)


def _masked(value: object) -> str:
    """A URL keeps what helps to find a mistake: which kind of server, on which host, which database."""
    if not isinstance(value, str):
        return "***"
    url = urlsplit(value)
    if not url.scheme:
        return "***" if value else "(not set)"
    # A password may stand in the query as well (`?password=`).
    query = "?***" if url.query else ""
    user = "***@" if url.username or url.password else ""
    return f"{url.scheme}://{user}{url.netloc.rpartition('@')[2]}{url.path}{query}"


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_good and url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc


VARIABLES = {"files_folder": "FILES_DIR", "is_access_log_on": "ACCESS_LOG", "pool_size": "DATABASE_POOL"}


class _Reader:
    """Collects every problem instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        # Nothing is written into it.
        self.environ: Mapping[str, str] = ChainMap(self.files(environ), environ)  # type: ignore[arg-type]
        self.sandbox = environ.get("SANDBOX", "") == "1"
        if environ.get("SANDBOX", "") not in ("", "0", "1"):
            self.problems.append("SANDBOX: must be 1 (a sandbox) or not set (production)")

    def settings(self) -> Settings:
        limit = SANDBOX_LIMIT if self.sandbox else None
        return Settings(
            sandbox=self.sandbox,
            database_url=self.database_url(),
            redis_url=self.redis_url(),
            database_replica_url=self.database_replica_url(),
            token_keys=self.keys("TOKEN_KEYS", minimum=32),
            refresh_key=self.secret("REFRESH_KEY"),
            code_master_keys=self.code_master_keys(),
            data_keys=self.personal_data_keys(),
            ledger_signing_key=self.ledger_signing_key(),
            ledger_witness_url=self.witness_url(),
            host=self.text("HOST", "127.0.0.1"),
            port=self.number("PORT", 8000, 1, 65535),
            workers=self.number("WORKERS", 2, 1, 256),
            pool_size=self.number("DATABASE_POOL", 10, 1, 1000),
            metrics_token=self.long_text("METRICS_TOKEN"),
            forwarded_secret=self.long_text("FORWARDED_SECRET"),
            access_token_s=self.number("ACCESS_TOKEN_S", 600, 60, 3600),
            refresh_token_s=self.number("REFRESH_TOKEN_S", 30 * 24 * 3600, 3600, 90 * 24 * 3600),
            citizen_limit=self.number("CITIZEN_LIMIT", limit or 120, 1, SANDBOX_LIMIT),
            staff_limit=self.number("STAFF_LIMIT", limit or 600, 1, SANDBOX_LIMIT),
            admin_limit=self.number("ADMIN_LIMIT", limit or 300, 1, SANDBOX_LIMIT),
            address_limit=self.number("ADDRESS_LIMIT", limit or 1200, 1, SANDBOX_LIMIT),
            sign_in_limit=self.number("SIGN_IN_LIMIT", limit or 60, 1, SANDBOX_LIMIT),
            is_access_log_on=self.number("ACCESS_LOG", 0, 0, 1) == 1,
            files_folder=Path(self.text("FILES_DIR", ".data/files")).absolute(),
            clients_dir=Path(self.text("CLIENTS_DIR", str(Settings.clients_dir))).absolute(),
            # Not shorter than the law (rules 14 and 1).
            attempts_kept_months=self.number("ATTEMPTS_KEPT_MONTHS", 6, 6, 1200),
            lookups_kept_months=self.number("LOOKUPS_KEPT_MONTHS", 120, 120, 1200),
            credit=read_credit_settings(self.environ, self.problems, is_sandbox=self.sandbox),
            wechat_templates=self.templates("WECHAT_TEMPLATES"),
            channels=channel_settings.read(self.environ, self.problems, is_sandbox=self.sandbox),
        )

    def files(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What lies in files, by the variable that it stands for."""
        found = {}
        for variable in sorted(environ):
            name = variable.removesuffix("_FILE")
            if name == variable or name not in FROM_FILES or not environ[variable]:
                continue
            if environ.get(name):
                self.problems.append(f"{name}: is set, and {variable} too; keep one of them")
                continue
            try:
                found[name] = Path(environ[variable]).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "is no text"
                self.problems.append(f"{variable}: {environ[variable]}: {why}")
        return found

    def templates(self, name: str) -> Mapping[MessageTemplate, Wording]:
        """A channel's templates as JSON (`citizens.message_wordings.read`); without any, nothing is sent."""
        found, faults = message_wordings.read(self.environ.get(name) or "{}")
        self.problems += [f"{name}: {fault}" for fault in faults]
        return found

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name) or default

    def long_text(self, name: str) -> str:
        value = self.environ.get(name, "")
        if value and len(value) < 16:
            self.problems.append(f"{name}: at least 16 characters, this is a secret")
        elif "change-me" in value.lower():
            self.problems.append(
                f"{name}: is still the text of an example; `python -m server new-secrets` prints one"
            )
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.environ.get(name) or str(default)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
            self.problems.append(f"{name}: a whole number from {low} to {high} is needed, not {text[:20]!r}")
            return default
        return int(text)

    def raw_secret(self, name: str) -> str:
        """A secret's text; only the sandbox has one by itself."""
        value = self.environ.get(name, "")
        if not value and self.sandbox:
            return SANDBOX_SECRETS[name]
        if not value:
            self.problems.append(f"{name}: is not set; `python -m server new-secrets` prints fresh ones")
        return value

    def secret(self, name: str, minimum: int = 32) -> bytes:
        value = self.raw_secret(name)
        return self.decoded(name, value, minimum) if value else b"\0" * minimum

    def decoded(self, name: str, value: str, minimum: int) -> bytes:
        """A secret's bytes; production refuses what everybody knows, however it is spelt."""
        try:
            secret = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            self.problems.append(f"{name}: must be base64")
            return b"\0" * minimum
        if not self.sandbox and secret in KNOWN_KEYS:
            self.problems.append(f"{name}: holds a key of the sandbox, which everybody knows; make a new one")
        elif len(secret) < minimum:
            self.problems.append(f"{name}: {len(secret)} bytes are too few; at least {minimum} are needed")
        return secret

    def keys(self, name: str, minimum: int) -> dict[str, bytes]:
        """`id:base64[,id:base64]`; the first one is for new things, the others still verify."""
        keys: dict[str, bytes] = {}
        for part in filter(None, self.raw_secret(name).split(",")):
            key_id, colon, value = part.partition(":")
            if not colon or not 0 < len(key_id) <= MOST_KEY_ID or not key_id.isascii() or key_id in keys:
                self.problems.append(f"{name}: must look like id:base64,id:base64 with each short id once")
                continue
            keys[key_id] = self.decoded(name, value, minimum)
        return keys or {"0": b"\0" * minimum}

    def code_master_keys(self) -> KeyRing:
        keys = self.keys("CODE_MASTER_KEYS", minimum=32)
        # Written in one way only: 1 and 01 would be one key id for a code and two for whoever reads this.
        if any(key_id not in ONE_BYTE for key_id in keys):
            self.problems.append("CODE_MASTER_KEYS: each id is a number from 0 to 255 (one byte of the code)")
            return KeyRing({0: b"\0" * 32})
        return KeyRing({int(key_id): key for key_id, key in keys.items()})

    def personal_data_keys(self) -> PersonalDataKeys:
        return PersonalDataKeys(
            suite=self.suite("CRYPTO_SUITE"),
            keys=self.keys("DATA_KEYS", minimum=32),
            hash_key=self.secret("HASH_KEY"),
            hash_suite=self.suite("HASH_SUITE"),
        )

    def suite(self, name: str) -> str:
        """Which algorithms; `HASH_SUITE` must stay as it is once there are citizens."""
        value = self.text(name, "international")
        if value not in SUITES:
            self.problems.append(f"{name}: must be one of {', '.join(SUITES)}")
            return "international"
        return value

    def ledger_signing_key(self) -> bytes | None:
        """32 bytes of Ed25519 (RFC 8032); a process that does not seal does without."""
        name = "LEDGER_SIGNING_KEY"
        if not self.environ.get(name) and not self.sandbox:
            return None
        seed = self.secret(name, SEED_BYTES)
        if len(seed) > SEED_BYTES:
            self.problems.append(f"{name}: {len(seed)} bytes are too many; exactly {SEED_BYTES} are needed")
        return seed

    def witness_url(self) -> str:
        value = self.environ.get("LEDGER_WITNESS_URL", "")
        if value and not _is_web_address(value):
            self.problems.append("LEDGER_WITNESS_URL: must be https://host/path or http://host:port/path")
        return value

    def database_url(self) -> str:
        value = self.environ.get("DATABASE_URL", "")
        try:
            tortoise_config(value)
        except ValueError as error:
            self.problems.append(f"DATABASE_URL: {error}" if value else "DATABASE_URL: is not set")
        return value

    def database_replica_url(self) -> str:
        """A streaming replica to read lists from; none is needed."""
        value = self.environ.get("DATABASE_REPLICA_URL", "")
        try:
            if value:
                tortoise_config(value)
        except ValueError as error:
            self.problems.append(f"DATABASE_REPLICA_URL: {error}")
        return value

    def redis_url(self) -> str:
        value = self.environ.get("REDIS_URL", "")
        try:
            aioredis.from_url(value)
        except ValueError:  # whose words may hold a part of the password
            self.problems.append("REDIS_URL: must be redis://host:6379/0, rediss://… or unix:///path")
        return value

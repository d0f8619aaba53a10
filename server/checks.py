"""What an operator runs in his first hour: is everything reachable, and who is the first admin."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from redis.exceptions import RedisError
from tortoise.exceptions import DBConnectionError, OperationalError

from alliance import admins
from alliance.admins import LoginTaken
from common import database, events
from common.clock import now
from common.errors import NotFound
from common.signing import Signer
from models.enums import AdminRole
from server import passwords
from server.config import Settings
from server.migrate import WrongInstallation, must_be_installation, pending


@dataclass(frozen=True)
class Said:
    """What came of it, in a sentence."""

    is_good: bool
    text: str


def sentence_of(error: BaseException) -> str | None:
    """What a fault of the database means to an operator and what to do; never the driver's own words.

    They may hold the password. Nothing for what is no fault of the database.
    """
    is_wrapped = isinstance(error, DBConnectionError | OperationalError) and error.__cause__
    cause = error.__cause__ if is_wrapped else error
    kind = type(cause).__name__
    match cause:
        case asyncpg.InvalidCatalogNameError():
            return "there is no such database; create it first (CREATE DATABASE … OWNER …), or check DATABASE_URL"
        case asyncpg.InsufficientPrivilegeError():
            return "the role may not make tables there; let it own the database (ALTER DATABASE … OWNER TO …)"
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError():
            return "its tables are not there or too old; run `python -m server migrate`"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return f"it does not let us in ({kind}); check user and password in DATABASE_URL"
        case asyncpg.ClientConfigurationError():
            return f"DATABASE_URL has options that can't be used ({kind}); check what stands after the question mark"
        case DBConnectionError() | asyncpg.PostgresConnectionError() | asyncpg.CannotConnectNowError():
            return f"not reachable ({kind}); check DATABASE_URL and that PostgreSQL runs"
        case OSError() if cause.filename is None:  # TimeoutError is one too
            return f"not reachable ({kind}); check DATABASE_URL and that PostgreSQL runs"
    return None


async def check(settings: Settings) -> bool:
    """Print one line per part; True when the service could start now."""
    print("configuration: good" + (" (sandbox)" if settings.sandbox else ""))
    print(_ledger_line(settings.ledger_signing_key))
    is_good = await _check_database(settings)
    await _check_replica(settings)
    await _check_redis(settings)
    return is_good


def _ledger_line(key: bytes | None) -> str:
    if key is None:
        return "ledger: no LEDGER_SIGNING_KEY here; only `worker` needs it, and does not start without it"
    return f"ledger: seals are signed with the public key {Signer.of(key).public_key.hex()}"


async def _check_database(settings: Settings) -> bool:
    await database.connect(settings.database_url, pool_size=1)
    try:
        row = await database.fetch_one("SHOW server_version")
        await must_be_installation(settings.sandbox)
        missing = await pending()
    except WrongInstallation as error:
        print(f"database: {error}")
        return False
    except Exception as error:
        print(
            f"database: {sentence_of(error) or 'not reachable; check DATABASE_URL and that PostgreSQL runs'}"
        )
        return False
    finally:
        await database.disconnect()
    print(f"database: PostgreSQL {row and row[0]}")
    if missing:
        print(f"migrations: {len(missing)} to apply; run `python -m server migrate`")
        return False
    print("migrations: current")
    return True


async def _check_replica(settings: Settings) -> None:
    """Say whether lists can be read from it; the service starts without it all the same."""
    if not settings.database_replica_url:
        return
    await database.connect(settings.database_replica_url, pool_size=1)
    try:
        row = await database.fetch_one("SELECT pg_is_in_recovery() AS is_replica")
    except Exception as error:
        why = (sentence_of(error) or "not reachable").replace("DATABASE_URL", "DATABASE_REPLICA_URL")
        print(f"replica: {why}; until then lists are read from the database")
        return
    finally:
        await database.disconnect()
    if row and row["is_replica"]:
        print("replica: reachable")
    else:
        print("replica: DATABASE_REPLICA_URL names no streaming replica; lists are read from the database")


async def _check_redis(settings: Settings) -> None:
    client = events.redis_client(settings.redis_url)
    try:
        await client.ping()
        print("redis: reachable")
    except (RedisError, OSError) as error:
        print(
            f"redis: not reachable ({type(error).__name__}); the service runs without events and shared limits"
        )
    finally:
        await client.aclose()


async def create_admin(
    settings: Settings, login: str, password: str, region: str, roles: Sequence[str] | None
) -> Said:
    """Make an admin; refuses weak passwords, unknown regions and taken logins."""
    try:
        passwords.refuse_weak(password, login)
    except passwords.PasswordWeak as error:
        return Said(False, error.sentence("en"))
    if not 1 <= len(login) <= 64 or not login.isprintable():
        return Said(False, "The login needs 1 to 64 printable characters.")
    await database.connect(settings.database_url, pool_size=1)
    try:
        await must_be_installation(settings.sandbox)
        secret = await admins.create(
            *(login, passwords.hashed(password), region),
            *(tuple(AdminRole(role) for role in roles or admins.GRANTABLE), settings.data_keys, now()),
        )
    except NotFound:
        return Said(False, f"There is no region {region}; use a GB/T 2260 code such as 330000 or 330100.")
    except LoginTaken as error:
        return Said(False, error.sentence("en"))
    finally:
        await database.disconnect()
    return Said(
        True,
        f"Admin {login} for region {region} is created.\n"
        f"One-time-code secret (shown once, put it into an authenticator app): {secret}",
    )

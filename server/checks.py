"""What an operator runs in his first hour: is everything reachable, and who is the first admin."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from alliance import admins
from alliance.admins import LoginTaken
from common import database, events
from common.clock import now
from common.errors import NotFound
from models.enums import AdminRole
from server import passwords
from server.config import Settings
from server.migrate import pending


@dataclass(frozen=True)
class Said:
    """What came of it, in a sentence."""

    is_good: bool
    text: str


async def check(settings: Settings) -> bool:
    """Print one line per part; True when the service could start now."""
    print("configuration: good" + (" (sandbox)" if settings.sandbox else ""))
    is_good = await _check_database(settings)
    await _check_redis(settings)
    return is_good


async def _check_database(settings: Settings) -> bool:
    await database.connect(settings.database_url, pool_size=1)
    try:
        row = await database.fetch_one("SHOW server_version")
        missing = await pending()
    except Exception as error:
        # Every driver error means the same to an operator; its message may hold the password.
        print(
            f"database: not reachable ({type(error).__name__}); check DATABASE_URL and that PostgreSQL runs"
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
    if len(password) < passwords.MIN_LENGTH or password.lower() == login.lower():
        return Said(
            False, f"The password needs {passwords.MIN_LENGTH} characters or more and must not be the login."
        )
    if not 1 <= len(login) <= 64 or not login.isprintable():
        return Said(False, "The login needs 1 to 64 printable characters.")
    await database.connect(settings.database_url, pool_size=1)
    try:
        secret = await admins.create(
            *(login, passwords.hashed(password), region),
            *(tuple(AdminRole(role) for role in roles or AdminRole), settings.data_keys, now()),
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

"""What DATABASE_URL says, for whoever connects and for who only checks it: needs none of the ORM."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

STATEMENT_LIMIT_S = 5

SESSION_SETTINGS = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "10s",
    # A row that somebody holds for longer than this is no rush: those that share a statement are told apart.
    "lock_timeout": "2s",
    # A prepared statement keeps the plan of its first executions. Planned while the ledger is
    # empty, the look-up of a key would be a scan of the whole ledger for as long as the
    # connection lives; no statement of the service wants such a scan where it has an index.
    "enable_seqscan": "off",
    # The statements are written so that one plan fits every value (no "$1 IS NULL OR"); planning
    # the claim anew each time, as PostgreSQL would, takes longer than running it.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Every statement looks up a few rows: one that was planned on an empty table must not read a whole index.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


def tortoise_config(
    database_url: str, pool_size: int = 10, statement_timeout: str = f"{STATEMENT_LIMIT_S}s"
) -> dict[str, Any]:
    """Tortoise's configuration for a `postgres://user:password@host:port/database` URL.

    A unix socket is given as `?host=/folder`, as libpq does; `?sslmode=` is passed on.

    Raises:
        ValueError: the URL is no PostgreSQL URL or names no database; never with a part of the URL, which
            may be a part of the password.
    """
    url = urlsplit(database_url)
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    if url.scheme not in ("postgres", "postgresql") or len(url.path) < 2:
        raise ValueError("it must look like postgres://user:password@host:5432/database")
    try:
        port = int(options.get("port") or url.port or 5432)
    except ValueError:
        raise ValueError(
            "its port is no number; write / # ? @ : % in a password as %2F %23 %3F %40 %3A %25"
        ) from None
    credentials: dict[str, Any] = {
        "host": options.get("host") or url.hostname,
        "port": port,
        "user": unquote(url.username or ""),
        "password": unquote(url.password) if url.password else None,
        "database": unquote(url.path[1:]),
        "minsize": 1,
        "maxsize": pool_size,
        "timeout": 5,
        # A little longer than the server's own limit: this one is for a server that does not answer at all.
        "command_timeout": None if statement_timeout == "0" else STATEMENT_LIMIT_S + 1,
        "max_inactive_connection_lifetime": 0,
        # Nothing here changes a session's state, so the reset that asyncpg does at each release
        # (15 % of the hot path) has nothing to reset.
        "reset": _keep_as_it_is,
        "server_settings": {**SESSION_SETTINGS, "statement_timeout": statement_timeout},
    }
    if "sslmode" in options:
        credentials["ssl"] = options["sslmode"]
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": {
            "models": {"models": ["models"], "migrations": "migrations", "default_connection": "default"}
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def _keep_as_it_is(_: object) -> None:
    return None

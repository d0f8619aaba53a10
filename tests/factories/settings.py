"""Settings of a service, as the environment gives them."""

from typing import Any

from server.config import Settings, load, new_secrets

URLS = {"DATABASE_URL": "postgres://app:geheim@127.0.0.1:5432/xinyi", "REDIS_URL": "redis://127.0.0.1:6379/0"}


def production(**more: str) -> dict[str, str]:
    """An environment that production accepts, with fresh secrets."""
    return {**URLS, **new_secrets(), **more}


def sandbox(**more: str) -> dict[str, str]:
    """The environment of a sandbox."""
    return {**URLS, "SANDBOX": "1", **more}


def settings(**more: Any) -> Settings:
    """Production's settings with fresh secrets."""
    return load(production(**more))

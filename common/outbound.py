"""Posting to an address that somebody else gave us, without being led into our own network (SSRF).

The name is resolved here, every address it has is checked, and the connection goes to the very address that was checked:
a name that changes its mind in between (DNS rebinding) leads nowhere else. The host's name stays in the certificate
check and in the Host header. No redirect is followed, no proxy of the environment used, no answer read.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

ANSWER_WITHIN_S = 10.0

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Besides what Python's own tables say is not global: what only looks global, because another address is inside it.
NOT_OUTSIDE = tuple(
    map(
        ip_network,
        (
            *(
                "0.0.0.0/8",
                "100.64.0.0/10",
                "168.63.129.16/32",
                "192.0.0.0/24",
                "192.88.99.0/24",
                "198.18.0.0/15",
                "240.0.0.0/4",
            ),
            *("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16", "fc00::/7", "fec0::/10"),
        ),
    )
)


class NotSent(Exception):
    """Nobody took it; `result` says why in a word: a status, `timeout`, `not_reached`, `address_not_allowed`."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True, slots=True)
class Reach:
    """Where posts may go. Plain HTTP and this machine itself are a sandbox's only."""

    is_loopback_allowed: bool = False

    def may_name(self, url: str) -> bool:
        """Whether a URL may be asked for at all: https, a host, nothing of a user, no address that is not outside."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if not host or port == 0 or "@" in parts.netloc or parts.fragment or not url.isascii() or " " in url:
            return False
        address = _literal(host)
        is_loopback = host == "localhost" or (address is not None and address.is_loopback)
        if is_loopback:
            return self.is_loopback_allowed and parts.scheme in ("http", "https")
        is_name = address is None and "." in host.strip(".") and not host.endswith((".local", ".internal"))
        return parts.scheme == "https" and (is_name or (address is not None and is_outside(address)))

    def may_meet(self, address: Address) -> bool:
        """Whether a connection to an address may be opened."""
        return is_outside(address) or (self.is_loopback_allowed and address.is_loopback)


def is_outside(address: Address) -> bool:
    """Whether an address is somebody else's, in the public internet: not ours, not a neighbour's, not a cloud's own."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_outside(address.ipv4_mapped)
        if address.scope_id is not None:
            return False
    inside = any(address.version == network.version and address in network for network in NOT_OUTSIDE)
    return address.is_global and not address.is_multicast and not inside


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


# A name server that does not answer holds a thread for longer than we wait: it must not be one that others need.
_RESOLVERS = ThreadPoolExecutor(4, thread_name_prefix="resolve")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system knows them."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, look_up)
    return [str(each[4][0]) for each in found]


async def post(
    url: str, body: bytes, headers: Mapping[str, str], reach: Reach, resolving: Resolve = resolve
) -> int:
    """Post JSON; the status, all of it within ten seconds.

    Raises:
        NotSent: anything but a 2xx.
    """
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            status = await _post(url, body, headers, reach, resolving)
    except TimeoutError:
        raise NotSent("timeout") from None
    except (httpx.HTTPError, OSError, ssl.SSLError):
        raise NotSent("not_reached") from None
    if not 200 <= status < 300:
        raise NotSent(str(status))
    return status


async def _post(url: str, body: bytes, headers: Mapping[str, str], reach: Reach, resolving: Resolve) -> int:
    if not reach.may_name(url):
        raise NotSent("address_not_allowed")
    target = httpx.URL(url)
    port = target.port or (443 if target.scheme == "https" else 80)
    addresses = [ip_address(each) for each in await resolving(target.host, port)]
    # One that is not allowed spoils them all: which one is taken would be chance.
    if not addresses or not all(map(reach.may_meet, addresses)):
        raise NotSent("address_not_allowed")
    pinned = target.copy_with(host=str(addresses[0]))
    request = httpx.Request(
        "POST",
        pinned,
        content=body,
        headers={**headers, "Host": target.netloc.decode(), "Content-Type": "application/json"},
        extensions={"sni_hostname": target.host, "timeout": httpx.Timeout(ANSWER_WITHIN_S).as_dict()},
    )
    # A transport of its own: a connection that is kept belongs to an address, and another name may have the same one.
    async with httpx.AsyncHTTPTransport(verify=_certificates(), retries=0) as transport:
        response = await transport.handle_async_request(request)
        await response.aclose()  # the body, however large, is not read
        return response.status_code


@cache
def _certificates() -> ssl.SSLContext:
    # Loading the authorities takes 17 ms, once.
    return ssl.create_default_context()

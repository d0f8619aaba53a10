"""Posts go outside and nowhere else: no private address, no redirect, no second look at a name, no endless answer."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common import outbound
from common.outbound import NotSent, Reach, is_outside, post
from tests.factories.tills import Till, floods, hangs, hangs_up, redirects_to, running, says, status

HERE, OUT = Reach(is_loopback_allowed=True), Reach()
NAME = "till.example.com"


def names(*addresses: str) -> tuple[outbound.Resolve, list[str]]:
    """A resolver that answers with these, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return addresses

    return resolve, asked


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *(
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "168.63.129.16",
            "192.0.0.192",
        ),
        *("198.18.0.1", "192.0.2.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
        *(
            "64:ff9b:1::a00:1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "192.88.99.1",
        ),
    ],
)
def test_an_address_that_is_not_outside_is_never_met(address: str) -> None:
    assert not is_outside(ip_address(address))
    assert not OUT.may_meet(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "223.5.5.5", "100.63.255.255", "172.32.0.1", "2400:3200::1", "::ffff:223.5.5.5"]
)
def test_an_address_outside_is_met(address: str) -> None:
    assert is_outside(ip_address(address)) and OUT.may_meet(ip_address(address))


@pytest.mark.parametrize(
    ("url", "is_fit"),
    [
        *(
            ("https://till.example.com/x?y=1", True),
            ("https://223.5.5.5:8443/", True),
            ("https://[2400:3200::1]/", True),
        ),
        *(
            ("http://till.example.com/", False),
            ("https://user:pass@till.example.com/", False),
            ("https://till", False),
        ),
        *(("https://localhost/", False), ("https://localhost./", False), ("https://127.0.0.1/", False)),
        *(
            ("https://[::1]/", False),
            ("https://[::ffff:10.0.0.1]/", False),
            ("https://169.254.169.254/", False),
        ),
        *(("https://2130706433/", False), ("https://printer.local/", False), ("https://db.internal/", False)),
        *(("ftp://till.example.com/", False), ("https:///x", False), ("https://till.example.com:0/", False)),
        *(
            ("https://till.example.com:99999/", False),
            ("https://[::1", False),
            ("https://till.example.com/#x", False),
        ),
    ],
)
def test_what_may_be_asked_for(url: str, is_fit: bool) -> None:
    assert OUT.may_name(url) is is_fit


def test_only_a_sandbox_names_its_own_machine() -> None:
    for url in ("http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/"):
        assert HERE.may_name(url) and not OUT.may_name(url)
    for url in ("http://10.0.0.1/", "http://till.example.com/", "https://192.168.1.1/"):
        assert not HERE.may_name(url)
    assert not HERE.may_meet(ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.0.0.1",),
        ("127.0.0.1",),
        ("223.5.5.5", "10.0.0.1"),
        ("169.254.169.254",),
        ("::ffff:127.0.0.1",),
        (),
    ],
)
async def test_a_name_that_leads_inside_is_not_followed(addresses: tuple[str, ...]) -> None:
    resolving, asked = names(*addresses)
    with pytest.raises(NotSent) as refused:
        await post(f"https://{NAME}/", b"{}", {}, OUT, resolving)
    assert refused.value.result == "address_not_allowed" and asked == [NAME]


# Behaviour of the other side -----------------------------------------------------------------------


async def result_of(till: Till, within_s: float = 5) -> str:
    """The status, or why there was none, and that it did not take long."""
    async with running(till), asyncio.timeout(within_s):
        try:
            return str(await post(till.url, b'{"a":1}', {"X-A": "b"}, HERE))
        except NotSent as failure:
            return failure.result


async def test_a_2xx_counts_and_the_request_is_whole() -> None:
    till = Till(status(200))
    assert await result_of(till) == "200"
    assert till.bodies == [b'{"a":1}'] and till.heads[0].startswith(b"POST /xinyi HTTP/1.1\r\n")
    assert (till.header("host"), till.header("x-a")) == (f"127.0.0.1:{till.port}", "b")
    assert till.header("content-type") == "application/json"


@pytest.mark.parametrize("number", [301, 400, 401, 404, 410, 429, 500, 503])
async def test_anything_else_does_not(number: int) -> None:
    assert await result_of(Till(status(number))) == str(number)


@pytest.mark.parametrize("answer", [hangs_up, says(b"nonsense\r\n\r\n"), says(b"HTTP/1.1 200")])
async def test_what_is_no_answer_is_not_reached(answer: object) -> None:
    assert await result_of(Till(answer)) == "not_reached"  # type: ignore[arg-type]


async def test_a_closed_port_is_not_reached() -> None:
    till = Till()
    async with running(till):
        pass
    with pytest.raises(NotSent, match="not_reached"):
        await post(till.url, b"{}", {}, HERE)


async def test_a_redirect_is_not_followed() -> None:
    inside = Till()
    async with running(inside):
        assert await result_of(Till(redirects_to(inside.url))) == "307"
    assert inside.heads == []


async def test_who_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "ANSWER_WITHIN_S", 0.3)

    async def dribbles(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            await asyncio.sleep(0.1)
            writer.write(b"X: y\r\n")
            await writer.drain()

    for answer in (hangs, dribbles):
        assert await result_of(Till(answer), within_s=2) == "timeout"


async def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "ANSWER_WITHIN_S", 0.2)

    async def resolving(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return ()

    with pytest.raises(NotSent, match="timeout"):
        await post(f"https://{NAME}/", b"{}", {}, OUT, resolving)


async def test_a_huge_answer_is_not_read() -> None:
    till = Till()
    till.answers = [floods(till)]
    assert await result_of(till) == "200"
    assert till.written < 8_000_000, "what the sockets hold, and no more"


# Pinning -------------------------------------------------------------------------------------------


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for a name, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


@pytest.fixture
async def tls_till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Till]:
    """A till that proves to be `till.example.com`."""
    server, trusting = certificate(NAME, tmp_path)
    monkeypatch.setattr(outbound, "_certificates", lambda: trusting)
    async with running(Till(), server) as till:
        yield till


async def test_the_connection_goes_to_the_address_that_was_checked_under_the_hosts_name(
    tls_till: Till,
) -> None:
    """A name that changes its mind (DNS rebinding) is asked once, and the system's own resolver not at all."""
    resolving, asked = names("127.0.0.1")
    assert await post(f"https://{NAME}:{tls_till.port}/a", b"{}", {}, HERE, resolving) == 204
    assert asked == [NAME] and tls_till.header("host") == f"{NAME}:{tls_till.port}"


async def test_a_certificate_of_another_name_is_refused(tls_till: Till) -> None:
    resolving, _ = names("127.0.0.1")
    with pytest.raises(NotSent, match="not_reached"):
        await post(f"https://other.example.com:{tls_till.port}/", b"{}", {}, HERE, resolving)
    assert tls_till.heads == []


async def test_a_name_server_that_does_not_answer_holds_up_no_other_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files and passwords go through the loop's own threads, however many names are being looked up."""
    loop, asked, answers = asyncio.get_running_loop(), threading.Semaphore(0), threading.Event()

    def waits(*_: object, **__: object) -> list[tuple[object, ...]]:
        asked.release()
        answers.wait(30)
        return [(0, 0, 0, "", ("192.0.2.1", 443))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", waits)
    own = ThreadPoolExecutor(1)
    loop.set_default_executor(own)
    try:
        looking = [asyncio.create_task(outbound.resolve(NAME, 443)) for _ in range(8)]
        assert await asyncio.to_thread(asked.acquire, timeout=5)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "read"), 5) == "read"
        answers.set()
        assert await asyncio.gather(*looking) == [["192.0.2.1"]] * 8
    finally:
        answers.set()
        own.shutdown()
        loop._default_executor = None  # type: ignore[attr-defined]

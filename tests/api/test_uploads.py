"""Files that are sent in, over a real socket: what is refused leaves nothing, and who sends it can read why."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.applicants import PDF, Applicant, an_applicant
from tests.api.kit import answered, problem, revocations_are_known
from tests.api.offers import make_admin
from tests.service import API, Service

MB = 1_048_576
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def kept(service: Service) -> set[Path]:
    """Every file in the store, those that are arriving too."""
    return {path for path in (service.log.parent / "files").rglob("*") if path.is_file()}


async def rows(applicant: Applicant) -> int:
    return len((await applicant.http.get("/member-application")).json()["documents"])


def head(applicant: Applicant | None, length: int, *more: str, media_type: str = "application/pdf") -> bytes:
    """The head of an upload, as it goes over the wire."""
    signed = [f"Authorization: Bearer {applicant.key}"] if applicant else []
    lines = [
        f"POST {API}/member-application/documents?name=x.pdf HTTP/1.1",
        *("Host: x", f"Content-Type: {media_type}", f"Content-Length: {length}", *signed, *more, "", ""),
    ]
    return "\r\n".join(lines).encode()


async def wire(service: Service) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(service.url)
    return await asyncio.open_connection(url.hostname, url.port)


async def test_what_is_sent_in_is_kept_under_its_hash_and_outside_of_what_is_served(service: Service) -> None:
    applicant, before = await an_applicant(service), kept(service)
    for content, media_type in (
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xffx", "image/jpeg"),
    ):
        answered(await applicant.upload(content, f"执照 {media_type[-3:]}", media_type), 201, "id")
    shown = (await applicant.http.get("/member-application")).json()["documents"]
    assert [(each["media_type"], each["size"]) for each in shown] == [
        ("application/pdf", len(PDF)), ("image/png", len(PNG)), ("image/jpeg", 4),
    ]  # fmt: skip
    assert len(kept(service) - before) >= 1
    assert all(len(path.name) == 64 for path in kept(service))


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"", "application/pdf", 422, "file_empty"),
        (b"<html>", "application/pdf", 422, "file_not_as_said"),
        (PDF, "image/png", 422, "file_not_as_said"),
        (PNG, "application/pdf", 422, "file_not_as_said"),
        (PDF, "text/html", 415, "unsupported_media_type"),
        (PDF, "application/json", 415, "unsupported_media_type"),
        (PDF, "", 415, "unsupported_media_type"),
    ],
)
async def test_another_type_or_content_is_refused(
    service: Service, content: bytes, media_type: str, status: int, code: str
) -> None:
    applicant, before = await an_applicant(service), kept(service)
    problem(await applicant.upload(content, "x", media_type), status, code)
    assert kept(service) == before and await rows(applicant) == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.pdf", "a\\b.pdf", "a\x00b", "a\nb", "", "x" * 129])
async def test_a_name_that_is_a_path_or_no_text_is_refused(service: Service, name: str) -> None:
    applicant, before = await an_applicant(service), kept(service)
    problem(await applicant.upload(name=name), 422, "validation_failed")
    assert kept(service) == before


async def test_ten_megabytes_are_taken_and_one_byte_more_is_not(service: Service) -> None:
    applicant, before = await an_applicant(service), kept(service)
    full = b"%PDF-" + bytes(10 * MB - 5)
    problem(await applicant.upload(full + b"x"), 422, "file_too_large")
    assert kept(service) == before and await rows(applicant) == 0
    answered(await applicant.upload(full), 201, "id")


async def test_a_chunked_file_is_measured_too(service: Service) -> None:
    applicant, before = await an_applicant(service), kept(service)

    async def pieces(number: int) -> AsyncIterator[bytes]:
        yield b"%PDF-"
        for _ in range(number):
            yield bytes(MB)

    for number, status in ((11, 422), (1, 201)):
        answer = await applicant.http.post(
            "/member-application/documents",
            params={"name": "x.pdf"},
            content=pieces(number),
            headers={"Content-Type": "application/pdf"},
        )
        assert answer.status_code == status, answer.text
    assert len(kept(service) - before) == 1


async def test_a_compressed_file_is_refused(service: Service) -> None:
    applicant = await an_applicant(service)
    answer = await applicant.http.post(
        "/member-application/documents?name=x",
        content=PDF,
        headers={"Content-Type": "application/pdf", "Content-Encoding": "gzip"},
    )
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("meanwhile", "status", "code"),
    [
        ("UPDATE sessions SET revoked_at = now(), revoked_reason = 'test' WHERE actor_id = $1::uuid", 401, "unauthenticated"),
        ("UPDATE admins SET roles = '{auditor}' WHERE id = $1::uuid", 403, "forbidden"),
        ("UPDATE admins SET status = 'revoked', revoked_at = now() WHERE id = $1::uuid", 401, "unauthenticated"),
    ],
    ids=["session ended", "another role", "revoked"],
)  # fmt: skip
async def test_whoever_is_revoked_while_his_file_arrives_leaves_none(
    service: Service, meanwhile: str, status: int, code: str
) -> None:
    login = await make_admin(service, "330100", "operator")
    admin, before = await service.admin(login), kept(service)
    [row] = await service.fetch("SELECT id FROM admins WHERE login = $1", login)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"uscc"
        await service.fetch(meanwhile, row["id"])
        await revocations_are_known()
        yield b",name"

    sent = {"params": {"kind": "members"}, "headers": {"Content-Type": "text/csv"}}
    problem(await admin.post("/admin/imports", content=slowly(), **sent), status, code)
    assert kept(service) == before
    assert await service.fetch("SELECT 1 FROM imports WHERE uploaded_by = $1::uuid", row["id"]) == []


async def test_a_connection_that_is_cut_leaves_nothing(service: Service) -> None:
    applicant, before = await an_applicant(service), kept(service)
    _, writer = await wire(service)
    writer.write(head(applicant, 5 * MB) + b"%PDF-" + bytes(MB))
    await writer.drain()
    for _ in range(100):
        if kept(service) - before:
            break
        await asyncio.sleep(0.05)
    assert kept(service) - before, "it had begun to arrive"
    writer.transport.abort()
    for _ in range(100):
        if kept(service) == before:
            break
        await asyncio.sleep(0.05)
    assert kept(service) == before and await rows(applicant) == 0


@pytest.mark.alone
@pytest.mark.parametrize("size", [100_000, 30 * MB])
async def test_a_stranger_reads_why_before_his_file_has_arrived(service: Service, size: int) -> None:
    """He goes on sending while the answer comes: it must not be lost in the end of the connection."""
    before = kept(service)
    for _ in range(3):
        reader, writer = await wire(service)
        writer.write(head(None, size))
        sending = asyncio.create_task(_send(writer, size))
        answer = await asyncio.wait_for(reader.readuntil(b'"unauthenticated"'), 5)
        assert answer.startswith(b"HTTP/1.1 401") and b"connection: close" in answer.lower(), answer
        sending.cancel()
        writer.close()
    assert kept(service) == before


async def _send(writer: asyncio.StreamWriter, size: int) -> None:
    try:
        for _ in range(size // 50_000):
            writer.write(bytes(50_000))
            await writer.drain()
            await asyncio.sleep(0)  # `drain` alone lets nobody read while everything can be sent
    except ConnectionError:
        return


async def test_a_client_that_sends_everything_first_reads_the_refusal(service: Service) -> None:
    """As browsers and httpx do; with a blocking socket, so that nothing is read before the last byte."""
    url = urlsplit(service.url)

    def send() -> bytes:
        with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
            connection.sendall(head(None, 2 * MB) + bytes(2 * MB))
            return connection.recv(4000)

    for _ in range(5):
        assert (await asyncio.to_thread(send)).startswith(b"HTTP/1.1 401")


async def test_a_refused_upload_does_not_end_the_connection_for_the_next_request(service: Service) -> None:
    applicant = await an_applicant(service)
    problem(await applicant.upload(b"<html>" + bytes(20_000)), 422, "file_not_as_said")
    answered(await applicant.upload(), 201, "id")


async def test_an_unfinished_upload_waits_for_its_end_and_then_continues(service: Service) -> None:
    """`Expect: 100-continue`: who is not known is told so before he sends anything."""
    reader, writer = await wire(service)
    writer.write(head(None, 5 * MB, "Expect: 100-continue"))
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 401")
    writer.close()
    applicant = await an_applicant(service)
    reader, writer = await wire(service)
    writer.write(head(applicant, len(PDF), "Expect: 100-continue"))
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 100")
    writer.write(PDF)
    assert (await asyncio.wait_for(reader.readuntil(b"201"), 5)).endswith(b"201")
    writer.close()

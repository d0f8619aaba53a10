"""The built clients are served as their build left them, under a strict policy, and nothing beside them is."""

import gzip
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sanic import Sanic

from server import clients
from server.app import create_app
from server.clients import Clients
from tests.factories.settings import settings
from tests.server.kit import client_of, exchange, make_app, serve

SCRIPT = b"console.log('scan');\n" * 100
FOR_EVER = "public, max-age=31536000, immutable"


def build(folder: Path, where: str, title: str) -> Path:
    """A client as its build leaves it."""
    made = folder / where
    (made / "assets").mkdir(parents=True, exist_ok=True)
    (made / "static").mkdir(exist_ok=True)
    (made / "index.html").write_text(f"<!doctype html><title>{title}</title>", encoding="utf-8")
    for name in ("assets/index-DiwrgTda.js", "assets/pages-home.4f3a91c2.js", "assets/plain-words-here.js"):
        (made / name).write_bytes(SCRIPT)
    (made / "assets" / "index-DiwrgTda.js.gz").write_bytes(gzip.compress(SCRIPT))
    (made / "assets" / "index-DiwrgTda.js.br").write_bytes(b"as brotli has it")
    (made / "assets" / "zxing-B1oGs_-4.wasm").write_bytes(b"\0asm")
    (made / "static" / "logo.svg").write_text("<svg/>")
    (made / ".built").write_text("")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both clients, and a secret beside them that a link inside leads to."""
    for client, title in ((clients.MOBILE, "phone"), (clients.CONSOLE, "console")):
        made = build(tmp_path, client.folder, title)
        (made / "out").symlink_to(tmp_path / "secret.txt")
        (made / "outside").symlink_to(tmp_path)
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


def app_of(folder: Path, *, is_sandbox: bool = False) -> Sanic[Any, Any]:
    """The clients alone; whatever else they asked for would not be there."""
    app = make_app(clients.routes)
    app.ctx.clients = Clients(folder)
    app.ctx.settings = replace(settings(), sandbox=is_sandbox)
    return app


@pytest.fixture
async def http(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that takes no compression unless a test says so."""
    async with client_of(app_of(folder)) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


def directives(answer: httpx.Response) -> dict[str, str]:
    """The policy of an answer, by directive."""
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, _, sources in parts}


async def test_each_client_is_at_its_address(http: httpx.AsyncClient) -> None:
    for path, title in (("/m/", "phone"), ("/m/index.html", "phone"), ("/console/", "console")):
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert title in answer.text
    for path in ("/m", "/console"):
        answer = await http.get(path + "?from=qr")
        assert (answer.status_code, answer.headers["location"]) == (308, path + "/?from=qr")
        assert answer.headers["content-type"].startswith("text/plain")


async def test_what_has_its_hash_in_its_name_is_kept_for_ever_and_nothing_else(
    http: httpx.AsyncClient,
) -> None:
    for name, caching, media_type in (
        ("", "no-cache", "text/html; charset=utf-8"),
        ("assets/index-DiwrgTda.js", FOR_EVER, "text/javascript; charset=utf-8"),
        ("assets/pages-home.4f3a91c2.js", FOR_EVER, "text/javascript; charset=utf-8"),
        ("assets/zxing-B1oGs_-4.wasm", FOR_EVER, "application/wasm"),
        ("assets/plain-words-here.js", "no-cache", "text/javascript; charset=utf-8"),
        ("static/logo.svg", "no-cache", "image/svg+xml"),
    ):
        answer = await http.get("/m/" + name)
        assert (answer.headers["cache-control"], answer.headers["content-type"]) == (caching, media_type), (
            name
        )
        again = await http.get("/m/" + name, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (
            304,
            b"",
            answer.headers["etag"],
        )
        head = await http.head("/m/" + name)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(answer.content))


async def test_what_the_build_compressed_is_sent_to_whom_takes_it(http: httpx.AsyncClient) -> None:
    etags = set()
    for accepted, encoding, size in (
        ("gzip, deflate, br, zstd", "br", 16),
        ("br;q=0, gzip;q=0.5", "gzip", len(gzip.compress(SCRIPT))),
        ("GZIP;q=1.0, br; q=0.000", "gzip", len(gzip.compress(SCRIPT))),
        ("*, identity", None, len(SCRIPT)),
        ("", None, len(SCRIPT)),
    ):
        head = await http.head("/m/assets/index-DiwrgTda.js", headers={"Accept-Encoding": accepted})
        assert (head.headers.get("content-encoding"), head.headers["content-length"]) == (encoding, str(size))
        assert head.headers["vary"] == "Accept-Encoding"
        etags.add(head.headers["etag"])
    assert len(etags) == 3, "a proxy must not take one form for another"
    plain = await http.get("/m/static/logo.svg", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers and "vary" not in plain.headers
    assert (await http.get("/m/assets/index-DiwrgTda.js.br")).status_code == 404, (
        "a form is no file of its own"
    )


async def test_the_policies_let_nothing_in_but_what_each_client_needs(http: httpx.AsyncClient) -> None:
    phone, console = await http.get("/m/"), await http.get("/console/members/7")
    assert directives(phone) == {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob: data:",
        "connect-src": "'self'",
        "font-src": "'self' data:",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        **dict.fromkeys(("object-src", "base-uri", "form-action", "frame-ancestors"), "'none'"),
    }
    assert directives(console) == {
        name: sources.replace(" 'wasm-unsafe-eval'", "")
        for name, sources in directives(phone).items()
        if name not in ("media-src", "worker-src")
    }
    assert {"camera=(self)", "geolocation=(self)", "microphone=()"} <= set(
        phone.headers["permissions-policy"].split(", ")
    )
    assert "(self)" not in console.headers["permissions-policy"]
    assert "camera=()" in console.headers["permissions-policy"]
    for answer in (phone, console, await http.get("/")):
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_a_screen_of_the_console_has_an_address_and_a_missing_file_has_none(
    http: httpx.AsyncClient,
) -> None:
    for path in ("members", "members/0192f0c4-7e", "offers/7/versions/", "sign-in?next=%2Fmembers"):
        answer = await http.get("/console/" + path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), path
        assert "console" in answer.text
    for path in (
        *("/console/logo.png", "/console/assets/gone-12345678.js", "/console/assets/gone", "/console/.built"),
        *("/m/members", "/m/assets/gone-12345678.js", "/m/static", "/m/.built"),
    ):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("prefix", ["/m", "/console"])
async def test_no_path_reaches_anything_but_the_build(folder: Path, prefix: str) -> None:
    up = "../" * 4
    async with serve(app_of(folder)) as port:
        for path in (
            *(f"{up}secret.txt", f"assets/{up}secret.txt", "../../../secret.txt", "..", "../", "./index.htm"),
            *(
                up.replace("../", "%2e%2e%2f") + "secret.txt",
                up.replace("../", "%252e%252e%252f") + "secret.txt",
            ),
            *("..%5c..%5csecret.txt", "..\\..\\secret.txt", "%00", "index.html%00", "index.html%00.js"),
            *("out", "outside/secret.txt", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "%ff%fe", "%"),
            *("assets//index-DiwrgTda.js", "assets/./index-DiwrgTda.js", "static/../out", "..;/secret.txt"),
        ):
            raw = f"GET {prefix}/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            status, headers, body = await exchange(port, raw)
            assert b"secret" not in body and b"root:" not in body, path
            if path == "out" and prefix == "/console":  # a screen's address like any other
                assert b"console" in body
            else:
                assert (status, headers["content-type"]) in (
                    (404, "application/problem+json"),
                    (400, "application/problem+json"),
                ), path


async def test_nothing_but_reading_is_allowed(http: httpx.AsyncClient) -> None:
    for path in ("/", "/m", "/m/", "/m/index.html", "/console/members", "/start.css"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), (method, path)
            assert answer.json()["code"] == "method_not_allowed"


async def test_a_client_that_is_not_built_says_so_and_opens_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LOOKED_AT_EVERY_S", 0.0)
    async with client_of(app_of(tmp_path)) as http:
        for path in ("/m/", "/console/", "/console/members"):
            answer = await http.get(path)
            assert (answer.status_code, answer.headers["refresh"]) == (503, "3"), path
            assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("3", "no-store")
            assert "make run" in answer.text and answer.text.index("还没有建好") < answer.text.index(
                "not built"
            )
            assert "script-src" not in directives(answer) and "<script" not in answer.text
        build(tmp_path, clients.MOBILE.folder, "phone")
        answer = await http.get("/m/")
        assert answer.status_code == 200 and "refresh" not in answer.headers
        assert (await http.get("/console/")).status_code == 503


async def test_a_new_build_is_noticed_and_the_old_one_served_until_then(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LOOKED_AT_EVERY_S", 0.0)
    index = folder / clients.MOBILE.folder / "index.html"
    async with client_of(app_of(folder)) as http:
        first = await http.get("/m/")
        (index.parent / "static" / "logo.svg").write_text("<svg>new</svg>")
        assert (await http.get("/m/static/logo.svg")).text == "<svg/>", "read once"
        index.unlink()
        assert (await http.get("/m/")).text == first.text, "a build begins with clearing away"
        index.write_text("<!doctype html><title>newer</title>")
        assert "newer" in (await http.get("/m/")).text
        assert (await http.get("/m/static/logo.svg")).text == "<svg>new</svg>"
        monkeypatch.setattr(clients, "LOOKED_AT_EVERY_S", 3600.0)
        await http.get("/m/")
        index.write_text("<!doctype html><title>newest</title>")
        os.utime(index, (1, 1))
        assert "newer" in (await http.get("/m/")).text, (
            "the disk is looked at now and then, not for everybody"
        )


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_build_that_goes_away_while_it_is_read_is_read_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    monkeypatch.setattr(clients, "LOOKED_AT_EVERY_S", 0.0)
    read = clients._files_in

    def meanwhile_cleared(where: Path) -> Any:
        if is_gone:
            raise FileNotFoundError(str(where))
        return {name: file for name, file in read(where).items() if name != "index.html"}

    async with client_of(app_of(folder)) as http:
        with monkeypatch.context() as just_now:
            just_now.setattr(clients, "_files_in", meanwhile_cleared)
            assert (await http.get("/console/members")).status_code == 503
        assert (await http.get("/console/members")).status_code == 200
        index = folder / clients.CONSOLE.folder / "index.html"
        index.write_text("<!doctype html><title>newer</title>")
        with monkeypatch.context() as just_now:
            just_now.setattr(clients, "_files_in", meanwhile_cleared)
            assert "console" in (await http.get("/console/members")).text
        assert "newer" in (await http.get("/console/members")).text


async def test_the_start_leads_to_every_page_and_names_accounts_in_a_sandbox_only(folder: Path) -> None:
    for is_sandbox in (True, False):
        async with client_of(app_of(folder, is_sandbox=is_sandbox)) as http:
            page = await http.get("/")
            assert re.findall(r'<a href="([^"]+)"', page.text) == [
                *("/m/", "/m/#/pages/staff/sign-in", "/console/", "/console/apply", "/api/docs"),
            ]
            assert ("demo-admin" in page.text, "沙盒" in page.text) == (is_sandbox, is_sandbox)
            assert "<script" not in page.text and " style=" not in page.text and "<style" not in page.text
            assert set(directives(page)) == {
                *("default-src", "style-src", "img-src", "object-src", "base-uri", "form-action"),
                "frame-ancestors",
            }
            style = await http.get("/start.css")
            assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_pages_are_served_without_a_database_and_count_for_no_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.app._add_life", lambda *_: None)  # which would connect
    Sanic.test_mode = True
    app = create_app(replace(settings(), clients_dir=folder, address_limit=1), name="pages-alone")
    async with client_of(app) as http:
        for _ in range(20):
            for path in ("/", "/m/", "/m/assets/index-DiwrgTda.js", "/console/members", "/start.css"):
                assert (await http.get(path)).status_code == 200, path
        assert [(await http.get("/api/docs")).status_code for _ in range(2)] == [200, 429]

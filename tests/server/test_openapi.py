"""The document says what the routes do, and the page shows it without another host."""

import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

import server
from server.api.documents import blueprint
from server.errors import TITLES
from server.openapi import build_document
from tests.server.kit import client_of, make_app
from tests.server.things import routes


@pytest.fixture
def document() -> dict[str, Any]:
    """The document of the test's own routes and of the routes that show it."""
    return build_document(make_app(routes(), blueprint))


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    found: Any = node
    while "$ref" in found:
        target: Any = document
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return dict(found)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    assert {path: sorted(methods) for path, methods in document["paths"].items()} == {
        "/api/docs": ["get"],
        "/api/docs/docs.css": ["get"],
        "/api/docs/docs.js": ["get"],
        "/api/openapi.json": ["get"],
        "/api/v1/stream": ["get"],
        "/api/v1/things": ["get", "post"],
        "/api/v1/things/{thing_id}": ["delete", "get"],
        "/api/v1/words/{word}": ["get"],
    }


def test_an_operation_names_its_audience_its_key_and_its_body(document: dict[str, Any]) -> None:
    create = document["paths"]["/api/v1/things"]["post"]
    assert (create["tags"], create["security"]) == (["staff"], [{"staff": []}])
    (key,) = create["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)
    body = resolve(document, create["requestBody"]["content"]["application/json"]["schema"])
    assert body["additionalProperties"] is False and body["required"] == ["name"]
    assert "Idempotency-Replayed" in create["responses"]["201"]["headers"]


def test_an_optional_actor_may_be_left_out(document: dict[str, Any]) -> None:
    show = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert show["security"] == [{"citizen": []}, {"staff": []}, {}]
    assert show["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}


def test_a_query_becomes_parameters(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v1/things"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in parameters}
    assert schemas["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert schemas["from"] == {"type": "string", "format": "date-time"}
    assert schemas["is_good"] == {"type": "boolean"}
    assert "ThingQuery" not in document["components"]["schemas"]


def test_a_page_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    page = document["components"]["schemas"]["ThingPage"]
    assert page["required"] == ["items", "next_cursor"]


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/api/v1/words/{word}", "get", {200, 404}),
        ("/api/v1/things", "post", {201, 401, 403, 415, 422}),
        ("/api/v1/things", "get", {200, 422}),
        ("/api/v1/things/{thing_id}", "delete", {204, 401, 403, 404, 415, 422}),
        ("/api/docs", "get", {200, 304}),
    ],
)
def test_every_possible_answer_is_documented(
    path: str, method: str, statuses: set[int], document: dict[str, Any]
) -> None:
    always = {400, 408, 413, 417, 429, 431, 500, 503}
    assert set(document["paths"][path][method]["responses"]) == {str(each) for each in statuses | always}


def test_a_problem_lists_its_codes_with_their_sentences(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/v1/things"]["post"]["responses"]["400"]
    _, own = answer["content"]["application/problem+json"]["schema"]["allOf"]
    codes = ["bad_request", "idempotency_key_required", "idempotency_key_invalid", "json_invalid"]
    assert own["properties"]["code"]["enum"] == codes
    assert all(f"`{code}`" in answer["description"] for code in codes)
    assert [each["code"] for each in answer["x-problems"]] == codes


def test_common_problems_are_written_once(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/v1/things"]["post"]["responses"]["503"]
    assert answer == {"$ref": "#/components/responses/Problem503"}
    assert "Retry-After" in resolve(document, answer)["headers"]
    for name, each in document["components"]["responses"].items():
        assert int(name.removeprefix("Problem")) in TITLES and each["x-problems"]


async def test_the_document_is_served_and_kept_until_it_changes() -> None:
    async with client_of(make_app(routes(), blueprint)) as client:
        first = await client.get("/api/openapi.json")
        validate(first.json())
        again = await client.get("/api/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["cache-control"] == "no-cache"


async def test_the_page_runs_nothing_but_its_own_script() -> None:
    async with client_of(make_app(routes(), blueprint)) as client:
        page = await client.get("/api/docs")
        needed = re.findall(r'(?:src|href)="(/api/docs/[^"]+)"', page.text)
        parts = [await client.get(path) for path in needed]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    kinds = sorted(part.headers["content-type"] for part in parts)
    assert kinds == ["text/css; charset=utf-8", "text/javascript; charset=utf-8"]
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", page.text)


def test_the_page_names_no_other_host() -> None:
    pages = Path(str(server.__file__)).parent / "pages"
    for path in pages.glob("docs.*"):
        assert "//" not in re.sub(r"(?m)^\s*//.*$", "", path.read_text()), path.name

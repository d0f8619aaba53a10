"""The OpenAPI 3.1 document, made from the routes themselves so that it can't tell another story.

The router is the register: every route defined by `server.endpoints.endpoint` carries its `Operation`.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from sanic import Sanic

from common.errors import DomainError, NotFound
from server import errors
from server.endpoints import ALWAYS_POSSIBLE, Operation

VERSION = "1.0.0"

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

_REF = "#/components/schemas/{model}"
_AUDIENCES = {
    "public": "公开 · 无需登录 / Public, no token",
    "citizen": "市民 / Citizens",
    "staff": "商户员工 / Members' staff",
    "member": "成员单位的负责人与店长 / Members' owners and managers",
    "applicant": "入盟申请人（申请密钥） / Applicants, with the key of their application",
    "admin": "联盟管理员 / Alliance admins",
}
_DESCRIPTION = """所有错误都是 application/problem+json（RFC 9457），程序请按 `code` 判断。
金额为整数分（`*_fen`），时间为带时区偏移的 RFC 3339，列表用 `limit` 与 `cursor` 翻页。
每个响应都带 `X-Request-Id`；请求带上自己的（8–64 位 `[0-9A-Za-z_-]`）则原样返回。

Every error is application/problem+json (RFC 9457); switch on `code`. With `Accept-Language: en` the problems and
reasons are English; the texts of offers, hours and schemes are Chinese.
Money is integer fen, times are RFC 3339 with offset, lists are read with `limit` and `cursor`."""

_PROBLEM: Json = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "下一步怎么做 / what to do next"},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": _REF.format(model="FieldProblem")}},
    },
}
_FIELD_PROBLEM: Json = {
    "title": "FieldProblem",
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901)"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_KEY_PARAMETER: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "同一操作重试时沿用同一个键 / keep it when you try the same action again",
    "schema": {"type": "string", "pattern": "^[0-9A-Za-z_-]{8,64}$"},
}
_TEXT_HEADER: Json = {"schema": {"type": "string"}}


def _by_status(problems: Iterable[type[DomainError]]) -> dict[int, dict[str, type[DomainError]]]:
    found: dict[int, dict[str, type[DomainError]]] = {}
    for problem in problems:
        found.setdefault(errors.status_of(problem), {})[problem.code] = problem
    return found


# Written once and referred to, where a route has nothing of its own to add to a status.
_COMMON_REF = "#/components/responses/Problem{status}"
_COMMON = _by_status(
    (
        *ALWAYS_POSSIBLE,
        errors.NotSignedIn,
        errors.NotAllowed,
        NotFound,
        errors.UnsupportedMediaType,
        errors.FieldsInvalid,
    )
)


def build_document(app: Sanic[Any, Any]) -> Json:
    """The document of all routes of an app; needs the routes, not a running server."""
    operations = _operations(app)
    schemas = _Schemas([operation for _, _, operation in operations])
    paths: dict[str, Json] = {}
    for path, name, operation in operations:
        paths.setdefault(path, {})[operation.method.lower()] = _operation(name, operation, schemas)
    used = {audience for _, _, operation in operations for audience in _audiences(operation)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "信惠联 · Xinyi Alliance API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": _AUDIENCES.get(tag, tag)} for tag in _in_order(used)],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": {f"Problem{status}": _common_answer(status) for status in sorted(_COMMON)},
            "securitySchemes": {
                tag: {"type": "http", "scheme": "bearer", "description": _AUDIENCES.get(tag, tag)}
                for tag in _in_order(used - {"public"})
            },
        },
    }


def _operations(app: Sanic[Any, Any]) -> list[tuple[str, str, Operation]]:
    found = []
    for route in app.router.routes:
        operation = getattr(route.ctx, "operation", None)
        if isinstance(operation, Operation):
            path = re.sub(r"<(\w+)(:[^>]*)?>", r"{\1}", f"/{route.path}")
            name = route.name.partition(".")[2].replace(".", "_")
            found.append((path, name, operation))
    return sorted(found, key=lambda entry: (entry[0], entry[2].method))


def _audiences(operation: Operation) -> list[str]:
    return [kind.__name__.removesuffix("Actor").lower() for kind in operation.actors] or ["public"]


def _in_order(audiences: Iterable[str]) -> list[str]:
    known = list(_AUDIENCES)
    return sorted(audiences, key=lambda name: (known.index(name) if name in known else len(known), name))


class _PageNames(GenerateJsonSchema):
    """Calls `Page[OfferOut]` OfferPage, as the class is called, instead of Page_OfferOut_."""

    def normalize_name(self, name: str) -> str:
        page = re.fullmatch(r"Page\[(\w+?)(Out)?\]", name)
        return f"{page[1]}Page" if page else super().normalize_name(name)


class _Schemas:
    """The JSON schemas of every model the routes speak of, made in one go so that names never clash."""

    def __init__(self, operations: list[Operation]) -> None:
        models: dict[tuple[type[BaseModel], Mode], None] = {}
        for operation in operations:
            for model in (operation.body, operation.query):
                if model is not None:
                    models[model, "validation"] = None
            for answer in operation.answers.values():
                kinds = answer.values() if isinstance(answer, Mapping) else [answer]
                models |= {(kind, "serialization"): None for kind in kinds if kind is not None}
        self._references, definitions = models_json_schema(
            list(models), ref_template=_REF, schema_generator=_PageNames
        )
        self._definitions: Json = definitions.get("$defs", {})
        self._only_query = {operation.query for operation in operations if operation.query}

    def reference(self, model: type[BaseModel], mode: Mode) -> Json:
        """Where the schema of a model is found in the document."""
        return self._references[model, mode]

    def query(self, model: type[BaseModel]) -> Json:
        """The schema of a query, whose properties become parameters."""
        found: Json = self._definitions[self._name(model)]
        return found

    def components(self) -> Json:
        """All of them by name, without the queries."""
        hidden = {self._name(model) for model in self._only_query}
        kept = {name: schema for name, schema in self._definitions.items() if name not in hidden}
        return kept | {"Problem": _PROBLEM, "FieldProblem": _FIELD_PROBLEM}

    def _name(self, model: type[BaseModel]) -> str:
        return str(self._references[model, "validation"]["$ref"]).rpartition("/")[2]


def _operation(name: str, operation: Operation, schemas: _Schemas) -> Json:
    audiences = _audiences(operation)
    entry: Json = {
        "operationId": name,
        "summary": operation.summary,
        "tags": audiences,
        "security": [{tag: []} for tag in audiences if tag != "public"],
        "parameters": _parameters(operation, schemas),
        "responses": _answers(operation, schemas),
    }
    if operation.actors and operation.is_public:
        entry["security"].append({})
    if operation.description:
        entry["description"] = operation.description
    if operation.body:
        schema = schemas.reference(operation.body, "validation")
        entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.takes:
        entry["requestBody"] = {"required": True, "content": {kind: {} for kind in sorted(operation.takes)}}
    return entry


def _parameters(operation: Operation, schemas: _Schemas) -> list[Json]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(kind)}
        for name, kind in operation.path_parameters.items()
    ]
    if operation.needs_key:
        found.append(_KEY_PARAMETER)
    if operation.query:
        model = schemas.query(operation.query)
        required = model.get("required", [])
        for name, schema in model.get("properties", {}).items():
            found.append(_query_parameter(name, schema, is_required=name in required))
    return found


def _path_schema(kind: type) -> Json:
    return {"type": "string", "format": "uuid"} if kind is UUID else {"type": "string", "minLength": 1}


def _query_parameter(name: str, schema: Json, *, is_required: bool) -> Json:
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    # A URL can leave a parameter out, but can't say null.
    kinds = [kind for kind in kept.pop("anyOf", []) if kind != {"type": "null"}]
    kept |= kinds[0] if len(kinds) == 1 else ({"anyOf": kinds} if kinds else {})
    if kept.get("default", "") is None:
        del kept["default"]
    entry: Json = {"name": name, "in": "query", "required": is_required, "schema": kept}
    if "description" in schema:
        entry["description"] = schema["description"]
    return entry


def _answers(operation: Operation, schemas: _Schemas) -> Json:
    answers: Json = {}
    for status, answer in operation.answers.items():
        entry = {"description": HTTPStatus(status).phrase, **_empty_answer()}
        kinds = answer if isinstance(answer, Mapping) else {"application/json": answer} if answer else {}
        if kinds:
            entry["content"] = {
                media: {"schema": schemas.reference(model, "serialization")} if model else {}
                for media, model in kinds.items()
            }
        if operation.needs_key and 200 <= status < 300:
            entry["headers"]["Idempotency-Replayed"] = {"schema": {"type": "string", "const": "true"}}
        answers[str(status)] = entry
    for status, problems in _by_status(operation.problems).items():
        if str(status) not in answers and problems == _COMMON.get(status):
            answers[str(status)] = {"$ref": _COMMON_REF.format(status=status)}
        else:
            _add_problems(answers.setdefault(str(status), _empty_answer()), status, problems)
    return dict(sorted(answers.items()))


def _empty_answer() -> Json:
    return {"headers": {"X-Request-Id": _TEXT_HEADER}}


def _common_answer(status: int) -> Json:
    entry = _empty_answer()
    _add_problems(entry, status, _COMMON[status])
    return entry


def _add_problems(entry: Json, status: int, problems: Mapping[str, type[DomainError]]) -> None:
    title_zh, title_en = errors.TITLES[status]
    lines = [f"- `{code}`: {problem.zh} / {problem.en}" for code, problem in problems.items()]
    entry["description"] = f"{title_zh} / {title_en}\n\n" + "\n".join(lines)
    entry["x-problems"] = [
        {"code": code, "zh": problem.zh, "en": problem.en} for code, problem in problems.items()
    ]
    shown: Json = {name: {} for problem in problems.values() for name in problem.shown}
    properties: Json = {**shown, "code": {"enum": list(problems)}, "status": {"const": status}}
    schema = {"allOf": [{"$ref": _REF.format(model="Problem")}, {"properties": properties}]}
    entry.setdefault("content", {})["application/problem+json"] = {"schema": schema}
    if status in (429, 503):
        entry["headers"]["Retry-After"] = {"schema": {"type": "integer", "minimum": 1}}
    if status == 401:
        entry["headers"]["WWW-Authenticate"] = _TEXT_HEADER
    if status == 405:
        entry["headers"]["Allow"] = _TEXT_HEADER

"""Bad input: each route that takes something refuses what it doesn't know, and nothing changes."""

import json
from typing import Any

from tests.matrix.routes import CHANGING, Route
from tests.matrix.world import Call, World

REFUSED = (400, 415, 422)
# One value of each type that JSON has.
VALUES: dict[str, list[Any]] = {
    "string": ["\u0000"],
    "integer": [7],
    "number": [1.5],
    "boolean": [True],
    "array": [[], [{}]],
    "object": [{}, {"a": "b"}],
    "null": [None],
}


def types_of(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The types that a field may be of."""
    if "$ref" in schema:
        return types_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return set().union(*(types_of(each, definitions) for each in schema[name]))
    kind = schema.get("type", [])
    found = {kind} if isinstance(kind, str) else set(kind)
    return found | ({"integer"} if "number" in found else set())


def bad_bodies(route: Route, good: dict[str, Any]) -> list[tuple[str, Any]]:
    """The good body with one thing wrong, by what that is."""
    assert route.operation.body is not None
    schema = route.operation.body.model_json_schema()
    found: list[tuple[str, Any]] = [("an unknown field", {**good, "surprise": 1}), ("a list", [good])]
    for name, field in schema.get("properties", {}).items():
        may_be = types_of(field, schema.get("$defs", {}))
        assert may_be, f"{route.name}: the document does not say what {name} is"
        for kind, values in VALUES.items():
            if kind not in may_be or kind == "string":
                found += [(f"{name} as {json.dumps(value)}", {**good, name: value}) for value in values]
    for name in schema.get("required", []):
        found.append((f"no {name}", {key: value for key, value in good.items() if key != name}))
    return found


async def test_what_is_not_understood_is_refused_and_nothing_changes(world: World, prepared: Any) -> None:
    calls = []

    def refused(route: Route, call: Call) -> Any:
        async def fault() -> str | None:
            answer = await world.call(route, world.rightful(route), call)
            if answer.status_code in REFUSED:
                return None
            return f"{answer.status_code}: {answer.text[:200]}"

        return fault

    for route in CHANGING:
        good = await prepared(route)
        sent: list[tuple[str, Call]] = []

        def another(
            body: Any = None, content: bytes | None = None, media: str = "application/json", of: Call = good
        ) -> Call:
            return Call(of.things, body, of.query, content, media, of.token)

        if route.operation.takes:
            sent.append(("another type", another(content=b"x", media="text/x-surprise")))
            sent.append(("nothing", another(content=b"", media=sorted(route.operation.takes)[0])))
        elif route.operation.body is None:
            sent.append(("a body", another({"dry_run": True})))
        else:
            sent += [(what, another(body)) for what, body in bad_bodies(route, good.body)]
            sent += [
                ("nothing", another()),
                ("no JSON", another(content=b"{")),
                ("another type", another(content=json.dumps(good.body).encode(), media="text/plain")),
            ]
        calls += [(f"{route.name} with {what}", refused(route, call)) for what, call in sent]
    assert len(calls) > 100
    assert await world.tried(calls) == []

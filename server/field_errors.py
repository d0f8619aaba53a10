"""Turns what pydantic found into our own codes and sentences, which stay when pydantic changes.

A sentence says what the field has to be, never what was sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from server.errors import FieldError

_MOST_ERRORS = 20
_LONGEST_NAME = 64

SENTENCES: dict[str, tuple[str, str]] = {
    "required": ("缺少必填项，请补充。", "This is required: add it."),
    "unknown_field": ("没有这个字段，请去掉。", "There is no such field: leave it out."),
    "wrong_type": ("类型不正确，请改正。", "Not of the right type: correct it."),
    "invalid_format": ("格式不正确，请改正。", "Not of the right form: correct it."),
    "too_small": ("数值过小，{limit}。", "Too small: {limit}."),
    "too_large": ("数值过大，{limit}。", "Too large: {limit}."),
    "too_short": ("内容过短，至少需要 {limit} 个。", "Too short: at least {limit}."),
    "too_long": ("内容过长，最多 {limit} 个。", "Too long: at most {limit}."),
    "pattern_mismatch": ("格式不符合要求，请改正。", "Not of the form that is asked for: correct it."),
    "not_allowed": ("取值不在允许范围内，只能是 {limit}。", "Not one of the allowed values: {limit}."),
    "only_true": (
        "只能是 true；要撤回授权，请用 DELETE。",
        "Only true; to withdraw the consent, use DELETE.",
    ),
    "bad_character": ("含有不允许的字符，请删除后重试。", "Holds a forbidden character: remove it."),
    "repeated": ("参数重复，请只保留一个。", "Given more than once: keep one."),
    "duplicate_key": ("键重复，请只保留一个。", "The key is repeated: keep one."),
    "not_json": ("不是合法的 JSON 数值。", "NaN and Infinity are not JSON."),
    "too_deep": ("嵌套层次过深，请减少层次。", "Nested too deeply: use fewer levels."),
    "invalid": ("内容无效，请改正。", "Not valid: correct it."),
}

_CODE_OF_TYPE = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "union_tag_not_found": "required",
    "union_tag_invalid": "not_allowed",
    "enum": "not_allowed",
    "literal_error": "not_allowed",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_short",
    "too_long": "too_long",
    "string_pattern_mismatch": "pattern_mismatch",
    "int_parsing": "wrong_type",
    "int_parsing_size": "too_large",
    "int_from_float": "wrong_type",
    "float_parsing": "wrong_type",
    "bool_parsing": "wrong_type",
    "is_instance_of": "wrong_type",
    "finite_number": "wrong_type",
}

# pydantic's names of the bounds, and how to say each to a person.
_BOUNDS = {
    "ge": ("不能小于 {}", "at least {}"),
    "gt": ("必须大于 {}", "more than {}"),
    "le": ("不能大于 {}", "at most {}"),
    "lt": ("必须小于 {}", "less than {}"),
    "min_length": ("{}", "{}"),
    "max_length": ("{}", "{}"),
    "expected": ("{}", "{}"),
    "expected_tags": ("{}", "{}"),
}


def field_error(code: str, path: Sequence[str | int], zh: str = "", en: str = "") -> FieldError:
    """An error of one of the codes above at `path`; `zh` and `en` fill in the limit that was broken."""
    chinese, english = SENTENCES[code]
    return FieldError(_pointer(path), code, chinese.format(limit=zh), english.format(limit=en))


def field_errors(error: ValidationError, data: object) -> tuple[FieldError, ...]:
    """Everything pydantic found in `data`, the first twenty."""
    details = error.errors(include_url=False, include_input=False)
    found = [_translate(detail, data) for detail in details[:_MOST_ERRORS]]
    # The members of a union complain one by one, all about the same place.
    return tuple({(one.pointer, one.code): one for one in found}.values())


def _translate(detail: ErrorDetails, data: object) -> FieldError:
    kind = detail["type"]
    context = detail.get("ctx", {})
    path = _path(detail["loc"], data, is_absent=kind == "missing")
    if "zh" in context and "en" in context:  # a rule of one of our own models, with its own sentences
        return FieldError(_pointer(path), kind, context["zh"], context["en"])
    code = _code(kind)
    zh, en = _limit(context)
    if "{limit}" in SENTENCES[code][0] and not zh:
        code = "invalid"
    return field_error(code, path, zh, en)


def _code(kind: str) -> str:
    if kind in _CODE_OF_TYPE:
        return _CODE_OF_TYPE[kind]
    if kind in SENTENCES:
        return kind
    if kind.endswith("_type"):
        return "wrong_type"
    return "invalid_format" if kind.endswith(("_parsing", "_inclusive", "_syntax_violation")) else "invalid"


def _limit(context: Mapping[str, Any]) -> tuple[str, str]:
    for name, (zh, en) in _BOUNDS.items():
        if name in context:
            text = str(context[name])
            return zh.format(text.replace(", ", "、").replace(" or ", " 或 ")), en.format(text)
    return "", ""


def _path(location: tuple[str | int, ...], data: object, *, is_absent: bool) -> list[str | int]:
    """pydantic's location without the names of union members, which are no part of what was sent."""
    path: list[str | int] = []
    for step in location:
        members = (
            data if isinstance(data, Mapping) else dict(enumerate(data)) if isinstance(data, list) else {}
        )
        if step in members:
            data = members[step]
            path.append(step)
    if is_absent and location:  # what is missing is not to be found on the way
        path.append(location[-1])
    return path


def _pointer(path: Sequence[str | int]) -> str:
    steps = (str(step)[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps).encode(errors="replace").decode()

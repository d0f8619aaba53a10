"""The errors that only HTTP knows, and the one table from the kind of an error to its status.

A refusal of the business is a class of its own domain; what stands here is refused before any business
function is called: unreadable bodies, missing keys, unknown paths, and parts that do not answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from common.errors import (
    DomainError,
    Ended,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)

STATUS_OF_KIND: dict[type[DomainError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Refused: 409,
    Ended: 410,
    Invalid: 422,
    TooMany: 429,
    Unavailable: 503,
}

TITLES: dict[int, tuple[str, str]] = {
    400: ("请求无法读取", "Bad request"),
    401: ("未登录", "Not signed in"),
    403: ("没有权限", "Not allowed"),
    404: ("没有找到", "Not found"),
    405: ("不支持该方法", "Method not allowed"),
    408: ("请求超时", "Request timeout"),
    409: ("当前状态不允许", "Conflict"),
    410: ("已经结束", "Ended"),
    413: ("内容过大", "Content too large"),
    414: ("网址过长", "URI too long"),
    415: ("内容类型不受支持", "Unsupported media type"),
    417: ("期望无法满足", "Expectation failed"),
    422: ("内容未通过校验", "Invalid content"),
    429: ("请求过于频繁", "Too many requests"),
    431: ("请求头过大", "Request header fields too large"),
    500: ("服务内部错误", "Internal error"),
    503: ("服务暂不可用", "Service unavailable"),
}


class HttpError(DomainError):
    """An error that has a status of its own instead of a kind."""

    status: ClassVar[int]


def status_of(error: type[DomainError]) -> int:
    """The HTTP status of an error class; an error without a kind is our own mistake, hence 500."""
    if issubclass(error, HttpError):
        return error.status
    for kind, status in STATUS_OF_KIND.items():
        if issubclass(error, kind):
            return status
    return 500


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that does not hold; `pointer` is a JSON pointer (RFC 6901) into the body or the query.

    The sentences never repeat the value that was sent: it may be a secret or somebody's data.
    """

    pointer: str
    code: str
    zh: str
    en: str


class BadRequest(Malformed):
    """The request line, the headers or the framing can't be read."""

    code = "bad_request"
    zh = "请求格式有误。请检查请求行、请求头和网址后重试。"
    en = "The request can't be read. Check the request line, the headers and the URL, then try again."


class JsonInvalid(Malformed):
    """The body is no JSON that could be read without guessing; `errors` says where, if it is known."""

    code = "json_invalid"
    zh = "请求体不是有效的 JSON。请使用 UTF-8 编码，检查括号、引号和重复的键后重试。"
    en = "The body is not valid JSON. Use UTF-8, check brackets, quotes and repeated keys, then try again."

    def __init__(self, *errors: FieldError) -> None:
        super().__init__()
        self.errors = errors


class QueryInvalid(Malformed):
    """The query string can't be decoded."""

    code = "query_invalid"
    zh = "网址中的查询参数无法解码。请用 UTF-8 进行百分号编码，并减少参数个数后重试。"
    en = "The query can't be decoded. Percent-encode it as UTF-8, send fewer parameters, then try again."


class IdempotencyKeyRequired(Malformed):
    """A call that must not happen twice came without its key."""

    code = "idempotency_key_required"
    zh = "缺少 Idempotency-Key 请求头。请为这次操作生成一个新的键，重试时沿用同一个键。"
    en = "Idempotency-Key is missing. Make a new key for this action and keep it when you try again."


class IdempotencyKeyInvalid(Malformed):
    """The key has a form that can't be stored."""

    code = "idempotency_key_invalid"
    zh = "Idempotency-Key 无效。请只发送一个，由 8 至 64 个字母、数字、下划线或连字符组成。"
    en = "Idempotency-Key is invalid. Send exactly one, of 8 to 64 letters, digits, '_' or '-'."


class NotSignedIn(Unauthenticated):
    """No access token, or one that is not good (any more)."""

    code = "unauthenticated"
    zh = "尚未登录或登录已失效。请重新登录后再试。"
    en = "You are not signed in, or no longer. Sign in and try again."


class NotAllowed(Forbidden):
    """Signed in, but this is for others."""

    code = "forbidden"
    zh = "当前账号没有权限进行此操作。请换用有权限的账号，或联系管理员开通。"
    en = "This account may not do that. Use an account that may, or ask your administrator."


class NotForAgents(Forbidden):
    """Who acts for somebody else may not do this for him."""

    code = "not_for_agents"
    zh = "代办不能做这件事，要本人登录自己的账户来办。代办可以浏览和领取优惠、出示券码、退券和投诉。"
    en = "Acting for somebody you can't do this; he has to sign in himself. You can find and claim offers, show codes, give coupons back and complain for him."


class FieldsInvalid(Invalid):
    """Values that break the schema; `errors` names each field for programs, `detail` speaks to whoever typed them."""

    code = "validation_failed"
    zh = "有内容填得不对，请改正后再试。"
    en = "Some values are not valid. Correct them, then try again."

    def __init__(self, *errors: FieldError) -> None:
        super().__init__()
        self.errors = errors


class CursorInvalid(Invalid):
    """A cursor that this list did not give out."""

    code = "cursor_invalid"
    pointer = "/cursor"
    zh = "翻页游标无效。请去掉 cursor 参数，从第一页重新读取。"
    en = "The cursor is not valid. Leave cursor out and read again from the first page."


class TooManyRequests(TooMany):
    """The general limit per actor and address; `Retry-After` says how long it lasts."""

    code = "too_many_requests"
    zh = "操作太频繁了，请等一会儿再试。"
    en = "Too many requests. Wait a moment, then try again."


class DatabaseUnavailable(Unavailable):
    """The database can't be reached or refuses connections; retry with the same Idempotency-Key."""

    code = "database_unavailable"
    zh = "系统暂时连不上，还不能确认这次有没有办成。请稍等再点一次，不会重复领取或核销。"
    en = "The system does not answer; whether it was done is not known yet. Try again soon: nothing happens twice."


class ServiceUnavailable(Unavailable):
    """The server stops, or the answer took longer than it may; retry with the same Idempotency-Key."""

    code = "service_unavailable"
    zh = "系统正忙或正在重启，还不能确认这次有没有办成。请稍等再点一次，不会重复领取或核销。"
    en = "The system is busy or restarting; whether it was done is not known yet. Try again soon: nothing happens twice."


class MethodNotAllowed(HttpError):
    """The path is there, the method is not; `Allow` lists those that are."""

    status = 405
    code = "method_not_allowed"
    zh = "该地址不支持此请求方法。请改用 Allow 响应头列出的方法。"
    en = "This path does not take that method. Use one that the Allow header lists."


class RequestTimeout(HttpError):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"
    zh = "请求未能及时送达。请检查网络后重试。"
    en = "The request did not arrive in time. Check the network and try again."


class BodyTooLarge(HttpError):
    """The body is larger than the server reads."""

    status = 413
    code = "body_too_large"
    zh = "请求体过大。请减少内容后重试。"
    en = "The body is too large. Send less and try again."


class UriTooLong(HttpError):
    """The URL is longer than the server reads."""

    status = 414
    code = "uri_too_long"
    zh = "网址过长。请缩短查询参数后重试。"
    en = "The URL is too long. Shorten the query and try again."


class UnsupportedMediaType(HttpError):
    """The body is of a type or encoding that is not read here."""

    status = 415
    code = "unsupported_media_type"
    zh = "请求体类型不受支持。请发送未压缩的 application/json（UTF-8）。"
    en = "This type of body is not supported. Send application/json in UTF-8, not compressed."


class ExpectationFailed(HttpError):
    """An `Expect` other than 100-continue."""

    status = 417
    code = "expectation_failed"
    zh = "无法满足 Expect 请求头。请去掉该请求头后重试。"
    en = "The Expect header can't be met. Leave it out and try again."


class HeadersTooLarge(HttpError):
    """The headers are larger than the server reads."""

    status = 431
    code = "headers_too_large"
    zh = "请求头过大。请减少请求头内容后重试。"
    en = "The headers are too large. Send fewer or shorter headers and try again."


class InternalError(HttpError):
    """Our own mistake; the log has it under the request id."""

    status = 500
    code = "internal_error"
    zh = "系统出错了，还不能确认这次有没有办成。请稍后再试；还不行，请把问题编号（request_id）告诉客服。"
    en = "Something went wrong on our side; whether it was done is not known. Try again later, or report the request_id."


# What is said instead where something was read only: nothing can have been done, and nothing done twice.
READING: Mapping[type[DomainError], tuple[str, str]] = {
    DatabaseUnavailable: ("暂时读不到，请稍后重试。", "This can't be read just now. Try again soon."),
    ServiceUnavailable: ("暂时读不到，请稍后重试。", "This can't be read just now. Try again soon."),
    InternalError: (
        "系统出错了，暂时读不到。请稍后再试；还不行，请把问题编号（request_id）告诉客服。",
        "Something went wrong on our side. Try again later, or report the request_id.",
    ),
}

"""What can go wrong, by kind; each refusal is a class with a permanent `code` and its sentences.

A domain function raises one of these where it finds the reason. `server/errors.py` maps the kind to
an HTTP status in one table; nothing else in the project knows about statuses. `code` is what programs
switch on and never changes; `zh` and `en` say what to do next and may hold `{placeholders}` that are
filled from `facts`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from common.clock import SHANGHAI

Fact = str | int | bool | datetime | list[Mapping[str, object]] | None


class DomainError(Exception):
    """The root of everything that is refused on purpose.

    Args:
        facts: fill the placeholders of the sentence. Those named in `shown` also become members of
            the answer, so that a program need not parse the sentence.
    """

    code: ClassVar[str]
    zh: ClassVar[str]
    en: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **facts: Fact) -> None:
        super().__init__(self.code)
        self.facts = facts

    def sentence(self, language: str) -> str:
        """The sentence for a person, in `zh` (the default everywhere) or `en`."""
        facts = {name: _for_people(value) for name, value in self.facts.items()}
        return (self.en if language == "en" else self.zh).format(**facts)


def _for_people(value: Fact) -> Fact:
    return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value


class Malformed(DomainError):
    """The request can't be read at all."""


class Unauthenticated(DomainError):
    """Nobody, or somebody who can't prove who he is."""


class Forbidden(DomainError):
    """Known, but not allowed."""


class NotFound(DomainError):
    """Not there, or not yours: the two are never told apart."""

    code = "not_found"
    zh = "没有找到。请核对链接或编号，返回列表后再试。"
    en = "Not found. Check the link or the id, then go back to the list."


class Refused(DomainError):
    """The state of things does not allow it (now)."""


class Ended(DomainError):
    """It was possible once and won't be again."""


class Invalid(DomainError):
    """Readable, but a value breaks a rule.

    `pointer` names the field as a JSON pointer (RFC 6901), where there is one field to name.
    """

    pointer: ClassVar[str] = ""


class TooMany(DomainError):
    """Too often; `retry_after_s` says when to come back, in seconds."""

    def __init__(self, retry_after_s: int = 1, **facts: Fact) -> None:
        super().__init__(**facts)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A part that is needed does not answer; nothing was changed; `retry_after_s` is in seconds."""

    def __init__(self, retry_after_s: int = 1, **facts: Fact) -> None:
        super().__init__(**facts)
        self.retry_after_s = retry_after_s

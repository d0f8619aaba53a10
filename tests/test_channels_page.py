"""The page of the channels names every variable, every mood and every refusal; both languages have the same."""

import re
from pathlib import Path

import pytest

from citizens.channels import contract
from common.errors import DomainError
from sandbox.standins.alipay import AlipayStandIn
from sandbox.standins.wechat import WeChatStandIn
from sandbox.standins.zheliban import ZhelibanStandIn
from server.channel_settings import NEEDED

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/channels.md", "docs/channels.zh-CN.md")
STANDINS = (WeChatStandIn, AlipayStandIn, ZhelibanStandIn)


def quoted(page: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", (ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_mood_and_refusal_is_there(page: str) -> None:
    named = set(quoted(page))
    assert {name for names in NEEDED.values() for name in names} <= named
    moods = {mood for standin in STANDINS for mood in standin().moods}
    assert moods <= named
    refusals = {
        each.code
        for each in vars(contract).values()
        if isinstance(each, type) and issubclass(each, DomainError) and "code" in vars(each)
    }
    refusals -= {kind.__dict__["code"] for kind in DomainError.__subclasses__() if "code" in vars(kind)}
    assert len(refusals) > 6 and refusals <= named


def test_both_languages_say_the_same() -> None:
    english, chinese = (set(quoted(page)) for page in PAGES)
    assert english == chinese
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    for mark in (r"^#+ ", r"^\| `[^|]+", r"^\d\. ", r"^```.*$"):
        first, second = (re.findall(mark, text, re.MULTILINE) for text in texts)
        assert first == second, mark
    blocks = [re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for text in texts]
    assert blocks[0] == blocks[1] != []

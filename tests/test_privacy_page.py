"""The page for whoever is responsible for personal data says what the service's own list says, in both languages."""

import re
from pathlib import Path

import pytest

from alliance.own_data import OWN_DATA

ROOT = Path(__file__).parent.parent
PAGES = {"docs/privacy.zh-CN.md": 0, "docs/privacy.md": 1}


@pytest.mark.parametrize(("page", "language"), PAGES.items())
def test_the_table_is_the_services_own_list(page: str, language: int) -> None:
    _, _, text = (ROOT / page).read_text(encoding="utf-8").partition("<!-- table -->\n")
    rows = text.partition("\n\n")[0].splitlines()[2:]
    assert rows == [
        f"| {entry.title[language]} | `{entry.table}` | "
        + " | ".join(
            getattr(entry, name)[language] for name in ("why", "kept", "seen_by", "correct", "erasure")
        )
        + " |"
        for entry in OWN_DATA
    ]


def test_both_pages_have_the_same_parts() -> None:
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    for mark in (r"^#+ ", r"^\| ", r"^- "):
        first, second = (re.findall(mark, text, re.MULTILINE) for text in texts)
        assert first == second, mark
    assert re.findall(r"`(?:GET|DELETE) [^`]+`", texts[0]) == re.findall(r"`(?:GET|DELETE) [^`]+`", texts[1])

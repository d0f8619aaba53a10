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


def test_what_is_said_never_to_be_kept_has_no_column() -> None:
    """A source's delivered copy holds scores: of them the page says where they are."""
    text = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    (never,) = re.findall(r"^\*\*Never kept\*\*: (.*)\. The tables", text, re.MULTILINE)
    columns = re.findall(
        r"^    (\w+)(?:: .*)? = fields\.",
        "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "models").glob("*.py")),
        re.MULTILINE,
    )
    assert "score" in columns and len(never.split(", ")) > 5
    for word in never.split(", "):
        assert word.removesuffix("s").replace(" ", "_") not in columns, word


def test_each_rule_stands_once() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [str(number) for number in range(1, 16)]


def test_both_pages_have_the_same_parts() -> None:
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    for mark in (r"^#+ ", r"^\| ", r"^- "):
        first, second = (re.findall(mark, text, re.MULTILINE) for text in texts)
        assert first == second, mark
    assert re.findall(r"`(?:GET|DELETE) [^`]+`", texts[0]) == re.findall(r"`(?:GET|DELETE) [^`]+`", texts[1])

"""A message fits its template: each fact in a field of its form, cut where people see a sign end."""

import pytest

from citizens.message_wordings import FACTS, FORMS, HINTS, MOST, Wording, cut, faults_of, worded
from models.citizen_enums import MessageTemplate
from models.notice_texts import TEMPLATES
from tests.factories.moments import NOON

REDEEMED, ANSWERED = MessageTemplate.COUPON_REDEEMED, MessageTemplate.ANSWERED
FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("全场八折", 20, "全场八折"),
        ("一二三四五", 5, "一二三四五"),
        ("一二三四五六", 5, "一二三四…"),
        ("a\n b\tc\x00d", 20, "a b c d"),
        (f"一二{FAMILY}三", 9, "一二…"),
        (f"一二{FAMILY}", 10, f"一二{FAMILY}"),
        ("一e\u0301二三", 3, "一…"),
        ("一🇨🇳🇭🇰", 6, "一🇨🇳…"),
        ("一👍🏽二", 5, "一…"),
        ("", 5, ""),
    ],
)
def test_a_text_is_cut_between_signs(text: str, most: int, expected: str) -> None:
    assert cut(text, most) == expected
    assert len(cut(text, most).encode("utf-16-le")) // 2 <= most


def test_a_redemption_in_full() -> None:
    fields = {
        "thing1": "offer",
        "thing2": "store",
        "time3": "at",
        "date4": "at",
        "amount5": "saved",
        "thing6": "hint",
    }
    facts = {"offer": "一" * 21, "store": "西湖店", "at": "2026-03-04 08:05", "saved_yuan": "12.30"}
    assert faults_of(REDEEMED, fields) == []
    assert worded(REDEEMED, Wording("x", fields), "coupon_redeemed", facts, NOON) == {
        "thing1": "一" * 19 + "…",
        "thing2": "西湖店",
        "time3": "2026年3月4日 08:05",
        "date4": "2026年3月4日",
        "amount5": "12.30元",
        "thing6": HINTS[REDEEMED],
    }
    free = worded(
        REDEEMED,
        Wording("x", {"amount1": "saved"}),
        "coupon_redeemed_unpriced",
        facts | {"saved_yuan": "0.00"},
        NOON,
    )
    assert free == {"amount1": "0.00元"}


@pytest.mark.parametrize("kind", [kind for kind, template in TEMPLATES.items() if template is ANSWERED])
def test_every_answer_says_of_what_it_is(kind: str) -> None:
    wording = Wording("x", {"thing1": "matter", "phrase2": "result", "time3": "at"})
    said = worded(ANSWERED, wording, kind, {}, NOON)
    assert said["thing1"] and said["phrase2"] and said["time3"] == "2026年3月4日 12:00"


@pytest.mark.parametrize("template", MessageTemplate)
def test_what_is_always_said_fits(template: MessageTemplate) -> None:
    assert len(HINTS[template]) <= MOST["thing"]
    assert FACTS[template] <= FORMS.keys() and template in TEMPLATES.values()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"thing1": "saved"},
        {"amount1": "offer"},
        {"time1": "until"},
        {"thing": "offer"},
        {"thing1": "tier"},
        {"name1": "offer"},
    ],
)
def test_a_field_that_does_not_fit_is_named(fields: dict[str, str]) -> None:
    assert len(faults_of(REDEEMED, fields)) == 1

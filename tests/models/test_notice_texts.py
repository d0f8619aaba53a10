"""The sentences of notices."""

import pytest

from models.notice_texts import TEXTS, text_of


@pytest.mark.parametrize("reason", ["小票上写明了", "小票上写明了。", "小票上写明了. "])
@pytest.mark.parametrize(
    ("language", "said"), [("zh", "理由：小票上写明了。如有"), ("en", "Reason: 小票上写明了. If")]
)
def test_a_reason_that_ends_with_a_full_stop_gets_no_second_one(
    reason: str, language: str, said: str
) -> None:
    assert said in text_of("complaint_dismissed", {"reason": reason}, language)


@pytest.mark.parametrize("kind", [kind for kind in TEXTS if kind.startswith("coupon_")])
def test_what_citizens_are_told_of_coupons_is_in_the_words_of_their_pages(kind: str) -> None:
    """His pages say 我的券 and 使用, and he may read them in a browser."""
    zh, en = TEXTS[kind]
    assert not [word for word in ("核销", "小程序", "我的优惠券") if word in zh]
    assert not [word for word in ("redeem", "redemption", "mini-program") if word in en]

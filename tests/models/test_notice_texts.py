"""The sentences of notices."""

import pytest

from models.notice_texts import text_of


@pytest.mark.parametrize("reason", ["小票上写明了", "小票上写明了。", "小票上写明了. "])
@pytest.mark.parametrize(
    ("language", "said"), [("zh", "理由：小票上写明了。如有"), ("en", "Reason: 小票上写明了. If")]
)
def test_a_reason_that_ends_with_a_full_stop_gets_no_second_one(
    reason: str, language: str, said: str
) -> None:
    assert said in text_of("complaint_dismissed", {"reason": reason}, language)

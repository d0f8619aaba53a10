"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates and the reasons that an admin wrote for its reader.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "offer_approved": (
        "您提交的优惠（第 {number} 版）已通过审核，现在可以发布。",
        "Your offer (version {number}) was approved and can be published now.",
    ),
    "offer_sent_back": (
        "您提交的优惠（第 {number} 版）被退回修改。原因：{reason}。请修改后重新提交。",
        "Your offer (version {number}) was sent back. Reason: {reason}. Change it, then submit it again.",
    ),
    "coupon_revoked": (
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室或在小程序里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office or complain.",
    ),
}


def text_of(kind: str, facts: dict[str, object], language: str) -> str:
    """The sentence for a person, in `zh` (the default everywhere) or `en`."""
    zh, en = TEXTS[kind]
    return (en if language == "en" else zh).format(**facts)

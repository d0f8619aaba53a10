"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates and the reasons that an admin wrote for its reader.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "coupon_revoked": (
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室或在小程序里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office or complain.",
    ),
    "webhook_failed": (
        "推送到您收银系统的核销通知连续一天没有送达（{result}），已停止重试。请检查推送地址，再在推送记录里重新发送。",
        "Your till system took no notice of redemptions for a day ({result}); they are not tried any more. Check the"
        " address, then send them again from the list of deliveries.",
    ),
}


def text_of(kind: str, facts: dict[str, object], language: str) -> str:
    """The sentence for a person, in `zh` (the default everywhere) or `en`."""
    zh, en = TEXTS[kind]
    return (en if language == "en" else zh).format(**facts)

"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates and the reasons that an admin wrote for its reader.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "complaint_answered": (
        "商家答复了您的投诉，可在“我的投诉”里查看。联盟办公室接下来会作出处理决定，结果会通知您。",
        "The member answered your complaint; read it under “My complaints”. The office decides next and tells you.",
    ),
    "complaint_dismissed": (
        "一件投诉经联盟办公室核查，不成立。理由：{reason}。如有异议，请联系联盟办公室。",
        "A complaint was looked into and dismissed. Reason: {reason}. If you disagree, contact the alliance office.",
    ),
    "complaint_made": (
        "收到一件市民投诉，请在 {last_day} 当天结束前到“投诉”里答复；逾期未答复，联盟办公室会直接处理。",
        "A citizen complained. Answer it under “Complaints” by the end of {last_day}; otherwise the office decides without you.",
    ),
    "complaint_overdue": (
        "一件市民投诉逾期未答复，已转联盟办公室处理。有情况要说明，请联系联盟办公室。",
        "A complaint was not answered in time; the office decides now. If there is something to say, contact it.",
    ),
    "complaint_reopened": (
        "联盟办公室将重新处理一件已有结论的投诉，原结论作废。理由：{reason}。新的结果会再通知您。",
        "A decided complaint is looked into anew; the decision no longer holds. Reason: {reason}. You will be told the outcome.",
    ),
    "complaint_upheld": (
        "一件投诉经联盟办公室核查，成立。理由：{reason}。如有异议，请联系联盟办公室。",
        "A complaint was looked into and upheld. Reason: {reason}. If you disagree, contact the alliance office.",
    ),
    "complaint_withdrawn": (
        "市民撤回了一件投诉，不需要再答复。",
        "A citizen withdrew a complaint; no answer is needed any more.",
    ),
    "coupon_revoked": (
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室或在小程序里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office or complain.",
    ),
    "member_suspended": (
        "贵单位的成员资格已暂停（原因：{cause}）：不能再发放新的优惠券，已领取的照常使用。请联系联盟办公室。",
        "Your membership is suspended ({cause}): nothing new can be claimed, what was claimed stays usable. Contact the office.",
    ),
}


def text_of(kind: str, facts: dict[str, object], language: str) -> str:
    """The sentence for a person, in `zh` (the default everywhere) or `en`."""
    zh, en = TEXTS[kind]
    return (en if language == "en" else zh).format(**facts)

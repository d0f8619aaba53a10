"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates and the reasons that an admin wrote for its reader.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "coupon_revoked": (
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室或在小程序里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office or complain.",
    ),
    "statement_closed": (
        "您 {period} 的对账单已出：核销 {redemptions} 笔，撤销 {reversals} 笔，优惠合计 {discount_yuan} 元。"
        "请核对后确认；如有不符，请提出异议。",
        "Your statement for {period} is ready: {redemptions} redemptions, {reversals} reversals, {discount_yuan} yuan"
        " of discounts. Check and confirm it, or dispute it if something is wrong.",
    ),
    "statement_dispute_rejected": (
        "您对 {period} 对账单的异议未被采纳。原因：{reason}。请再次核对后确认，或补充说明后重新提出。",
        "Your dispute of the statement for {period} was rejected. Reason: {reason}. Check it again and confirm it, or"
        " dispute it again with more to go by.",
    ),
    "statement_dispute_accepted": (
        "您对 {period} 对账单的异议已采纳，调整计入下一期对账单。原对账单视为已确认。",
        "Your dispute of the statement for {period} was accepted; the adjustment is on your next statement. The"
        " disputed one counts as confirmed.",
    ),
    "statement_settled": (
        "您 {period} 的对账单已结算，结算编号 {reference}。如未到账，请凭编号联系联盟办公室。",
        "Your statement for {period} was settled under {reference}. If the money does not arrive, ask the alliance"
        " office with this number.",
    ),
}


def text_of(kind: str, facts: dict[str, object], language: str) -> str:
    """The sentence for a person, in `zh` (the default everywhere) or `en`."""
    zh, en = TEXTS[kind]
    return (en if language == "en" else zh).format(**facts)

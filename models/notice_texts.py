"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates, names of members and titles of offers, and the reasons
that somebody wrote for its reader.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "accounts_joined": (
        "您的两个账号已合并，优惠券和记录都在这里。被合并账号的授权已失效，需要时请重新同意。如果不是您本人操作，请联系联盟办公室。",
        "Your two accounts are one now, with all coupons and records. Consents of the account that went have ended; give"
        " them again where you want to. If it was not you, contact the alliance office.",
    ),
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
    "offer_approved": (
        "您提交的优惠（第 {number} 版）已通过审核，现在可以发布。",
        "Your offer (version {number}) was approved and can be published now.",
    ),
    "offer_ended": (
        "联盟办公室结束了您的优惠“{title}”，已领取的优惠券仍须兑现。原因：{reason}。如有异议，请联系联盟办公室。",
        "The alliance office ended your offer “{title}”; claimed coupons must still be honoured. Reason: {reason}. If you"
        " disagree, contact the office.",
    ),
    "offer_ended_unexplained": (
        "联盟办公室结束了您的优惠“{title}”，已领取的优惠券仍须兑现。没有写明原因，请联系联盟办公室了解。",
        "The alliance office ended your offer “{title}”; claimed coupons must still be honoured. It gave no reason:"
        " ask the office.",
    ),
    "offer_paused": (
        "联盟办公室暂停了您的优惠“{title}”，已领取的优惠券仍须兑现。原因：{reason}。如有异议，请联系联盟办公室。",
        "The alliance office paused your offer “{title}”; claimed coupons must still be honoured. Reason: {reason}. If you"
        " disagree, contact the office.",
    ),
    "offer_paused_unexplained": (
        "联盟办公室暂停了您的优惠“{title}”，已领取的优惠券仍须兑现。没有写明原因，请联系联盟办公室了解。",
        "The alliance office paused your offer “{title}”; claimed coupons must still be honoured. It gave no reason:"
        " ask the office.",
    ),
    "offer_resumed": (
        "联盟办公室恢复了您的优惠“{title}”，市民又可以领取了。原因：{reason}。如有疑问，请联系联盟办公室。",
        "The alliance office resumed your offer “{title}”; it can be claimed again. Reason: {reason}. If in doubt,"
        " contact the office.",
    ),
    "offer_resumed_unexplained": (
        "联盟办公室恢复了您的优惠“{title}”，市民又可以领取了。没有写明原因，如有疑问请联系联盟办公室。",
        "The alliance office resumed your offer “{title}”; it can be claimed again. It gave no reason: if in doubt, ask"
        " the office.",
    ),
    "offer_sent_back": (
        "您提交的优惠（第 {number} 版）被退回修改。原因：{reason}。请修改后重新提交。",
        "Your offer (version {number}) was sent back. Reason: {reason}. Change it, then submit it again.",
    ),
    "offer_share_agreed": (
        "{unit} 已同意承担您提交的优惠（第 {number} 版）的一部分，联盟办公室可以审核通过了。",
        "{unit} agreed to bear its share of your offer (version {number}); the office can approve it now.",
    ),
    "offer_share_asked": (
        "{member} 提交的优惠“{title}”请贵单位承担 {share}%。请到“待同意的承担”查看，同意或拒绝；同意之前不会通过审核。",
        "{member} asks you to bear {share} % of the offer “{title}”. Look at it under “Shares to agree to”, and agree or"
        " refuse; it is not approved before you agree.",
    ),
    "offer_share_refused": (
        "{unit} 不同意承担您提交的优惠（第 {number} 版）的一部分。原因：{reason}。请撤回提交，与对方商定或改为自行承担后重新提交。",
        "{unit} refused to bear its share of your offer (version {number}). Reason: {reason}. Recall it, settle it with"
        " them or bear it yourself, then submit it again.",
    ),
    "coupon_revoked": (
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室或在小程序里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office or complain.",
    ),
    "member_left": (
        "贵单位已退出联盟，优惠已全部结束。已领取的优惠券在有效期内仍须兑现，店员账号照常可用。",
        "You have left the alliance and your offers have ended. Coupons already claimed must still be honoured;"
        " your staff's logins go on working.",
    ),
    "member_reinstated": (
        "贵单位的成员资格已恢复，因暂停而停发的优惠已重新发布。请到“我的优惠”核对。",
        "Your membership is restored, and the offers that were paused with it are published again. Please check them.",
    ),
    "promise_broken": (
        "联盟登记了一条失诺记录。请到“承诺践诺”查看原因；如有异议，请联系联盟办公室。",
        "A broken promise was recorded for you. See “Promises” for the cause; if you disagree, contact the office.",
    ),
    "promise_kept": (
        "联盟登记了一条践诺记录，可到“承诺践诺”查看。",
        "A kept promise was recorded for you; see “Promises”.",
    ),
    "suspended_complaints": (
        "因属实投诉达到所在地规定的次数，贵单位的成员资格已暂停，优惠停发；已领取的优惠券仍须兑现。请整改后联系联盟办公室。",
        "Suspended: as many complaints were upheld as your region allows. Offers are paused; claimed coupons must"
        " still be honoured. Put things right, then contact the office.",
    ),
    "suspended_dishonest_list": (
        "贵单位被列入严重失信名单，成员资格已暂停，优惠停发；已领取的优惠券仍须兑现。移出名单后会自动恢复。",
        "Suspended: you are on the list of the seriously dishonest. Offers are paused; claimed coupons must still be"
        " honoured. It ends by itself when you are off the list.",
    ),
    "suspended_grade": (
        "贵单位的公共信用等级低于所在地要求，成员资格已暂停，优惠停发；已领取的优惠券仍须兑现。完成信用修复后会自动恢复。",
        "Suspended: your credit grade is below what your region asks for. Offers are paused; claimed coupons must"
        " still be honoured. It ends by itself when your credit is repaired.",
    ),
    "suspended_office": (
        "联盟办公室已暂停贵单位的成员资格，优惠停发；已领取的优惠券仍须兑现。原因：{reason}。"
        "请按原因整改后联系联盟办公室，由办公室解除；如有异议，也请联系办公室。",
        "The alliance office has suspended you. Offers are paused; claimed coupons must still be honoured."
        " Reason: {reason}. Put it right, then contact the office, which lifts it; contact it too if you disagree.",
    ),
    "suspension_lifted": (
        "一项暂停原因已解除，但还有其他原因，成员资格仍在暂停中。请到“成员资格”查看。",
        "One cause of your suspension is lifted; another one still holds. See “Membership”.",
    ),
    "webhook_failed": (
        "推送到您收银系统的核销通知连续一天没有送达（{result}），已停止重试。请检查推送地址，再在推送记录里重新发送。",
        "Your till system took no notice of redemptions for a day ({result}); they are not tried any more. Check the"
        " address, then send them again from the list of deliveries.",
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

"""What notices say, by kind, in both languages; `{placeholders}` are filled from a notice's facts.

A notice holds no text of its own: facts are ids, numbers, dates, names of members and titles of offers, and the reasons
that somebody wrote for its reader.
"""

from models.citizen_enums import MessageTemplate

# Which message goes with a kind of notice to citizens; the others are in the inbox alone.
TEMPLATES: dict[str, MessageTemplate] = {
    "coupon_claimed": MessageTemplate.COUPON_CLAIMED,
    "coupon_redeemed": MessageTemplate.COUPON_REDEEMED,
    "coupon_redeemed_unpriced": MessageTemplate.COUPON_REDEEMED,
    "coupon_reversed": MessageTemplate.COUPON_REVERSED,
    "coupon_expiring": MessageTemplate.COUPON_EXPIRING,
    "complaint_answered": MessageTemplate.ANSWERED,
    "complaint_dismissed": MessageTemplate.ANSWERED,
    "complaint_upheld": MessageTemplate.ANSWERED,
    "objection_upheld": MessageTemplate.ANSWERED,
    "objection_corrected": MessageTemplate.ANSWERED,
    "objection_dismissed": MessageTemplate.ANSWERED,
    "repair_upheld": MessageTemplate.ANSWERED,
    "repair_corrected": MessageTemplate.ANSWERED,
    "repair_dismissed": MessageTemplate.ANSWERED,
}
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
        "您的优惠券已被作废。原因：{reason}。如有疑问，请联系联盟办公室，或在“我的”里投诉。",
        "Your coupon was revoked. Reason: {reason}. If you disagree, contact the alliance office, or complain under “Me”.",
    ),
    "coupon_claimed": (
        "您领取了“{offer}”，{last_day} 当天结束前有效。到店时请在“我的券”里打开它，出示券码。",
        "You claimed “{offer}”; it is good until the end of {last_day}. At the shop, open it under “My coupons” and show"
        " its code.",
    ),
    "coupon_expiring": (
        "您的优惠券“{offer}”还没有用完，{last_day} 当天结束后到期。想用请在此之前到店出示券码；不用也不影响您的信用。",
        "Your coupon “{offer}” is not used up and ends with {last_day}. To use it, show its code at the shop before;"
        " leaving it unused does not touch your credit.",
    ),
    "coupon_redeemed": (
        "您的优惠券“{offer}”已在 {store} 使用（{at}），为您省了 {saved_yuan} 元。不是您本人用的，请在“我的”里投诉。",
        "Your coupon “{offer}” was used at {store} ({at}) and saved you {saved_yuan} yuan. If that was not you,"
        " complain under “Me”.",
    ),
    "coupon_redeemed_unpriced": (
        "您的优惠券“{offer}”已在 {store} 使用（{at}）。不是您本人用的，请在“我的”里投诉。",
        "Your coupon “{offer}” was used at {store} ({at}). If that was not you, complain under “Me”.",
    ),
    "coupon_reversed": (
        "{store} 撤销了优惠券“{offer}”的一次使用（{at}），次数已退回，有效期内还可以再用。如有疑问，请先问门店，或在“我的”里投诉。",
        "{store} undid a use of your coupon “{offer}” ({at}); it is given back and can be used again while the coupon"
        " is good. If in doubt, ask the shop, or complain under “Me”.",
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
    "objection_forwarded": (
        "您的异议已转送信息提供单位核查，最迟在 {last_day} 当天结束前答复。进展可在“我的异议”里查看。",
        "Your objection was passed on to the agency that keeps the record; it is answered by the end of {last_day}. See"
        " “My objections”.",
    ),
    "objection_extended": (
        "您的异议情况复杂，经批准延长办理，最迟在 {last_day} 当天结束前答复。处理期间该记录保持“有异议”标注。",
        "Your objection needs more time, which was approved; it is answered by the end of {last_day}. The record stays"
        " marked as disputed until then.",
    ),
    "objection_overdue": (
        "您的异议没有按期答复，我们已催办，记录保持“有异议”标注。您也可以拨打 12345 反映。",
        "Your objection was not answered in time; the office was reminded, and the record stays marked as disputed. You"
        " can call 12345 as well.",
    ),
    "objection_upheld": (
        "您的异议经核查成立，原记录不再使用。理由见“我的异议”；下次使用时会重新查询。",
        "Your objection was upheld; the record is used no more. The reasons are under “My objections”; the next look is"
        " a fresh one.",
    ),
    "objection_corrected": (
        "您的异议经核查属实，信息提供单位已更正记录。详情见“我的异议”；下次使用时会重新查询。",
        "Your objection was right, and the agency has corrected the record. See “My objections”; the next look is a fresh"
        " one.",
    ),
    "objection_dismissed": (
        "您的异议经核查不成立，记录不变。理由见“我的异议”；如仍有不同意见，可补充材料后再次提出，或拨打 12345。",
        "Your objection was looked into and dismissed; the record stands. The reasons are under “My objections”. If you"
        " still disagree, object again with more to go by, or call 12345.",
    ),
    "repair_upheld": (
        "您申请修复的记录经核查有误，已不再使用。理由见“我的异议”；下次使用时会重新查询。",
        "The record that you wanted repaired was wrong and is used no more. The reasons are under “My objections”.",
    ),
    "repair_corrected": (
        "您申请的信用修复已完成，原记录不再计算。下次使用时会重新查询，结果以新的查询为准。",
        "The record was repaired and counts no more. The next look is a fresh one, and goes by what it finds.",
    ),
    "repair_dismissed": (
        "您申请的信用修复未通过。理由见“我的异议”；满足条件后可以带证明材料再次申请，或拨打 12345 咨询。",
        "The record was not repaired. The reasons are under “My objections”. Once the conditions are met, ask again with"
        " evidence, or call 12345.",
    ),
    "declaration_accepted": (
        "您自主申报的记录已通过核实，有效期至 {valid_until}。可在“自主申报”里查看或随时删除。",
        "What you declared was confirmed and is valid until {valid_until}. See it under “Declarations”; you can delete it"
        " at any time.",
    ),
    "declaration_refused": (
        "您自主申报的记录未通过核实。理由见“自主申报”；如有不同意见，可以提出异议，或删除后重新申报。",
        "What you declared was not confirmed. The reasons are under “Declarations”. Object if you disagree, or delete it"
        " and declare it anew.",
    ),
    "tier_scheme_changes": (
        "您所用的等级方案“{scheme}”将于 {day} 换用新版本，此前按现行版本；已领取的优惠券不受影响。新版本可在“等级方案”里查看。",
        "The scheme “{scheme}” that you are rated under changes on {day}; until then the present version counts, and"
        " coupons you hold stay good. Read the new one under “Tier schemes”.",
    ),
    "guardian_ended": (
        "一项监护代办已结束，此后不能再代孩子办理。孩子已领取的优惠券仍然有效。",
        "Acting for a child as guardian has ended. What the child has claimed stays good.",
    ),
    "guardian_of_age": (
        "孩子已满 14 周岁，监护代办自动结束。孩子可以登录自己的账户；需要帮忙时，可在“亲友代办”里邀请家人。",
        "The child is 14 now, so acting as guardian has ended. He can sign in himself, and let family help with a code.",
    ),
    "guardianship_confirmed": (
        "您代孩子办理的申请已通过，现在可以在“我的孩子”里代孩子领券、用券。如与您无关，请联系联盟办公室。",
        "Your request to act for a child was confirmed; you can claim and use offers for him now. If that was not you,"
        " contact the alliance office.",
    ),
    "guardianship_ended_by_office": (
        "联盟办公室结束了您的一项监护代办。原因：{reason}。如有异议，请联系联盟办公室。",
        "The alliance office ended your acting for a child. Reason: {reason}. If you disagree, contact the office.",
    ),
    "guardianship_refused": (
        "您代孩子办理的申请没有通过。原因：{reason}。孩子的信息和证明已删除；补齐后可以重新申请。",
        "Your request to act for a child was refused. Reason: {reason}. The child's data and the proof are deleted;"
        " you can ask anew.",
    ),
    "helper_confirmed": (
        "对方已确认由您代办，现在可以在“我在帮谁办”里代他领券、用券。",
        "You were confirmed as a helper; you can claim and use offers for the other now.",
    ),
    "helper_ended": (
        "一项亲友代办已结束或已失效，此后不能再代办。已领取的优惠券仍然有效。",
        "Helping has ended, or was not confirmed in time. What was claimed stays good.",
    ),
    "helper_waiting": (
        "有人填了您的代办码，请在一天内到“谁在帮我办”核对姓名后确认；不认识的，请不要确认并直接结束。",
        "Somebody entered your code. Look at the name under “Who helps me” and confirm within a day; if you don't know"
        " him, don't confirm, end it.",
    ),
    "accounts_joined": (
        "您的两个账号已合并，优惠券和记录都在这里。被合并账号的授权已失效，需要时请重新同意。如果不是您本人操作，请联系联盟办公室。",
        "Your two accounts are one now, with all coupons and records. Consents of the account that went have ended; give"
        " them again where you want to. If it was not you, contact the alliance office.",
    ),
}


def text_of(kind: str, facts: dict[str, object], language: str) -> str:
    """The sentence for a person, in `zh` (the default everywhere) or `en`."""
    zh, en = TEXTS[kind]
    if "reason" in facts:  # people end what they write with a full stop, and so do these sentences
        facts = {**facts, "reason": str(facts["reason"]).rstrip("。. ")}
    return (en if language == "en" else zh).format(**facts)

"""What is kept of a citizen, table by table: what his copy shows him, and what an erasure does with it (rule 7).

One list for the copy (`alliance.data_copies`), the erasure (`alliance.erasures`) and the tables of docs/privacy*.md. A
test looks at the database: whatever holds a citizen's id, or something encrypted, stands in `OWN_DATA` or, with the
reason, in `ELSEWHERE`.

To add a table, add one entry. An erasure runs the entries from the last to the first, so that what leads to others
comes before them: `natural_persons` is erased after everything that is found by its `person_hash` (a source's copy of
his record: `DELETE FROM … WHERE person_hash = (SELECT person_hash FROM natural_persons WHERE citizen_id = $1)`).
A table that a citizen's things may be written into afterwards also gets the trigger `refuse_for_erased` (migration 0020).
"""

from collections.abc import Mapping, Sequence

from alliance.own_data_terms import (
    A_RECORD,
    AT_ONCE,
    BOOKS,
    BY_CHANNEL,
    COMPLAIN,
    DELETED,
    HALF_A_YEAR,
    HIMSELF,
    HIS_IDS,
    IN_THE_APP,
    OFFICE,
    TEN_YEARS,
    OwnData,
    delete,
    of_citizen,
)
from alliance.own_requests import FILES, OWN_REQUESTS

# What an official wrote to a second one about something of his.
OF_HIS_APPROVALS = (
    " FROM (SELECT id::text AS object_id FROM coupons WHERE citizen_id = $1"
    "  UNION ALL SELECT id::text FROM objections WHERE citizen_id = $1) his"
    " JOIN approvals a ON a.kind IN ('coupon_revocation', 'objection_extension') AND a.object_id = his.object_id"
)
# An official's reason for a decision, which may name who complained.
OF_HIS_COMPLAINTS = (
    " FROM complaints c JOIN member_notices n ON n.member_id = c.member_id"
    " AND n.kind IN ('complaint_upheld', 'complaint_dismissed', 'complaint_reopened')"
    " AND n.once_key LIKE n.kind || ':' || c.id || ':%' WHERE c.citizen_id = $1"
)


OWN_DATA: Sequence[OwnData] = (
    OwnData(
        "citizens",
        ("随机编号", "Random id"),
        ("账本、审计里代替您的身份", "stands for you in the books and the audit"),
        *(BOOKS, OFFICE, A_RECORD),
        ("保留编号，注明已注销；不再指向任何人", "stays, marked as erased; it leads to nobody any more"),
        "SELECT * FROM citizens WHERE id = $1",
    ),
    OwnData(
        "natural_persons",
        ("实名信息", "Verified identity"),
        (
            "一个人只有一个账户；经您授权时查询信用等级",
            "one account for each person; to look up your tier when you consent",
        ),
        *(AT_ONCE, HIMSELF, BY_CHANNEL, DELETED),
        of_citizen("natural_persons"),
        key="citizen_id",
        erase=(delete("natural_persons"),),
    ),
    OwnData(
        "channel_identities",
        ("登录渠道", "Channels"),
        ("认出您的登录", "to know you when you sign in"),
        *(AT_ONCE, HIMSELF, BY_CHANNEL, DELETED),
        of_citizen("channel_identities"),
        erase=(delete("channel_identities"),),
    ),
    OwnData(
        "citizen_phones",
        ("手机号", "Mobile number"),
        ("向您发送您要的提醒", "to send you what you asked for"),
        *(AT_ONCE, HIMSELF),
        ("在“我的”里删除或重新验证", "delete or verify it anew under “Me”"),
        DELETED,
        of_citizen("citizen_phones"),
        key="citizen_id",
        erase=(delete("citizen_phones"),),
    ),
    OwnData(
        "consents",
        ("授权", "Consents"),
        ("证明您同意过什么、何时撤回", "proof of what you agreed to, and when you withdrew it"),
        *(("至少 10 年", "10 years at least"), HIMSELF, IN_THE_APP),
        (
            "全部撤回；凭证只有随机编号，为证明查询合法而保留",
            "all withdrawn; the proofs have the random id alone and stay, to show that look-ups were lawful",
        ),
        "SELECT c.*, t.title, t.text FROM consents c LEFT JOIN consent_texts t"
        " ON t.purpose = c.purpose AND t.version = c.version WHERE c.citizen_id = $1",
        erase=(
            "UPDATE consents SET withdrawn_at = greatest($2, granted_at) WHERE citizen_id = $1 AND withdrawn_at IS NULL",
        ),
    ),
    OwnData(
        "credit_lookups",
        ("信用查询记录", "Credit look-ups"),
        ("您可以知道谁在何时为何查过", "so that you know who looked, when and why"),
        *(TEN_YEARS, HIMSELF, A_RECORD),
        (
            "保留，只有随机编号：条例要求保存 10 年",
            "stay, with the random id alone: the law asks for 10 years",
        ),
        of_citizen("credit_lookups"),
    ),
    OwnData(
        "tier_snapshots",
        ("信用等级", "Credit tiers"),
        ("判断能领哪些优惠", "to tell which offers you may claim"),
        *(("有效期满后一年", "a year after it is over"), HIMSELF),
        ("向出具等级的信用主管部门提出异议", "contest it with the credit authority that issued it"),
        DELETED,
        "SELECT s.*, coalesce(t.name, m.scheme_name) AS scheme_name FROM tier_snapshots s"
        " LEFT JOIN tier_schemes t ON t.id = s.scheme_id LEFT JOIN tier_mappings m ON m.id = s.mapping_id"
        " WHERE s.citizen_id = $1",
        erase=(delete("tier_snapshots"),),
    ),
    OwnData(
        "credit_ratings",
        ("信用来源交付的副本", "The copy that a credit source delivers"),
        ("经您授权时查询信用等级", "to look up your tier when you consent"),
        ("来源下一次交付为止", "until the source delivers the next"),
        ("没有人：经您授权才按摘要查", "nobody: it is looked into by a hash, when you consent"),
        ("向出具等级的信用主管部门提出异议", "contest it with the credit authority that issued it"),
        (
            "删除；来源下次交付时可能再有，但不再指向任何账户",
            "deleted; the source's next delivery may bring it, tied to no account",
        ),
        "",
        erase=(
            "DELETE FROM credit_ratings WHERE person_hash IN"
            " (SELECT person_hash FROM natural_persons WHERE citizen_id = $1)",
        ),
    ),
    OwnData(
        "credit_repairs",
        ("信用来源交付的修复", "Repairs that a credit source delivers"),
        ("修复后旧记录立即停用", "so that a repaired record stops counting at once"),
        ("来源下一次交付为止", "until the source delivers the next"),
        ("没有人", "nobody"),
        A_RECORD,
        DELETED,
        "",
        erase=(
            "DELETE FROM credit_repairs WHERE person_hash IN"
            " (SELECT person_hash FROM natural_persons WHERE citizen_id = $1)",
        ),
    ),
    OwnData(
        "coupons",
        ("优惠券", "Coupons"),
        ("您领了什么、还能用几次", "what you claimed, and how often it can still be used"),
        *(BOOKS, OFFICE, IN_THE_APP),
        (
            "还能用的终止，未用过的退回库存；只剩随机编号，为对账保留",
            "those still usable end, unused ones go back to the stock; they stay for the books, with the random id alone",
        ),
        "SELECT c.*, t.title AS offer_title FROM coupons c JOIN offer_terms t ON t.id = c.terms_id"
        " WHERE c.citizen_id = $1",
        # Why an official revoked one, in his words.
        erase=(
            "UPDATE coupons SET ended_reason = 'erased' WHERE citizen_id = $1 AND ended_reason <> 'erased'",
        ),
    ),
    OwnData(
        "approvals",
        (
            "申请作废优惠券、延长异议答复的理由",
            "Why coupons were to be revoked, or an objection to take longer",
        ),
        ("作废和延期须两人同意", "both take two officials"),
        *(BOOKS, ("您本人、联盟办公室", "you, and the alliance office"), COMPLAIN),
        ("申请保留，理由的文字清除", "the requests stay, the words of the reasons are cleared"),
        "SELECT a.id, a.object_id, a.reason, a.decision_reason, a.status, a.asked_at, a.decided_at"
        + OF_HIS_APPROVALS,
        erase=(
            "UPDATE approvals SET reason = 'erased', decision_reason = CASE WHEN decision_reason IS NOT NULL THEN"
            " 'erased' END WHERE id IN (SELECT a.id" + OF_HIS_APPROVALS + ")",
        ),
    ),
    OwnData(
        "redemptions",
        ("核销记录", "Redemptions"),
        ("账本：您在哪里用了什么、省了多少", "the ledger: what you used where, and what it saved you"),
        *(
            BOOKS,
            (
                "您本人、该商户和联盟办公室（不含您的身份）",
                "you; the member and the office without knowing who you are",
            ),
        ),
        COMPLAIN,
        (
            "保留：账本不能改写，其中只有随机编号",
            "stay: the ledger is never changed, and has the random id alone",
        ),
        "SELECT r.*, s.name AS store_name, v.reversed_at FROM coupons c JOIN redemptions r ON r.coupon_id = c.id"
        " JOIN stores s ON s.id = r.store_id LEFT JOIN reversals v ON v.redemption_id = r.id WHERE c.citizen_id = $1",
    ),
    OwnData(
        "reversal_reasons",
        ("撤销核销的原因", "Why redemptions were undone"),
        ("店员说明为何撤销", "the clerk's reason"),
        *(AT_ONCE, ("您本人、该商户", "you and the member"), COMPLAIN, DELETED),
        "SELECT y.reversal_id, y.reason, r.id AS redemption_id FROM coupons c JOIN redemptions r ON r.coupon_id = c.id"
        " JOIN reversals v ON v.redemption_id = r.id JOIN reversal_reasons y ON y.reversal_id = v.id"
        " WHERE c.citizen_id = $1",
        key="reversal_id",
        erase=(
            "DELETE FROM reversal_reasons WHERE reversal_id IN (SELECT v.id FROM coupons c"
            " JOIN redemptions r ON r.coupon_id = c.id JOIN reversals v ON v.redemption_id = r.id"
            " WHERE c.citizen_id = $1)",
        ),
    ),
    OwnData(
        "attempts",
        ("被拒绝的扫码", "Refused scans"),
        ("您可以知道为何被拒，并据此投诉", "so that you know why, and can complain"),
        *(
            ("至少 6 个月", "6 months at least"),
            (
                "您本人、该商户和联盟办公室（不含您的身份）",
                "you; the member and the office without knowing who you are",
            ),
        ),
        COMPLAIN,
        ("保留：只指向优惠券的编号", "stay: they name the coupon's id alone"),
        "SELECT a.* FROM coupons c JOIN attempts a ON a.coupon_id = c.id WHERE c.citizen_id = $1",
    ),
    OwnData(
        "complaints",
        ("投诉", "Complaints"),
        ("处理您的投诉", "to settle what you complain of"),
        *(BOOKS, OFFICE),
        ("未结的可以撤回后重提", "withdraw one that is open and make it anew"),
        (
            "未结的撤回；只剩随机编号和时间，为成员的诚信记录保留",
            "open ones are withdrawn; ids and times stay for the member's record",
        ),
        of_citizen("complaints"),
        # The hash by which a retry is known is one of the words, too.
        erase=("UPDATE complaints SET request_hash = decode(repeat('00', 32), 'hex') WHERE citizen_id = $1",),
    ),
    OwnData(
        "complaint_texts",
        ("投诉的文字", "Words of complaints"),
        ("处理您的投诉", "to settle what you complain of"),
        *(
            ("投诉起三年，未办结的更久", "three years, longer while it is open"),
            (
                "您本人、被投诉的商户（号码打码）、联盟办公室",
                "you, the member (numbers masked), the alliance office",
            ),
        ),
        ("结案后可以删除", "delete them when the complaint is closed"),
        DELETED,
        "SELECT w.* FROM complaints c JOIN complaint_texts w ON w.complaint_id = c.id WHERE c.citizen_id = $1",
        key="complaint_id",
        erase=(
            "DELETE FROM complaint_texts WHERE complaint_id IN (SELECT id FROM complaints WHERE citizen_id = $1)",
        ),
    ),
    OwnData(
        "member_notices",
        ("告知商户的投诉处理理由", "Reasons of decisions, as the member was told"),
        ("让商户知道您的投诉如何处理", "to tell the member how your complaint was decided"),
        *(BOOKS, ("您本人、被投诉的商户、联盟办公室", "you, the member, the alliance office"), COMPLAIN),
        ("通知保留，理由的文字清除", "the notices stay, the words of the reasons are cleared"),
        "SELECT n.id, n.kind, n.facts, n.noticed_at" + OF_HIS_COMPLAINTS,
        erase=(
            "UPDATE member_notices SET facts = jsonb_set(facts::jsonb, '{reason}', '\"（市民已注销，文字已删除）\"')::text"
            " WHERE id IN (SELECT n.id" + OF_HIS_COMPLAINTS + ")",
        ),
    ),
    OwnData(
        "citizen_notices",
        ("通知", "Notices"),
        ("告诉您与您有关的事", "to tell you what concerns you"),
        *(("读过 90 天后，最长一年", "90 days after you read it, a year in all"), HIMSELF, A_RECORD, DELETED),
        of_citizen("citizen_notices"),
        erase=(delete("citizen_notices"),),
    ),
    OwnData(
        "sessions",
        ("登录", "Sign-ins"),
        ("保持登录，可以随时退出", "to keep you signed in until you sign out"),
        *(HALF_A_YEAR, HIMSELF),
        ("退出登录", "sign out"),
        (
            "全部立即失效；只有随机编号，网络日志须留存半年以上",
            "all end at once; they have the random id alone, and the law asks for half a year",
        ),
        "SELECT id, created_at, rotated_at, expires_at, revoked_at, revoked_reason FROM sessions"
        f" WHERE actor_id = {HIS_IDS} AND actor_kind = 'citizen'",
        erase=(
            "UPDATE sessions SET revoked_at = $2, revoked_reason = 'erased'"
            " WHERE actor_id = $1 AND actor_kind = 'citizen' AND revoked_at IS NULL",
        ),
    ),
    OwnData(
        "data_copies",
        ("您取走的数据副本", "Copies that you took"),
        ("您可以发现别人用您的账户取走数据", "so that you notice if somebody else took one"),
        *(AT_ONCE, HIMSELF, A_RECORD, DELETED),
        of_citizen("data_copies"),
        erase=(delete("data_copies"),),
    ),
    OwnData(
        "member_customers",
        ("在各商户的首次与最近消费日", "First and latest day at each member"),
        ("统计新老顾客人数", "to count new and returning customers"),
        *(BOOKS, ("没有人看到单个人", "nobody sees a single person"), A_RECORD),
        ("保留：只有随机编号", "stays: it has the random id alone"),
        f"SELECT * FROM member_customers WHERE citizen_id = {HIS_IDS}",
    ),
    OwnData(
        "audit_records",
        ("审计中您做的事", "What the audit has of you"),
        ("事后查清谁做了什么", "to find out afterwards who did what"),
        *(BOOKS, OFFICE, A_RECORD),
        (
            "保留：审计不能改写，其中只有随机编号",
            "stays: the audit is never changed, and has the random id alone",
        ),
        "SELECT id, recorded_at, action, object_kind, object_id, outcome FROM audit_records"
        f" WHERE actor_id = {HIS_IDS} AND actor_kind = 'citizen'",
    ),
    OwnData(
        "staff",
        ("店员本人确认", "That you are a certain clerk"),
        ("店员不能核销自己的券", "so that no clerk redeems his own coupon"),
        *(AT_ONCE, ("没有人：是单向摘要", "nobody: it is a one-way hash"), A_RECORD),
        ("摘要清除", "the hash is cleared"),
        "",
        erase=("UPDATE staff SET self_hash = NULL WHERE self_hash = $1",),
        is_by_self_hash=True,
    ),
    OwnData(
        "one_time_links",
        ("一次性的码", "One-time codes"),
        ("绑定或合并账户", "to bind or join accounts"),
        *(HALF_A_YEAR, ("没有人：只存摘要", "nobody: a hash alone is kept"), A_RECORD, DELETED),
        "",
        erase=("DELETE FROM one_time_links WHERE subject_id = $1",),
    ),
    *OWN_REQUESTS,
    FILES,
)

# Tables with a column that could lead to a citizen, and why nothing of him is in them.
ELSEWHERE: Mapping[str, str] = {
    "reversals": "with the redemption that they undo; ids and times of the sealed ledger",
    "statement_lines": "money of the ledger, by its records' ids",
    "webhook_deliveries": "what a till is told: redemptions' ids and money, without the citizen",
    "member_applications": "an applicant's, who is no citizen here; encrypted with the member's data",
    "admins": "the office's own accounts",
    "webhooks": "a member's; the secret of its till is encrypted",
    "number_slices": "counts of a minute, whoever's",
    "login_failures": "keyed hashes of logins of staff and admins; citizens have none",
    "admin_recovery_codes": "the office's own accounts",
    "promise_records": "a member's, by the id of its cause",
}

"""The copy of a citizen's data as a page to read: one file without scripts or anything from elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from alliance.own_data_terms import OwnData
from common.clock import SHANGHAI

# Whatever is in the data: nothing runs, nothing is loaded, and the page sends nothing.
HEAD = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>我的数据</title>
<style>
body { font-family: system-ui, sans-serif; line-height: 1.6; max-width: 48rem; margin: 0 auto; padding: 1rem; }
h2 { margin: 2rem 0 .25rem; } .en, .about { color: #555; font-size: .875rem; } .about { margin: .25rem 0; }
dl { display: grid; grid-template-columns: minmax(6rem, 12rem) 1fr; gap: .125rem 1rem; border: 1px solid #ccc;
border-radius: .5rem; padding: .75rem; margin: .5rem 0; } dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
</style></head><body>
"""
ABOUT = (
    ("why", "用途"),
    ("kept", "保存多久"),
    ("seen_by", "谁能看到"),
    ("correct", "如何更正"),
    ("erasure", "注销时"),
)
LABELS: Mapping[str, str] = {
    **{"id": "编号", "citizen_id": "随机编号", "created_at": "开始时间", "erased_at": "注销时间"},
    **{"name": "姓名", "id_number": "证件号码", "channel": "渠道", "subject": "渠道给的编号"},
    **{"phone": "手机号", "verified_at": "验证时间", "purpose": "用途", "version": "版本"},
    **{"text_sha256": "授权书的摘要", "granted_at": "同意时间", "withdrawn_at": "撤回时间", "title": "标题"},
    **{
        "text": "内容",
        "consent_id": "依据的授权",
        "source": "来源",
        "looked_up_by": "查询者",
        "reason": "原因",
    },
    **{"looked_up_at": "查询时间", "outcome": "结果", "lookup_id": "查询编号", "scheme_id": "方案编号"},
    **{
        "scheme_name": "等级方案",
        "level": "等级（1–5）",
        "tier_code": "等级代码",
        "source_record_id": "来源的记录号",
    },
    **{"data_date": "数据日期", "taken_at": "取得时间", "valid_from": "有效期从", "valid_until": "有效期至"},
    **{
        "number": "券号",
        "offer_id": "优惠编号",
        "offer_title": "优惠",
        "terms_id": "条款编号",
        "status": "状态",
    },
    **{"slot": "领取名额", "limit_period": "限领周期", "uses_total": "可用次数", "uses_done": "已用次数"},
    **{"uses_day": "最近使用日", "uses_today": "当日已用", "key_generation": "券码代次"},
    **{"renewal_session_id": "离线出码的登录", "claimed_at": "领取时间", "ended_at": "终止时间"},
    **{
        "ended_reason": "终止原因",
        "request_key": "请求编号",
        "reserved_fen": "占用预算（分）",
        "settled_at": "结清时间",
    },
    **{"coupon_id": "券编号", "store_id": "门店编号", "store_name": "门店", "staff_id": "店员编号"},
    **{
        "member_id": "商户编号",
        "step": "券码时段",
        "order_amount_fen": "订单金额（分）",
        "discount_fen": "优惠（分）",
    },
    **{"payable_fen": "应付（分）", "uses": "次数", "uses_left": "剩余次数", "redeemed_at": "核销时间"},
    **{
        "entry": "账本序号",
        "reversed_at": "撤销时间",
        "reversal_id": "撤销编号",
        "redemption_id": "核销编号",
    },
    **{"attempted_at": "扫码时间", "code": "原因代码", "is_preview": "仅查看", "region_id": "行政区划"},
    **{"attempt_id": "扫码编号", "kind": "类型", "complained_at": "投诉时间", "complained_on": "投诉日期"},
    **{
        "place": "当日第几次",
        "answer_due_at": "答复期限",
        "answered_at": "答复时间",
        "answered_by": "答复人编号",
    },
    **{
        "overdue_at": "逾期时间",
        "decided_at": "处理时间",
        "decided_by": "处理人编号",
        "decisions": "处理次数",
    },
    **{"upheld_at": "成立时间", "complaint_id": "投诉编号", "answer": "商户的答复", "decision": "处理意见"},
    **{"facts": "涉及的内容", "once_key": "事由", "noticed_at": "通知时间", "read_at": "已读时间"},
    **{
        "rotated_at": "最近使用",
        "expires_at": "到期时间",
        "revoked_at": "结束时间",
        "revoked_reason": "结束原因",
    },
    **{"format": "格式", "copied_at": "取走时间", "copied_on": "取走日期", "first_entry": "首次账本序号"},
    **{"first_day": "首次日期", "last_day": "最近日期", "recorded_at": "记录时间", "action": "动作"},
    **{"object_kind": "对象类型", "object_id": "对象编号", "media_type": "文件类型", "size": "大小（字节）"},
    **{"sha256": "摘要", "stored_at": "上传时间"},
    **{"decision_reason": "第二人的理由", "asked_at": "申请时间"},
    **{"about": "对象", "absorbed_id": "合并前的编号", "accepted": "还接受几条"},
    **{"active_at": "生效时间", "actor_id": "经办人编号", "actor_kind": "经办人"},
    **{"agent_id": "代办人编号", "agent_place": "代办人的名额", "begun_at": "开始填写时间"},
    **{"binding_id": "代办关系编号", "child_id": "孩子的编号", "closed_at": "办结时间"},
    **{"days": "提前天数", "declaration_id": "申报编号", "due_at": "期限"},
    **{"ended_because": "结束原因", "ends_at": "到期时间", "event": "事项"},
    **{"extended_at": "延期时间", "filed_at": "提出时间", "filed_by": "提出人编号"},
    **{"forwarded_at": "转送时间", "forwarded_by": "转送人编号", "given_by": "由谁同意"},
    **{"given_through": "同意时的渠道", "guardian_id": "监护人编号", "happened_at": "发生时间"},
    **{"happened_on": "日期", "hours": "小时数", "identity_id": "渠道身份编号"},
    **{"is_due_certain": "期限按法定节假日", "joined_at": "合并时间", "made_at": "建立时间"},
    **{"mapping_id": "互认编号", "may_forward": "同意转送", "next_try_at": "下次发送时间"},
    **{"notice_id": "通知编号", "objection_id": "异议编号", "principal_id": "被代办人编号"},
    **{"principal_place": "被代办人的名额", "recipient_member_id": "接收方编号", "recipient_name": "接收方"},
    **{"record_id": "记录编号", "refresh_at": "应重新查询的时间", "refusal": "不采纳的理由"},
    **{"refused_at": "暂不同意的时间", "requested_at": "申请时间", "shown_at": "出示时间"},
    **{"state": "状态", "submitted_at": "提交时间", "template": "消息种类"},
    **{"tried_at": "最近发送时间", "tries": "发送次数", "what": "出示的内容"},
}


class PageCopy:
    """For people. Everything that comes from outside is escaped."""

    def __init__(self) -> None:
        self._is_empty = True

    def begin(self, now: datetime) -> str:
        """The head."""
        made = now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        return (
            f'{HEAD}<h1>我的数据 <span class="en">My data</span></h1>\n<p>信惠联保存的关于您的全部信息，制作于 {made}'
            "（北京时间）。里面有您的姓名和证件号码，请妥善保管，不要转发。</p>\n"
            f'<p class="en">All that Xinyi Alliance keeps of you, made at {made}. It holds your name and ID number:'
            " keep it safe.</p>\n"
        )

    def open(self, entry: OwnData) -> str:
        """A section, up to its items."""
        self._is_empty = True
        lines = [f'<h2>{escape(entry.title[0])} <span class="en">{escape(entry.title[1])}</span></h2>']
        for name, label in ABOUT:
            zh, en = getattr(entry, name)
            lines.append(f'<p class="about">{label}：{escape(zh)} <span class="en">{escape(en)}</span></p>')
        return "\n".join(lines) + "\n"

    def item(self, values: Mapping[str, object]) -> str:
        """One row; what is empty is left out."""
        self._is_empty = False
        told = {name: value for name, value in values.items() if value is not None and value != ""}
        cells = (
            f"<dt>{escape(LABELS.get(name, name))}</dt><dd>{_text(value)}</dd>"
            for name, value in told.items()
        )
        return f"<dl>{''.join(cells)}</dl>\n"

    def close(self, is_complete: bool) -> str:
        """The section's end."""
        if self._is_empty:
            return '<p>没有。<span class="en">None.</span></p>\n'
        return (
            ""
            if is_complete
            else '<p>更多的请在“我的”里查看。<span class="en">The rest is under “Me”.</span></p>\n'
        )

    def end(self) -> str:
        """The page's end."""
        return "</body></html>\n"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return escape(str(value))

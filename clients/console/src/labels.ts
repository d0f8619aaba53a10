/** Words for the API's codes that several sections show. Codes of one section stay beside its pages. */
import { language } from '@shared/words'
import type { Words2 } from './sections'

type Tone = 'primary' | 'success' | 'warning' | 'danger' | 'info'

const LABELS = {
  admin_role: {
    reviewer: ['审核员', 'Reviewer'],
    operator: ['运营员', 'Operator'],
    auditor: ['审计员', 'Auditor'],
    head: ['负责人', 'Head'],
    supervisor: ['主管', 'Supervisor'],
  },
  staff_role: {
    owner: ['负责人', 'Owner'],
    manager: ['店长', 'Manager'],
    cashier: ['店员', 'Cashier'],
    device: ['扫码终端', 'Scanning device'],
  },
  member_kind: { merchant: ['诚信商家', 'Merchant'], public_unit: ['公共企事业单位', 'Public unit'] },
  member_status: { active: ['正常', 'Active'], suspended: ['已暂停', 'Suspended'], left: ['已退出', 'Left'] },
  category: {
    education: ['教育培训', 'Education'],
    tourism_shopping: ['旅游购物', 'Tourism and shopping'],
    home_services: ['家政服务', 'Home services'],
    elder_child_care: ['养老托育', 'Elder and child care'],
    transport: ['交通出行', 'Transport'],
    culture: ['文化体育', 'Culture and sport'],
    health: ['医疗健康', 'Health'],
    housing: ['住房租赁', 'Housing'],
  },
  application_state: {
    draft: ['草稿', 'Draft'],
    submitted: ['信用核查中', 'Credit check'],
    county_review: ['待县级审核', 'County review'],
    city_review: ['待市级审核', 'City review'],
    approved: ['已通过', 'Approved'],
    refused: ['未通过', 'Refused'],
    withdrawn: ['已撤回', 'Withdrawn'],
  },
  check_finding: {
    dishonest: ['列入失信名单', 'On the list of the dishonest'],
    grade_too_low: ['等级低于要求', 'Grade below what is asked'],
    no_grade: ['没有信用等级', 'No grade'],
    passed: ['符合要求', 'Good'],
    unavailable: ['信用平台没有答复', 'No answer from the credit platform'],
  },
  approval_kind: {
    tier_scheme: ['信用分档新版本', 'New version of a tier scheme'],
    tier_mapping: ['异地信用互认', 'Recognition of another place’s tiers'],
    white_list: ['加入白名单', 'White list entry'],
    uscc_override: ['放行统一社会信用代码', 'Credit code taken as it is'],
    coupon_revocation: ['作废优惠券', 'Revocation of coupons'],
    budget_raise: ['提高资金预算', 'Higher budget'],
    export: ['导出对账数据', 'Export of statements'],
    objection_extension: ['异议延期', 'More time for an objection'],
  },
  complaint_kind: {
    refused: ['拒绝兑现', 'Refused to honour'],
    wrong_amount: ['优惠金额不对', 'Wrong amount'],
    price_raised: ['先涨价后打折', 'Price raised first'],
    misleading: ['宣传不实', 'Misleading'],
    service: ['服务态度', 'Service'],
    other: ['其他', 'Other'],
  },
  complaint_status: {
    open: ['等商家答复', 'With the member'],
    answered: ['商家已答复', 'Answered'],
    overdue: ['商家逾期未答复', 'Member is late'],
    reopened: ['重新处理', 'Reopened'],
    upheld: ['投诉成立', 'Upheld'],
    dismissed: ['投诉不成立', 'Dismissed'],
    withdrawn: ['市民已撤回', 'Withdrawn'],
  },
  offer_status: {
    draft: ['草稿', 'Draft'],
    submitted: ['待审核', 'To review'],
    approved: ['已通过，待发布', 'Approved'],
    published: ['已发布', 'Published'],
    paused: ['已暂停', 'Paused'],
    ended: ['已结束', 'Ended'],
    withdrawn: ['已撤下', 'Withdrawn'],
  },
  suspension_cause: {
    grade: ['信用等级不达标', 'Grade too low'],
    dishonest_list: ['列入失信名单', 'On the list of the dishonest'],
    complaints: ['投诉过多', 'Too many complaints'],
    office: ['联盟办公室暂停', 'Suspended by the office'],
  },
  promise_outcome: { kept: ['践诺', 'Kept'], broken: ['失诺', 'Broken'] },
  promise_cause: {
    complaint: ['投诉', 'Complaint'],
    credit_check: ['信用核查', 'Credit check'],
    inspection: ['检查', 'Inspection'],
    office: ['联盟办公室登记', 'Recorded by the office'],
  },
  objection_kind: { objection: ['异议', 'Objection'], repair: ['信用修复', 'Repair'] },
  objection_status: {
    open: ['待答复', 'Waits for its answer'],
    forwarded: ['已转送信息提供单位', 'Passed on to its source'],
    upheld: ['异议成立', 'Upheld'],
    corrected: ['已更正或修复', 'Corrected'],
    dismissed: ['维持原记录', 'Dismissed'],
    withdrawn: ['已撤回', 'Withdrawn'],
  },
  objection_event: {
    file: ['提出', 'Filed'],
    add_evidence: ['补充材料', 'Evidence added'],
    forward: ['转送信息提供单位', 'Passed on to its source'],
    extend: ['办理期限延长', 'More time was given'],
    become_overdue: ['超过期限未答复', 'Not answered in time'],
    uphold: ['答复：异议成立', 'Answered: upheld'],
    correct: ['答复：已更正或修复', 'Answered: corrected'],
    dismiss: ['答复：维持原记录', 'Answered: dismissed'],
    withdraw: ['撤回', 'Withdrawn'],
  },
} as const satisfies Record<string, Record<string, Words2>>

const TONES: Record<string, Record<string, Tone>> = {
  member_status: { active: 'success', suspended: 'danger', left: 'info' },
  application_state: { submitted: 'primary', county_review: 'warning', city_review: 'warning', approved: 'success', refused: 'danger' },
  check_finding: { passed: 'success', unavailable: 'warning', dishonest: 'danger', grade_too_low: 'danger', no_grade: 'danger' },
  complaint_status: { open: 'primary', answered: 'warning', overdue: 'danger', reopened: 'warning', upheld: 'success' },
  promise_outcome: { kept: 'success', broken: 'danger' },
  objection_status: { open: 'warning', forwarded: 'primary', upheld: 'success', corrected: 'success' },
  offer_status: { submitted: 'warning', approved: 'primary', published: 'success', paused: 'danger' },
}

type Kind = keyof typeof LABELS

const pick = (both: Words2 | undefined, code: string): string => (both ? both[language.value === 'en' ? 1 : 0] : code)

/** The word for a code, or the code where a newer server has one that this console doesn't know. */
export function label(kind: Kind, code: string | null | undefined): string {
  if (!code) return '—'
  return pick((LABELS[kind] as Record<string, Words2>)[code], code)
}

/** Choices for a select, in the order above. */
export const choices = (kind: Kind): { value: string; label: string }[] =>
  Object.keys(LABELS[kind]).map((value) => ({ value, label: label(kind, value) }))

/** The colour of a tag for a code. */
export const tone = (kind: Kind, code: string): Tone => TONES[kind]?.[code] ?? 'info'

import { words } from '@shared/words'

export const causes = {
  grade: ['信用等级不达标', 'Grade too low'],
  dishonest_list: ['列入失信名单', 'On the list of the dishonest'],
  complaints: ['投诉过多', 'Too many complaints'],
  office: ['联盟办公室暂停', 'Suspended by the office'],
} as const

export const outcomes = { kept: ['践诺', 'Kept'], broken: ['失诺', 'Broken'] } as const

export const promiseCauses = {
  complaint: ['投诉', 'Complaint'],
  credit_check: ['信用核查', 'Credit check'],
  inspection: ['检查', 'Inspection'],
  office: ['联盟办公室登记', 'Recorded by the office'],
} as const

export const t = words({
  member: ['成员', 'Member'],
  standing: ['基本情况', 'Standing'],
  checks: ['信用核查', 'Credit checks'],
  promises: ['承诺践诺', 'Promises'],
  staff: ['人员', 'People'],
  status: ['状态', 'Status'],
  since: ['自 {day} 起', 'since {day}'],
  uscc: ['统一社会信用代码', 'Credit code'],
  kind: ['类型', 'Kind'],
  sector: ['领域', 'Sector'],
  region: ['地区', 'Region'],
  joined: ['加入日期', 'Joined'],
  minGrade: ['本地区最低信用等级', 'Lowest grade in this region'],
  suspensions: ['暂停记录', 'Suspensions'],
  neverSuspended: ['从未被暂停。', 'Never suspended.'],
  untilNow: ['至今', 'now'],
  grade: ['等级 {grade}，要求不低于 {min}', 'Grade {grade}, asked for {min}'],
  disputed: ['异议处理中', 'Disputed'],
  invited: ['待接受邀请', 'invited'],
  active: ['正常', 'active'],
  revoked: ['已停用', 'revoked'],
  recheck: ['立即复查信用', 'Check again now'],
  asked: ['已提交复查，结果稍后出现在“信用核查”中。', 'Asked for; the answer appears among the checks.'],
  suspend: ['暂停成员', 'Suspend'],
  suspendLead: [
    '暂停后，该成员的优惠立即停止领取；已领取的券仍可使用。成员会看到您写的原因。',
    'Claims stop at once; coupons that were claimed stay usable. The member reads your reason.',
  ],
  suspended: ['已暂停该成员。', 'The member is suspended.'],
  lift: ['解除暂停', 'Lift'],
  liftCause: ['解除暂停：{cause}', 'Lift: {cause}'],
  liftSure: [
    '解除“{name}”因“{cause}”的暂停？没有其他暂停原因时，成员恢复正常，其优惠重新开放领取。',
    'Lift the suspension of “{name}” for “{cause}”? Without another cause the member is active again, and its offers can be claimed.',
  ],
  lifted: ['已解除暂停。', 'The suspension is lifted.'],
  record: ['登记践诺或失诺', 'Record a promise'],
  recordLead: [
    '登记后不能修改，成员会看到。请写明依据，同一件事只登记一次。',
    'It can’t be changed afterwards, and the member reads it. Name what shows it; each thing is recorded once.',
  ],
  outcome: ['结果', 'Outcome'],
  cause: ['依据', 'What showed it'],
  causeId: ['依据编号', 'Its number'],
  causeIdHint: ['如检查记录号、投诉编号；只能用字母、数字和 _ . : -', 'Such as an inspection’s number; letters, digits and _ . : - only'],
  causeIdBad: ['请填写编号：1 至 64 个字母、数字或 _ . : -', 'Give the number: 1 to 64 letters, digits or _ . : -'],
  note: ['说明（可不填）', 'Note (may be left out)'],
  recorded: ['已登记。', 'Recorded.'],
  noStaff: ['还没有人员。', 'Nobody yet.'],
  revoke: ['停用', 'Revoke'],
  revokeOf: ['停用 {login}', 'Revoke {login}'],
  revokeSure: ['停用“{login}”？立即生效，不能恢复，其所有登录随即结束。', 'Revoke “{login}”? At once and for good; every session ends.'],
  revokeDone: ['已停用。', 'Revoked.'],
  freshLink: ['生成设置密码的链接', 'Make a link to set a password'],
  freshLinkOf: ['为 {login} 生成设置密码的链接', 'Make a link for {login} to set a password'],
  freshLinkSure: ['请先核实是“{login}”本人在求助。生成新链接后，之前的链接失效，本人打开链接设置新密码。', 'Make sure that it is “{login}” who asks. A new link ends the one before, and leads to a page to set a password.'],
  linkTitle: ['设置密码的链接', 'The link'],
  linkLead: ['请把链接交给 {login} 本人，或请本人用手机扫码。', 'Hand this link to {login}, or have it scanned with a phone.'],
  ownersAlone: ['联盟只为负责人重设密码；其他人员由本单位负责人重设。', 'The office helps owners alone; they let their own people in again.'],
})

import { words } from '@shared/words'

export const kindHints = {
  objection: ['记录不对，请求核实更正', 'The record is wrong and shall be corrected'],
  repair: ['记录没有错，但失信行为已改正，请求修复', 'The record was right, but things are mended now'],
} as const
/** A member's are about the last two; the API's word for word has all of them. */
export const abouts = {
  tier: ['信用等级', 'A tier'],
  lookup: ['信用查询', 'A lookup'],
  declaration: ['自主申报', 'A declaration'],
  organisation_check: ['信用核查结果', 'A credit check'],
  suspension: ['被暂停', 'A suspension'],
} as const

export const t = words({
  title: ['我的异议与信用修复', 'Objections and repairs'],
  lead: ['认为本单位的信用核查结果或暂停记录有误，可以提出异议；失信行为已改正的，可以申请信用修复。联盟在五个工作日内答复，处理期间该记录标明“异议处理中”。', 'Object to a credit check or a suspension that is wrong, or ask for repair of what was mended. It is answered within five working days, and the record says meanwhile that it is disputed.'],
  none: ['还没有提出过异议。', 'None yet.'],
  make: ['提出异议或申请修复', 'Object, or ask for repair'],
  filed: ['提出时间', 'Filed'],
  kind: ['类型', 'Kind'],
  about: ['针对', 'About'],
  due: ['答复期限', 'Answer by'],
  state: ['状态', 'State'],
  source: ['信息提供单位', 'Source'],
  own: ['联盟自己的记录', 'The alliance itself'],
  recordedAt: ['记录时间', 'Recorded'],
  dataDate: ['数据日期', 'As of'],
  text: ['提出的理由', 'What we say'],
  answer: ['联盟的答复', 'The alliance’s answer'],
  erased: ['内容已按规定删除', 'Erased'],
  facts: ['内容', 'Content'],
  evidence: ['材料', 'Evidence'],
  steps: ['办理过程', 'What happened'],
  newDue: ['期限 {day}', 'due {day}'],
  upload: ['上传证明材料（最多十份）', 'Send evidence (ten files at most)'],
  record: ['对哪条记录', 'Which record'],
  check: ['信用核查 {at} · {finding}', 'Credit check {at} · {finding}'],
  suspension: ['暂停 {at} · {cause}', 'Suspension {at} · {cause}'],
  disputed: ['异议处理中', 'disputed already'],
  noRecords: ['目前没有可以提出异议的记录。', 'There is no record to object to.'],
  write: ['理由（联盟和信息提供单位会看到，请不要写个人的姓名和证件号）', 'Why (the office and the source read it; write no names or numbers of persons)'],
  needed: ['请选择记录并写明理由。', 'Choose a record and say why.'],
  send: ['提出', 'File it'],
  sent: ['已提出，记录已标明“异议处理中”。可以继续上传材料。', 'Filed; the record says that it is disputed. You may send evidence now.'],
  withdraw: ['撤回', 'Withdraw'],
  withdrawSure: ['撤回这件异议？所写内容和材料随即删除，记录不再标明“异议处理中”。', 'Withdraw it? Its words and evidence are erased, and the record is no longer marked.'],
  withdrawn: ['已撤回。', 'Withdrawn.'],
})

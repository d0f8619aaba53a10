/** Words of the audit; what the audit itself says stays in its codes, beside which the word stands. */
import { language, words } from '@shared/words'

export const actorKinds = {
  admin: ['管理员', 'Admin'],
  staff: ['成员人员', 'Member’s staff'],
  citizen: ['市民', 'Citizen'],
  applicant: ['入盟申请人', 'Applicant'],
  system: ['系统', 'System'],
} as const

export const outcomes = { done: ['已完成', 'Done'], refused: ['被拒绝', 'Refused'] } as const

/** What a record is about, by the audit's code. */
const things: Record<string, readonly [string, string]> = {
  admin: ['管理员', 'Admin'],
  application: ['入盟申请', 'Application'],
  approval: ['审批事项', 'Approval'],
  audit: ['审计', 'Audit'],
  complaint: ['投诉', 'Complaint'],
  coupon: ['券', 'Coupon'],
  credit_batch: ['信用批次', 'Credit batch'],
  declaration: ['自主申报', 'Declaration'],
  device: ['扫码终端', 'Device'],
  export: ['导出', 'Export'],
  file: ['文件', 'File'],
  guardianship: ['监护关系', 'Guardianship'],
  import: ['导入', 'Import'],
  job: ['后台任务', 'Job'],
  member: ['成员', 'Member'],
  objection: ['异议', 'Objection'],
  offer: ['优惠', 'Offer'],
  promise: ['承诺践诺', 'Promise'],
  redemption: ['核销', 'Redemption'],
  region: ['地区', 'Region'],
  session: ['登录', 'Session'],
  staff: ['成员人员', 'Member’s staff'],
  statement: ['对账单', 'Statement'],
  store: ['门店', 'Store'],
  tier_mapping: ['异地等级互认', 'Tier mapping'],
  tier_scheme: ['等级方案', 'Tier scheme'],
  webhook: ['推送地址', 'Webhook'],
  white_list: ['白名单', 'White list'],
}
export const thing = (code: string): string => things[code]?.[language.value === 'en' ? 1 : 0] ?? code
export const thingChoices = (): { value: string; label: string }[] =>
  Object.keys(things).map((value) => ({ value, label: `${thing(value)}（${value}）` }))

export const checkWords = {
  root: ['由这条记录逐级计算哈希，得到的根与封存中的根相同', 'Hashing up from this record gives the seal’s root'],
  range: ['记录的序号在该封存的范围之内', 'The record’s number lies within the seal'],
  published: ['证明中的封存与对外公布的同号封存逐项相同', 'The proof’s seal equals the published one, field by field'],
  signature: ['封存的 Ed25519 签名有效', 'The seal’s Ed25519 signature is good'],
  screen: ['本页显示的内容与被封存的那一行相同', 'What this page shows is what was sealed'],
} as const

export const t = words({
  title: ['审计记录', 'Audit'],
  lead: [
    '谁在何时对什么做了什么。记录一分钟内封存并公布，任何人都能核对是否被改动；其中只有编号和代码，没有姓名和证件号。',
    'Who did what to which thing, and when. Records are sealed and published within a minute, so that anybody can tell whether they were changed; they hold ids and codes, no names.',
  ],
  actorId: ['操作者编号', 'Id of who did it'],
  action: ['操作（按开头匹配，如 offer.）', 'Action (how it begins, e.g. offer.)'],
  objectKind: ['对象类型', 'Kind of thing'],
  objectId: ['对象编号', 'Id of the thing'],
  outcome: ['结果', 'Outcome'],
  from: ['起（含当日）', 'From (included)'],
  to: ['止（不含当日）', 'To (not included)'],
  at: ['时间', 'Time'],
  actor: ['操作者', 'Who'],
  doing: ['操作', 'Action'],
  object: ['对象', 'Thing'],
  region: ['地区', 'Region'],
  exportJsonl: ['导出（含证明，可核验）', 'Export with proofs'],
  exportCsv: ['导出表格', 'Export a table'],
  exportNote: ['按当前查询条件导出；导出本身也会记入审计。', 'What was searched for is exported; the export itself is in the audit.'],
  record: ['审计记录', 'Audit record'],
  entry: ['序号', 'Number'],
  id: ['记录编号', 'Record id'],
  request: ['请求编号', 'Request'],
  before: ['变更前', 'Before'],
  after: ['变更后', 'After'],
  sameActor: ['此人的全部记录', 'All of this actor'],
  sameObject: ['此对象的全部记录', 'All about this thing'],
  revokeCoupon: ['提请作废这张券', 'Ask for this coupon to be revoked'],
  checkTitle: ['核对封存', 'Check against the seal'],
  checkLead: [
    '在您的浏览器里重新计算哈希，并与对外公布的封存比较，不依赖服务器的说法。',
    'The hashes are computed in your own browser and compared with the published seals; the server’s word is not taken.',
  ],
  check: ['核对这条记录', 'Check this record'],
  proofFile: ['下载证明', 'Download the proof'],
  good: ['与已公布的封存一致 ✓', 'As in the published seal ✓'],
  bad: ['与已公布的封存不一致 ✗', 'NOT as in the published seal ✗'],
  badNext: ['请保留这份证明，不要再改动数据，并立即报告省级负责人和技术人员。', 'Keep this proof, change nothing, and report it at once to the province’s head and to technical support.'],
  compared: ['比较了什么', 'What was compared'],
  yes: ['一致', 'good'],
  no: ['不一致', 'wrong'],
  cannot: ['此浏览器不支持，未核对', 'this browser can’t, not checked'],
  seal: ['封存', 'Seal'],
  sealLine: ['第 {number} 号，含序号 {first}–{last} 共 {records} 条，{at} 封存', 'Number {number}, entries {first}–{last}, {records} records, sealed {at}'],
  root: ['根', 'Root'],
  key: ['签名公钥', 'Public key'],
  leaf: ['叶（57 字节）', 'Leaf (57 bytes)'],
  insecure: [
    '此页面没有通过 https 打开，浏览器不提供加密运算，无法在这里核对。请用 https 地址打开，或按“封存核对”中的说明用程序核对。',
    'This page was not opened over https, so the browser offers no cryptography. Use the https address, or check by program as “Check the seals” says.',
  ],
  unreadable: ['这不是一份能读懂的证明。请选择从本系统下载的证明文件，不要改动其中的内容。', 'This is no proof that can be read. Choose a proof file as it was downloaded, unchanged.'],
  unsealed: ['找不到这份证明所说的封存。记录刚产生时请一分钟后再试；否则请把证明交给技术人员。', 'The seal that the proof names is not among the published ones. If the record is new, try again in a minute; otherwise hand the proof to technical support.'],
})

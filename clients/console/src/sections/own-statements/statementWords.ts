import { words } from '@shared/words'

export const states = { open: ['本月进行中', 'Running'], closed: ['待确认', 'To be confirmed'], confirmed: ['已确认', 'Confirmed'], disputed: ['有异议', 'Disputed'], settled: ['已结清', 'Settled'] } as const
export const stateTones = { open: 'info', closed: 'warning', confirmed: 'primary', disputed: 'danger', settled: 'success' } as const
export const lineKinds = { redemption: ['核销', 'Redemption'], reversal: ['撤销', 'Reversal'], adjustment: ['调整', 'Adjustment'] } as const

export const t = words({
  title: ['对账单', 'Statements'],
  lead: ['每月一份，列出优惠金额和各方承担。月底封账后请核对并确认；有出入的提出异议，由联盟办公室处理。', 'One a month, with the discounts and who bears them. Once closed, confirm it, or dispute it with a reason.'],
  period: ['月份', 'Month'],
  count: ['核销 / 撤销', 'Redeemed / undone'],
  discount: ['优惠合计', 'Discounts'],
  memberFen: ['本单位承担', 'Borne by us'],
  publicFen: ['公共单位承担', 'Public unit'],
  allianceFen: ['联盟承担', 'Alliance'],
  state: ['状态', 'State'],
  sums: ['分店分优惠', 'By store and offer'],
  lines: ['明细', 'Lines'],
  facts: ['概要', 'Summary'],
  store: ['门店', 'Store'],
  offer: ['优惠', 'Offer'],
  at: ['时间', 'Time'],
  kind: ['类型', 'Kind'],
  order: ['订单金额', 'Order'],
  closedAt: ['封账时间', 'Closed'],
  dispute: ['提出的异议', 'Dispute'],
  rejection: ['异议未采纳的原因', 'Why it was rejected'],
  settled: ['结清', 'Settled'],
  confirm: ['确认对账单', 'Confirm'],
  confirmSure: ['确认 {period} 的对账单？优惠合计 {sum}，其中本单位承担 {own}。确认后不能再提异议。', 'Confirm {period}? Discounts {sum}, borne by you {own}. It can’t be disputed afterwards.'],
  confirmDone: ['已确认。', 'Confirmed.'],
  disputeDo: ['提出异议', 'Dispute'],
  disputeLead: ['请写明哪一天、哪家店、差多少。联盟办公室核查后调整或答复。', 'Say which day, which store and how much. The alliance office adjusts it or answers.'],
  disputeDone: ['已提出异议。', 'Disputed.'],
  csv: ['下载 CSV', 'Download CSV'],
  xlsx: ['下载 Excel', 'Download Excel'],
  running: ['本月还在进行，数字会继续变化；下月初封账后可以确认。', 'The month is running; it can be confirmed once closed.'],
  noLines: ['没有明细。', 'No lines.'],
})

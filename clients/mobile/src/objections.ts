/** What the three screens of objections share. */
import type { Answer } from '@shared/api'
import { words } from '@shared/words'

export type Objection = Answer<'get', '/me/objections'>['items'][number]
export type Step = Answer<'get', '/me/objections/{objection_id}'>['steps'][number]

const abouts = words({
  tier: ['信用等级', 'The credit tier'],
  lookup: ['一次信用查询', 'A look-up'],
  declaration: ['自主申报的结果', 'A refused declaration'],
  organisation_check: ['单位的信用核查', 'A check of the organisation'],
  suspension: ['暂停资格', 'A suspension'],
})
const kinds = words({ objection: ['异议', 'Objection'], repair: ['信用修复', 'Repair'] })
const statuses = words({
  open: ['联盟办公室在核实', 'The office looks into it'],
  forwarded: ['已转信用信息来源核实', 'Passed on to the credit source'],
  upheld: ['异议成立', 'Upheld'],
  corrected: ['已更正', 'Corrected'],
  dismissed: ['异议不成立', 'Not upheld'],
  withdrawn: ['您已撤回', 'Withdrawn by you'],
})
const events = words({
  file: ['您提出', 'Filed by you'],
  add_evidence: ['您补充材料', 'Evidence added by you'],
  forward: ['转信用信息来源核实', 'Passed on to the credit source'],
  extend: ['经批准延长期限', 'Extended, with an approval'],
  become_overdue: ['超过期限，已督办', 'Overdue; the next office was told'],
  uphold: ['认定成立', 'Upheld'],
  correct: ['更正完成', 'Corrected'],
  dismiss: ['认定不成立', 'Not upheld'],
  withdraw: ['您撤回', 'Withdrawn by you'],
})

export const aboutWord = (each: Pick<Objection, 'about' | 'kind'>): string => `${kinds[each.kind]} · ${abouts[each.about]}`
export const statusWord = (status: Objection['status']): string => statuses[status]
export const eventWord = (event: Step['event']): string => events[event]

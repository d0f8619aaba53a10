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
} as const satisfies Record<string, Record<string, Words2>>

const TONES: Record<string, Record<string, Tone>> = {
  member_status: { active: 'success', suspended: 'danger', left: 'info' },
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

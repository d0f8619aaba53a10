/** Collects the sections: each folder's `index.ts` exports one `Section`, and nothing else has to be told about it. */
import type { RouteRecordRaw } from 'vue-router'
import type { Right } from '@/rights'

/** Chinese first, English second. */
export type Words2 = readonly [zh: string, en: string]

export const GROUPS = {
  work: ['工作台', 'Work'],
  members: ['成员', 'Members'],
  offers: ['优惠', 'Offers'],
  citizens: ['市民事务', 'Citizens'],
  credit: ['信用', 'Credit'],
  statements: ['对账', 'Statements'],
  numbers: ['数据', 'Figures'],
  audit: ['审计', 'Audit'],
  system: ['系统', 'System'],
  /** What a member's owner has to do. */
  own: ['本单位', 'My organisation'],
} as const satisfies Record<string, Words2>

export interface MenuEntry {
  group: keyof typeof GROUPS
  /** Place inside its group, the smallest first. */
  order: number
  /** Name of the route. */
  to: string
  label: Words2
  /** Shown to whom has it; to everybody of the audience without one. */
  may?: Right
  /** The alliance office without one. */
  audience?: 'admin' | 'member'
}

export interface Section {
  routes: RouteRecordRaw[]
  menu: MenuEntry[]
}

const found = import.meta.glob<Section>('./*/index.ts', { eager: true, import: 'section' })

export const sections: readonly Section[] = Object.values(found)

/** What the two screens of self-declared records share. */
import type { Answer } from '@shared/api'
import { words } from '@shared/words'

export type Declaration = Answer<'get', '/me/declarations'>['items'][number]

const t = words({
  volunteer_hours: ['志愿服务', 'Voluntary service'],
  honour: ['荣誉表彰', 'An honour'],
  draft: ['草稿，还没有提交', 'Draft, not sent yet'],
  submitted: ['已提交，等办公室核实', 'Sent; the office looks at it'],
  accepted: ['已通过', 'Accepted'],
  refused: ['没有通过', 'Refused'],
  ended: ['已过有效期', 'No longer valid'],
})

export const KINDS: readonly Declaration['kind'][] = ['volunteer_hours', 'honour']
export const kindWord = (kind: Declaration['kind']): string => t[kind]
export const statusWord = ({ status, is_valid }: Declaration): string => (status === 'accepted' && !is_valid ? t.ended : t[status])

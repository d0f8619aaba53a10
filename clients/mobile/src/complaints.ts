/** What the three screens of complaints share. */
import type { Answer, BodyOf } from '@shared/api'
import { words } from '@shared/words'

export type Complaint = Answer<'get', '/me/complaints'>['items'][number]
export type ComplaintKind = BodyOf<'post', '/me/complaints'>['kind']

export const KINDS: readonly ComplaintKind[] = ['refused', 'wrong_amount', 'price_raised', 'misleading', 'service', 'other']

const t = words({
  refused: ['店里不让用', 'The shop refused it'],
  wrong_amount: ['优惠金额不对', 'The amount was wrong'],
  price_raised: ['先涨价再打折', 'The price was raised first'],
  misleading: ['和说的不一样', 'Not as promised'],
  service: ['服务态度不好', 'Bad service'],
  other: ['其他问题', 'Something else'],
  open: ['等商家答复', 'Waiting for the shop'],
  answered: ['商家已答复，等联盟办公室处理', 'Answered; the alliance office decides next'],
  overdue: ['商家没有按时答复，联盟办公室在处理', 'Not answered in time; the alliance office looks at it'],
  upheld: ['投诉成立', 'Upheld'],
  dismissed: ['投诉不成立', 'Not upheld'],
  reopened: ['重新处理中', 'Looked at again'],
  withdrawn: ['您已撤回', 'Withdrawn by you'],
})

export const kindWord = (kind: ComplaintKind): string => t[kind]
export const statusWord = (status: Complaint['status']): string => t[status]

const CLOSED: readonly Complaint['status'][] = ['upheld', 'dismissed', 'withdrawn']
export const isClosed = (complaint: Complaint): boolean => CLOSED.includes(complaint.status)

/** What the two screens of the inbox share. */
import type { Answer } from '@shared/api'
import { language, words } from '@shared/words'

export type Notice = Answer<'get', '/me/notices'>['items'][number]

const t = words({
  coupon: ['看这张券', 'See the coupon'],
  offer: ['看这个优惠', 'See the offer'],
  complaint: ['看这件投诉', 'See the complaint'],
  objection: ['看这件异议', 'See the objection'],
})
const SCREENS = {
  coupon: '/pages/coupons/one',
  offer: '/pages/offers/one',
  complaint: '/pages/complaints/one',
  objection: '/pages/objections/one',
} as const

export const noticeText = (notice: Notice): string => (language.value === 'en' ? notice.text_en : notice.text_zh)

/** The screen of what a notice is about, and what the way there is called. */
export function wayOf(notice: Notice): { name: string; url: string } | null {
  const { about } = notice
  if (!about || about.kind === 'webhook') return null
  return { name: t[about.kind], url: `${SCREENS[about.kind]}?id=${about.id}` }
}

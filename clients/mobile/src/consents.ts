/** What consents are called and say in short; the server has their texts in Chinese alone, and these are what binds. */
import type { Answer } from '@shared/api'
import { language, words } from '@shared/words'

export type Purpose = Answer<'get', '/consents'>['items'][number]['purpose']

const names = words({
  credit_check: ['信用查询授权书', 'Credit check'],
  member_sharing: ['向商家出示姓名授权书', 'Showing my name to a shop'],
  notices: ['服务通知授权书', 'Service messages'],
  guardianship: ['儿童个人信息处理监护人授权书', 'A guardian’s consent for a child under 14'],
})
const gists = words({
  credit_check: [
    '',
    'In short: your credit tier may be looked up on the public credit platform, only to tell which benefits you may claim. Nobody else sees it, and you can read who looked it up, when and why. The log is kept for ten years.',
  ],
  member_sharing: [
    '',
    'In short: when you use a coupon at this shop, the clerk who scans it sees your masked name (such as *小明) and nothing else, to check that it is you. Each time is on record for you to read.',
  ],
  notices: [
    '',
    'In short: messages about your coupons, complaints and objections come through the channel that you sign in with, one for each time that you agree. No advertisements.',
  ],
  guardianship: [
    '',
    'In short: the child’s name and ID number and your proof are used to check that you are the guardian, so that you can claim and use benefits for the child until the 14th birthday. An official of the county that you choose sees them masked, with your proof; shops see nothing.',
  ],
})

/** What a consent is called: in Chinese as its text in force is. */
export const consentName = (purpose: Purpose, title: string): string => (language.value === 'en' ? (names[purpose] ?? title) : title)

/** What stands before the Chinese text; empty in Chinese. */
export const consentGist = (purpose: Purpose): string => gists[purpose] ?? ''

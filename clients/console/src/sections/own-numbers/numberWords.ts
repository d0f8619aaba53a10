import { words } from '@shared/words'

export const t = words({
  title: ['经营数据', 'Figures'],
  lead: [
    '本单位优惠的浏览、领取、核销和到店顾客。只有合计，不含任何市民的身份；数据有几秒延迟，金额单位为元。',
    'What your offers brought: views, claims, redemptions, customers. Sums only, never a citizen; some seconds old, money in yuan.',
  ],
  from: ['开始日期', 'From'],
  to: ['结束日期（含）', 'To (included)'],
  empty: ['这段时间没有数据。请换一段日期；还没有优惠的，先到“优惠”里申报。', 'No figures for these days. Choose other days; without an offer, write one first.'],
  noStores: ['这段时间各门店没有核销。', 'No store redeemed anything in these days.'],

  byStore: ['各门店', 'By store'],
  byStoreLead: ['按核销次数从多到少。浏览和领取不属于哪一家店，所以这里没有。', 'Most redemptions first. Views and claims belong to no store, so they aren’t here.'],
  store: ['门店', 'Store'],
  byOffer: ['各优惠', 'By offer'],
  byOfferLead: ['按核销次数从多到少。', 'Most redemptions first.'],
  offer: ['优惠', 'Offer'],
})

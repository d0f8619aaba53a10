import { words } from '@shared/words'

export const t = words({
  title: ['数据概览', 'Figures'],
  lead: ['本地区及下级的浏览、领取、核销与经费。数据有几秒延迟；金额单位为元。', 'Views, claims, redemptions and money of your region and below; some seconds old, money in yuan.'],
  from: ['开始日期', 'From'],
  to: ['结束日期（含）', 'To (included)'],
  region: ['地区', 'Region'],

  byRegion: ['各地区', 'By region'],
  byRegionLead: ['下一级地区，按核销次数从多到少。', 'The next level below, most redemptions first.'],
  byField: ['各领域', 'By field'],
  byFieldLead: ['按“信易+”产品，核销次数从多到少。', 'By programme, most redemptions first.'],
  field: ['领域', 'Field'],

  refusals: ['没有核销成功的原因', 'Why scans were refused'],
  refusalsLead: ['包括店员查看时就被拒绝的，和伪造、损坏的券码；还没输完金额不算。共 {n} 次。', 'Refusals when the clerk only looked are included, and forged and damaged codes; an amount that was not keyed yet is none. {n} in all.'],
  reason: ['原因', 'Reason'],
  times: ['次数', 'Times'],
  noRefusals: ['这段时间没有被拒绝的扫码。', 'No scan was refused in these days.'],

  budgets: ['预算使用', 'Budgets'],
  budgetsLead: ['设了预算的优惠，新的在前；“已占用”含已领未用的券。', 'Offers that have a budget, newest first; what coupons hold counts as taken.'],
  offer: ['优惠', 'Offer'],
  member: ['成员', 'Member'],
  budget: ['预算', 'Budget'],
  reserved: ['已占用', 'Taken'],
  spent: ['所选日期花费', 'Spent in these days'],
  taken: ['占用比例', 'Share taken'],
  budgetYuan: ['预算（元）', 'Budget (yuan)'],
  reservedYuan: ['已占用（元）', 'Taken (yuan)'],
  spentYuan: ['所选日期花费（元）', 'Spent in these days (yuan)'],
  noBudgets: ['这个地区没有设预算的优惠。', 'No offer of this region has a budget.'],

  complaints: ['投诉', 'Complaints'],
  complaintsLead: ['所选日期内提出的投诉，状态为现在的状态。共 {n} 件。', 'Made in these days, with the state of today. {n} in all.'],
  kind: ['类型', 'Kind'],
  status: ['状态', 'State'],
  number: ['件数', 'Number'],
  noComplaints: ['这段时间没有投诉。', 'No complaints in these days.'],

  members: ['成员', 'Members'],
  membersLead: ['现在的数量，不受日期影响。共 {n} 家。', 'As they are now, whatever the days. {n} in all.'],
  membersNumber: ['数量', 'Number'],
  noMembers: ['这个地区还没有成员。', 'No members in this region yet.'],

  previous: ['上一页', 'Previous'],
  next: ['下一页', 'Next'],
  pager: ['预算翻页', 'Pages of budgets'],
})

const REFUSALS = words({
  amount_required: ['没有输入订单金额', 'No order amount typed'],
  already_redeemed: ['券已经用完', 'Already used up'],
  below_threshold: ['未到使用门槛', 'Below the threshold'],
  busy: ['人多，没有办成', 'Too busy'],
  code_expired: ['券码过期（如截图）', 'Code expired, as of a screenshot'],
  code_forged: ['券码无效', 'Forged code'],
  code_malformed: ['不是信惠联的券码', 'Not one of our codes'],
  code_used: ['券码已用过', 'Code used before'],
  coupon_expired: ['券已到期', 'Coupon expired'],
  coupon_not_yet_valid: ['券还没有生效', 'Coupon not yet valid'],
  coupon_revoked: ['券已退回或作废', 'Coupon given back or revoked'],
  daily_use_reached: ['当天使用次数已满', 'Daily limit reached'],
  not_enough_uses: ['剩余次数不够', 'Not enough uses left'],
  outside_hours: ['不在可用时间', 'Outside the hours'],
  own_coupon: ['核销自己的券', 'One’s own coupon'],
  store_not_allowed: ['这家店不能用', 'Not in this store'],
})

/** A word for a refusal's code; the code itself where the server has a newer one. */
export const refusalWord = (code: string): string => (REFUSALS as Readonly<Record<string, string>>)[code] ?? code

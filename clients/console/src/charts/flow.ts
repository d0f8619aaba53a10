/** The steps from views to customers: what the alliance and a member see of them, each of its own part. */
import type { Answer } from '@shared/api'
import { exactYuan } from '@shared/money'
import { words } from '@shared/words'
import { grouped } from './figures'
import type { Column } from './FigureCard.vue'

/** Of `/admin/numbers` and `/member/numbers` alike. */
export type Flow = Answer<'get', '/member/numbers'>
export type Line = Flow['items'][number]

export const t = words({
  flow: ['从浏览到核销', 'From views to redemptions'],
  flowLead: [
    '每一步有多少次，以及占上一步的比例。新客是第一次到这个成员核销的人，老客是以前核销过又来的；同一人一天只算一次。',
    'How often each step was taken, and its share of the step before. A new customer redeems at this member for the first time ever; each person counts once a day.',
  ],
  step: ['环节', 'Step'],
  count: ['次数', 'Count'],
  ofBefore: ['占上一步', 'Of the step before'],
  views: ['浏览', 'Views'],
  claims: ['领取', 'Claims'],
  givenBack: ['退回', 'Given back'],
  redemptions: ['核销', 'Redemptions'],
  reversals: ['撤销核销', 'Reversals'],
  newOnes: ['新客到店', 'New customers'],
  returning: ['老客到店', 'Returning customers'],
  discount: ['让利金额', 'Discount'],
  discountYuan: ['让利金额（元）', 'Discount (yuan)'],
  reversedYuan: ['撤销金额（元）', 'Taken back (yuan)'],
  daily: ['每日走势', 'By day'],
  dailyLead: ['没有动静的日子不在表里；撤销计入撤销当天。', 'Days on which nothing happened aren’t in the table; a reversal counts on its own day.'],
  day: ['日期', 'Day'],
})

export const named = (line: Line): string => line.name ?? line.key

const columns = (heads: readonly string[]): Column[] => heads.map((label, place) => ({ label, isNumber: place > 0 }))
const ofStore = (line: Line) => [line.redemptions, line.reversals, line.new_customers, line.returning_customers]
const ofAll = (line: Line) => [line.views, line.claims, line.given_back, ...ofStore(line)]

/** The table of one cut: its columns, its cells as people read them, and as the file has them; `first` heads the names.
 *
 * Views and claims belong to no store.
 */
export function tableOf(first: string, lines: readonly Line[], isByStore = false) {
  const counts = isByStore ? ofStore : ofAll
  const heads = [t.redemptions, t.reversals, t.newOnes, t.returning, t.discountYuan, t.reversedYuan]
  return {
    columns: columns([first, ...(isByStore ? [] : [t.views, t.claims, t.givenBack]), ...heads]),
    rows: lines.map((line) => [named(line), ...counts(line).map(grouped), exactYuan(line.discount_fen), exactYuan(line.reversed_fen)]),
    fileRows: lines.map((line) => [named(line), ...counts(line), line.discount_fen / 100, line.reversed_fen / 100]),
  }
}

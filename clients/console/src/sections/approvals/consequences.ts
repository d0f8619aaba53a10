/** What exactly happens if a request is agreed to: a sentence, its figures, and where the thing itself can be read. */
import type { RouteLocationRaw } from 'vue-router'
import type { Answer } from '@shared/api'
import { exactYuan } from '@shared/money'
import { minute } from '@shared/times'
import { fill, words } from '@shared/words'
import { regionName } from '@/regions'

export type Approval = Answer<'get', '/admin/approvals'>['items'][number]

export interface Band {
  code: string
  name: string
  level: number
  scores: string
}
export interface Consequence {
  sentence: string
  facts: [name: string, value: string][]
  bands?: Band[]
  to?: { label: string; place: RouteLocationRaw }
}

const t = words({
  scheme: ['“{name}”（{code}）的新版本将公布，自 {at} 起按新分档计算；之前取得的等级不变。', 'The new version of “{name}” ({code}) is announced and counts from {at}. Tiers taken before stay as they are.'],
  mapping: ['将互认{place}的“{name}”：{from} 起至 {until}（不含）止，有效期 {days} 天。', '“{name}” of {place} is recognised from {from} up to but without {until}, each tier for {days} days.'],
  mappingEnd: ['互认将提前结束，{until} 起不再认可；之前取得的等级仍有效。', 'The mapping ends sooner and does not count from {until} on. Tiers taken before stay valid.'],
  white: ['{uscc} 将列入{region}白名单：下次核查起等级不作要求。列入失信名单的单位不因此放行。', '{uscc} comes on the white list of {region}: no grade is asked for from its next check on. It never helps whoever is on the list of the dishonest.'],
  uscc: ['校验位不符的代码 {uscc} 将按原样采用，申请继续信用核查。', 'The code {uscc} is taken in spite of its check digit, and the credit check goes on.'],
  coupon: ['1 张优惠券将作废，持券市民会收到原因。不能恢复。', 'One coupon is revoked and its holder told why. It can’t be undone.'],
  coupons: ['该优惠此刻之前领取、尚未使用的优惠券将全部作废（提请时 {n} 张），市民会收到原因。不能恢复。', 'All coupons of this offer that were claimed and not used are revoked ({n} when it was asked for), and citizens are told why. It can’t be undone.'],
  budget: ['资金预算由 {from} 调整为 {to}，立即生效。', 'The budget goes from {from} to {to} at once.'],
  none: ['不设预算', 'no budget'],
  export: ['将生成 {region} {period} 的对账数据文件（{format}），由提请人下载，一周后删除。', 'A file of the statements of {region} for {period} ({format}) is made for whoever asked; it is deleted after a week.'],
  extension: ['这件异议的答复期限将延长至自提出之日起共 {n} 个工作日，当事人会收到通知。只能延长一次。', 'This objection gets {n} working days in all from its filing, and whoever filed it is told. That is possible once.'],
  grace: ['缓冲分数', 'Grace points'],
  validity: ['有效期（天）', 'Valid (days)'],
  notice: ['公告期（天）', 'Notice (days)'],
  refresh: ['更新间隔（天）', 'Taken anew after (days)'],
  explanation: ['说明', 'Explanation'],
  agreement: ['互认协议', 'Agreement'],
  offer: ['查看优惠', 'Open the offer'],
  application: ['查看申请', 'Open the application'],
  objection: ['查看异议', 'Open the objection'],
  other: ['将执行下列内容。', 'The following is carried out.'],
})

const text = (value: unknown) => (value === null || value === undefined ? '—' : typeof value === 'object' ? JSON.stringify(value) : String(value))
const money = (value: unknown) => (typeof value === 'number' ? exactYuan(value) : t.none)

function bandsOf(value: unknown): Band[] {
  if (!Array.isArray(value)) return []
  return value.map((each: Record<string, unknown>) => ({
    code: text(each['code']),
    name: text(each['name']),
    level: Number(each['level']),
    scores: each['low'] === null || each['low'] === undefined ? '—' : `${text(each['low'])} – ${text(each['high'])}`,
  }))
}

/** By kind; one that this console doesn't know is shown as it is, never hidden. */
export function consequenceOf(approval: Approval): Consequence {
  const d = approval.details as Record<string, unknown>
  switch (approval.kind) {
    case 'tier_scheme':
      return {
        sentence: fill(t.scheme, { name: text(d['name']), code: text(d['code']), at: minute(text(d['effective_from'])) }),
        facts: [
          [t.grace, text(d['grace_points'])],
          [t.validity, text(d['validity_days'])],
          [t.notice, text(d['notice_days'])],
          [t.refresh, text(d['refresh_days'])],
          [t.explanation, text(d['explanation'])],
        ],
        bands: bandsOf(d['bands']),
      }
    case 'tier_mapping':
      if (d['what'] === 'end') return { sentence: fill(t.mappingEnd, { until: text(d['effective_until']) }), facts: [] }
      return {
        sentence: fill(t.mapping, {
          place: text(d['place']),
          name: text(d['scheme_name']),
          from: text(d['effective_from']),
          until: text(d['effective_until']),
          days: text(d['validity_days']),
        }),
        facts: [[t.agreement, text(d['agreement'])]],
        bands: bandsOf(d['tiers']),
      }
    case 'white_list':
      return { sentence: fill(t.white, { uscc: text(d['uscc']), region: regionName(text(d['region'])) }), facts: [] }
    case 'uscc_override':
      return {
        sentence: fill(t.uscc, { uscc: text(d['uscc']) }),
        facts: [],
        to: { label: t.application, place: { name: 'application', params: { id: text(d['application_id']) } } },
      }
    case 'coupon_revocation':
      if (!d['offer_id']) return { sentence: t.coupon, facts: [] }
      return { sentence: fill(t.coupons, { n: text(d['coupons']) }), facts: [], to: offer(d['offer_id']) }
    case 'budget_raise':
      return { sentence: fill(t.budget, { from: money(d['from_fen']), to: money(d['to_fen']) }), facts: [], to: offer(d['offer_id']) }
    case 'export':
      return {
        sentence: fill(t.export, { region: regionName(text(d['region'])), period: text(d['period']).slice(0, 7), format: text(d['format']).toUpperCase() }),
        facts: [],
      }
    case 'objection_extension':
      return {
        sentence: fill(t.extension, { n: text(d['working_days']) }),
        facts: [],
        to: { label: t.objection, place: { name: 'objections', params: { id: text(d['objection_id']) } } },
      }
    default:
      return { sentence: t.other, facts: Object.entries(d).map(([name, value]) => [name, text(value)]) }
  }
}

const offer = (id: unknown) => ({ label: t.offer, place: { name: 'offer', params: { id: text(id) } } })

/**
 * What may wait for an admin: each block reads its own lists and says how many wait, which are the oldest, and where to go.
 *
 * The API has no counters of these; a list's first page is counted, and "50+" is said where it has another one.
 */
import { day } from '@shared/times'
import { api } from '@/api'
import type { Words2 } from '..'
import { isOfProvince, who } from '@/session'
import { complaints, guardianships, objections } from './citizensWaiting'
import { block, oldest, seen, since, MOST, type Block, type Found } from './found'

async function applications(): Promise<Found> {
  const region = who.value?.region ?? ''
  // Who reviews when: a county its own applications, a city those that counties passed on, the province any.
  const states = isOfProvince() ? (['county_review', 'city_review'] as const) : ([region.endsWith('00') ? 'city_review' : 'county_review'] as const)
  const [checking, ...pages] = await Promise.all(
    (['submitted', ...states] as const).map((state) => api.get('/admin/member-applications', { query: { state, limit: MOST } })),
  )
  const labels: Record<string, Words2> = { county_review: ['待县级审核', 'County review'], city_review: ['待市级审核', 'City review'] }
  return {
    counts: [
      ...pages.map((page, place) => ({
        ...seen(page),
        label: labels[states[place] ?? ''] ?? ['待审核', 'To review'],
        to: { name: 'applications', query: { state: states[place] ?? '' } },
      })),
      { ...seen(checking), label: ['信用核查中', 'Credit check'] as const, isQuiet: true, to: { name: 'applications', query: { state: 'submitted' } } },
    ],
    items: oldest(pages.flatMap((page) => page.items), (each) => each.begun_at).map((each) => ({
      id: each.id,
      title: each.name,
      note: since(each.submitted_at ?? each.begun_at),
      to: { name: 'application', params: { id: each.id } },
    })),
  }
}

async function offers(): Promise<Found> {
  const [submitted, approved] = await Promise.all(
    (['submitted', 'approved'] as const).map((state) => api.get('/admin/offer-versions', { query: { state, limit: MOST } })),
  )
  return {
    counts: [
      { ...seen(submitted), label: ['版本待审核', 'Versions to review'], to: { name: 'offer-versions', query: { state: 'submitted' } } },
      { ...seen(approved), label: ['已通过，待发布', 'Approved, to publish'], act: 'offer.publish', to: { name: 'offer-versions', query: { state: 'approved' } } },
    ],
    items: oldest(submitted?.items ?? [], (each) => each.submitted_at ?? '').map((each) => ({
      id: `${each.offer_id}/${each.number}`,
      title: each.title,
      note: since(each.submitted_at),
      to: { name: 'offer', params: { id: each.offer_id }, query: { via: 'review' } },
    })),
  }
}

async function approvals(): Promise<Found> {
  const page = await api.get('/admin/approvals', { query: { status: 'open', limit: MOST } })
  const own = page.items.filter((each) => each.asked_by === who.value?.id)
  const others = page.items.filter((each) => each.asked_by !== who.value?.id)
  const hasMore = page.next_cursor !== null
  const to = { name: 'approvals', query: { status: 'open' } }
  return {
    counts: [
      { n: others.length, hasMore, label: ['别人提请的', 'Asked by others'], to },
      { n: own.length, hasMore, label: ['我提请的，等另一位', 'Mine, for another admin'], isQuiet: true, to },
    ],
    items: oldest(others, (each) => each.asked_at).map((each) => ({
      id: each.id,
      title: { kind: 'approval_kind' as const, code: each.kind },
      note: [`${day(each.expires_at)} 失效`, `expires ${day(each.expires_at)}`],
      to: { name: 'approvals', params: { id: each.id }, query: { status: 'open' } },
    })),
  }
}

async function declarations(): Promise<Found> {
  const page = await api.get('/admin/declarations', { query: { status: 'submitted', limit: MOST } })
  return { counts: [{ ...seen(page), label: ['待审核', 'To review'], to: { name: 'declarations', query: { status: 'submitted' } } }], items: [] }
}

async function statements(): Promise<Found> {
  const page = await api.get('/admin/statements', { query: { state: 'disputed', limit: MOST } })
  return {
    counts: [{ ...seen(page), label: ['有争议', 'Disputed'], to: { name: 'statements', query: { state: 'disputed' } } }],
    items: page.items.slice(-3).map((each) => ({ id: each.id, title: each.member_name ?? each.period, note: [each.period, each.period], to: { name: 'statements', params: { id: each.id } } })),
  }
}

async function jobs(): Promise<Found> {
  const page = await api.get('/admin/jobs/dead-letters', { query: { limit: MOST } })
  return { counts: [{ ...seen(page), label: ['多次重试仍失败', 'Failed for good'], isUrgent: true, to: { name: 'jobs' } }], items: [] }
}

async function batches(): Promise<Found> {
  const page = await api.get('/admin/credit-batches', { query: { limit: MOST } })
  const bad = page.items.filter((each) => each.has_errors && each.status !== 'refused')
  const refused = page.items.filter((each) => each.status === 'refused')
  return {
    counts: [
      { n: refused.length, hasMore: false, label: ['近期未收下', 'Refused of late'], isUrgent: true, to: { name: 'batches' } },
      { n: bad.length, hasMore: false, label: ['近期有错误行', 'With bad rows of late'], to: { name: 'batches' } },
    ],
    items: [...refused, ...bad].slice(0, 3).map((each) => ({
      id: each.id,
      title: `${each.source} · ${each.source_batch_id}`,
      note: [each.data_date, each.data_date],
      to: { name: 'batches', params: { id: each.id } },
    })),
  }
}

export const OFFICE_BLOCKS: readonly Block[] = [
  block('applications', ['入盟申请', 'Applications'], 'application.read', 'application.review', applications),
  block('offers', ['优惠审核', 'Offers'], 'offer.read', 'offer.review', offers),
  block('approvals', ['两人审批', 'Second admin'], 'approval.read', 'approval.decide', approvals),
  block('complaints', ['投诉', 'Complaints'], 'complaint.read', 'complaint.decide', complaints),
  block('objections', ['异议与信用修复', 'Objections and repairs'], 'objection.read', 'objection.answer', objections),
  block('guardianships', ['监护申请', 'Guardianships'], 'guardianship.read', 'guardianship.review', guardianships),
  block('declarations', ['自主申报', 'Declarations'], 'declaration.read', 'declaration.review', declarations),
  block('statements', ['有争议的对账单', 'Disputed statements'], 'statement.read', 'statement.resolve', statements),
  block('batches', ['信用数据批次', 'Credit batches'], 'credit_batch.read', 'credit_batch.close_error', batches, { provinceOnly: true }),
  block('jobs', ['失败的后台任务', 'Failed jobs'], 'job.read', 'job.retry', jobs, { provinceOnly: true }),
]

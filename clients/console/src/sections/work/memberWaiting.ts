/** What may wait for an owner or a manager of a member. */
import { day, lastDay } from '@shared/times'
import { language } from '@shared/words'
import { api } from '@/api'
import { block, MOST, oldest, seen, since, type Block, type Found } from './found'

async function complaints(): Promise<Found> {
  const [late, open] = await Promise.all((['overdue', 'open'] as const).map((status) => api.get('/member/complaints', { query: { status, limit: MOST } })))
  const items = [...(late?.items ?? []), ...(open?.items ?? [])]
  return {
    counts: [
      { ...seen(late), label: ['已超过答复期限', 'Past their time'], isUrgent: true, to: { name: 'own-complaints', query: { status: 'overdue' } } },
      { ...seen(open), label: ['待答复', 'To answer'], to: { name: 'own-complaints', query: { status: 'open' } } },
    ],
    items: oldest(items, (each) => each.answer_due_at).map((each) => ({
      id: each.id,
      title: { kind: 'complaint_kind' as const, code: each.kind },
      more: each.store_name,
      note: [`${lastDay(each.answer_due_at)} 前（含当天）`, `by the end of ${lastDay(each.answer_due_at)}`],
      isUrgent: each.status === 'overdue',
      to: { name: 'own-complaints', params: { id: each.id } },
    })),
  }
}

async function statements(): Promise<Found> {
  // A page holds more than four years: what is older was confirmed long ago.
  const { items } = await api.get('/member/statements', { query: { limit: MOST } })
  const closed = items.filter((each) => each.state === 'closed')
  const disputed = items.filter((each) => each.state === 'disputed')
  const to = { name: 'own-statements' }
  return {
    counts: [
      { n: closed.length, hasMore: false, label: ['待确认', 'To confirm'], to },
      { n: disputed.length, hasMore: false, label: ['有异议，联盟处理中', 'Disputed, with the alliance'], isQuiet: true, to },
    ],
    items: oldest(closed, (each) => each.closed_at ?? '').map((each) => ({
      id: each.id,
      title: each.period,
      note: each.closed_at ? [`${day(each.closed_at)} 出账`, `closed ${day(each.closed_at)}`] : ['', ''],
      to: { name: 'own-statements', params: { id: each.id } },
    })),
  }
}

async function offers(): Promise<Found> {
  const { items, next_cursor } = await api.get('/member/offers', { query: { limit: MOST } })
  const hasMore = next_cursor !== null
  const returned = items.filter((each) => each.open_state === 'draft' && each.office_reason)
  const drafts = items.filter((each) => each.open_state === 'draft' && !each.office_reason)
  const reviewed = items.filter((each) => each.open_state === 'submitted' || each.open_state === 'approved')
  const to = { name: 'own-offers' }
  return {
    counts: [
      { n: returned.length, hasMore, label: ['退回修改', 'Returned, to change'], isUrgent: true, to },
      { n: drafts.length, hasMore, label: ['草稿，还没提交', 'Drafts, not submitted'], to },
      { n: reviewed.length, hasMore, label: ['联盟审核中', 'In review'], isQuiet: true, to },
    ],
    items: returned.slice(0, 3).map((each) => ({ id: each.id, title: each.title ?? '—', note: [each.office_reason ?? '', each.office_reason ?? ''], isUrgent: true, to: { name: 'own-offers', params: { id: each.id } } })),
  }
}

async function sharing(): Promise<Found> {
  const page = await api.get('/member/share-consents', { query: { state: 'waiting', limit: MOST } })
  return {
    counts: [{ ...seen(page), label: ['等本单位答复', 'For us to answer'], to: { name: 'own-sharing' } }],
    items: oldest(page.items, (each) => each.asked_at).map((each) => ({ id: each.id, title: each.member_name, note: since(each.asked_at), to: { name: 'own-sharing', params: { id: each.id } } })),
  }
}

async function notices(): Promise<Found> {
  const page = await api.get('/member/notices', { query: { limit: MOST } })
  const unread = page.items.filter((each) => !each.read_at)
  const to = { name: 'own-standing' }
  return {
    counts: [{ n: unread.length, hasMore: page.next_cursor !== null && unread.length === page.items.length, label: ['未读', 'Unread'], to }],
    items: unread.slice(0, 3).map((each) => ({ id: each.id, title: language.value === 'en' ? each.text_en : each.text_zh, note: [day(each.noticed_at), day(each.noticed_at)], to })),
  }
}

export const MEMBER_BLOCKS: readonly Block[] = [
  block('complaints', ['投诉', 'Complaints'], 'complaint.read', 'complaint.answer', complaints),
  block('statements', ['对账单', 'Statements'], 'statement.read', 'statement.answer', statements),
  block('offers', ['优惠', 'Offers'], 'offer.read', 'offer.write', offers),
  block('sharing', ['别家请本单位分担的优惠', 'Offers that ask for our share'], 'share_consent.read', 'share_consent.decide', sharing),
  block('notices', ['联盟通知', 'Notices'], 'notice.read', 'notice.read', notices),
]

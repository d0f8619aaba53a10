/** What citizens wait for: complaints, objections, guardians' requests. */
import { lastDay } from '@shared/times'
import { api } from '@/api'
import type { Words2 } from '..'
import { MOST, oldest, seen, since, workdaysLeft, type Found } from './found'

export async function complaints(): Promise<Found> {
  const states = ['overdue', 'answered', 'reopened', 'open'] as const
  const labels: Record<(typeof states)[number], Words2> = {
    overdue: ['商家逾期未答复', 'Member is late'],
    answered: ['商家已答复，待处理', 'Answered, to decide'],
    reopened: ['重新处理', 'Reopened'],
    open: ['等商家答复', 'With the member'],
  }
  const pages = await Promise.all(states.map((status) => api.get('/admin/complaints', { query: { status, limit: MOST } })))
  const ours = pages.slice(0, 3).flatMap((page) => page.items)
  return {
    counts: states.map((status, place) => ({
      ...seen(pages[place]),
      label: labels[status],
      isUrgent: status === 'overdue',
      isQuiet: status === 'open',
      to: { name: 'complaints', query: { status } },
    })),
    items: oldest(ours, (each) => each.complained_at).map((each) => ({
      id: each.id,
      title: { kind: 'complaint_kind' as const, code: each.kind },
      more: each.member_name,
      note: since(each.complained_at),
      to: { name: 'complaints', params: { id: each.id } },
    })),
  }
}

export async function objections(): Promise<Found> {
  const [late, open, forwarded] = await Promise.all([
    api.get('/admin/objections', { query: { overdue: true, limit: MOST } }),
    api.get('/admin/objections', { query: { state: 'open', limit: MOST } }),
    api.get('/admin/objections', { query: { state: 'forwarded', limit: MOST } }),
  ])
  const waiting = [...open.items, ...forwarded.items]
  return {
    counts: [
      { ...seen(late), label: ['已超过答复期限', 'Past its time'], isUrgent: true, to: { name: 'objections', query: { overdue: 'true' } } },
      { ...seen(open), label: ['待答复', 'To answer'], to: { name: 'objections', query: { state: 'open' } } },
      { ...seen(forwarded), label: ['已转送，等核查', 'With its source'], to: { name: 'objections', query: { state: 'forwarded' } } },
    ],
    items: oldest(waiting, (each) => each.due_at).map((each) => {
      const left = workdaysLeft(each.due_at)
      const isLate = Date.parse(each.due_at) <= Date.now()
      return {
        id: each.id,
        title: each.kind === 'repair' ? (['信用修复', 'Repair'] as const) : (['异议', 'Objection'] as const),
        region: each.region,
        isUrgent: isLate || left <= 1,
        note: isLate
          ? ([`已于 ${lastDay(each.due_at)} 到期`, `was due ${lastDay(each.due_at)}`] as const)
          : ([`约剩 ${left} 个工作日`, `about ${left} working days left`] as const),
        to: { name: 'objections', params: { id: each.id } },
      }
    }),
  }
}

export async function guardianships(): Promise<Found> {
  const page = await api.get('/admin/guardianships', { query: { state: 'requested', limit: MOST } })
  return {
    counts: [{ ...seen(page), label: ['待核验', 'To verify'], to: { name: 'guardianships', query: { state: 'requested' } } }],
    items: oldest(page.items, (each) => each.requested_at).map((each) => ({
      id: each.id,
      title: each.guardian_name,
      note: since(each.requested_at),
      to: { name: 'guardianships', params: { id: each.id } },
    })),
  }
}

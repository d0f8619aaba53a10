/** Who works here: an admin of the alliance office, or somebody of a member. */
import { computed, shallowRef } from 'vue'
import type { RouteMeta } from 'vue-router'
import { Problem, type BodyOf } from '@shared/api'
import { api, decline } from './api'
import { rolesHave, type Right } from './rights'

export interface Who {
  audience: 'admin' | 'member'
  id: string
  login: string
  roles: readonly string[]
  /** Of an admin: the region that bounds what he sees. */
  region: string | null
  /** Of somebody of a member. */
  memberId: string | null
}

const KEY = 'console.who'

function remembered(): Who | null {
  const text = api.isSignedIn ? sessionStorage.getItem(KEY) : null
  return text ? (JSON.parse(text) as Who) : null
}

const current = shallowRef<Who | null>(remembered())
/** Nobody before the sign-in. */
export const who = computed(() => current.value)

function keep(next: Who | null): void {
  current.value = next
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next))
  else sessionStorage.removeItem(KEY)
}

/** Whether a role of this person has the right. The server asks again anyway. */
export function may(right: Right, audience: 'admin' | 'member' = 'admin'): boolean {
  const person = current.value
  return person !== null && person.audience === audience && rolesHave(audience, person.roles, right)
}

/** Whether this is an admin of the whole province. */
export const isOfProvince = (): boolean => current.value?.region?.endsWith('0000') ?? false

/** Why this person may not open a page, as its route says; nothing where he may. The menu and the router ask the same. */
export function keepsOut({ audience, may: right, isProvinces }: RouteMeta): 'noRight' | 'provinceAlone' | null {
  if (audience && audience !== current.value?.audience) return 'noRight'
  if (right && !may(right as Right, audience)) return 'noRight'
  return isProvinces && !isOfProvince() ? 'provinceAlone' : null
}

/** Whether this person has one of the roles. */
export const hasRole = (...roles: string[]): boolean => roles.some((role) => current.value?.roles.includes(role))

export async function signInAdmin(body: BodyOf<'post', '/auth/admin'>): Promise<void> {
  const answer = await api.post('/auth/admin', { body })
  const { id, roles, region } = answer.admin
  api.signIn(answer, id)
  keep({ audience: 'admin', id, login: body.login, roles, region, memberId: null })
}

export async function signInMember(body: BodyOf<'post', '/auth/staff'>): Promise<void> {
  const answer = await api.post('/auth/staff', { body })
  const { id, role, member_id } = answer.staff
  api.signIn(answer, id)
  keep({ audience: 'member', id, login: body.login, roles: [role], region: null, memberId: member_id })
}

/**
 * A member's legal person, who gets the session of its owner's account.
 *
 * @param mayReplace asked where another account is signed in; a no leaves that as it is.
 */
export async function signInLegalPerson(body: BodyOf<'post', '/auth/staff/legal-person'>, mayReplace: () => Promise<boolean>): Promise<void> {
  const answer = await api.post('/auth/staff/legal-person', { body })
  const { id, role, member_id } = answer.staff
  if (api.isSignedIn && !api.isOf(id)) {
    const isReplaced = await mayReplace()
    // One of the two sessions is not wanted any more.
    if (isReplaced) await api.signOut()
    else return decline(answer)
  }
  api.signIn(answer, id)
  // The answer has no login; without one he is signed in all the same.
  const person = await api.get('/member/staff/{staff_id}', { path: { staff_id: id } }).catch(() => null)
  keep({ audience: 'member', id, login: person?.login ?? '', roles: [role], region: null, memberId: member_id })
}

/** Reads an admin's roles anew, which may have changed since the sign-in; silent where that fails. */
export async function readAccount(): Promise<void> {
  if (!api.isSignedIn || current.value?.audience === 'member') return
  try {
    const { id, login, roles, region } = await api.get('/admin/account')
    keep({ audience: 'admin', id, login, roles, region, memberId: null })
  } catch (error) {
    if (error instanceof Problem && error.status === 401) forget()
  }
}

/** The session is over here; the server knows already. */
export function forget(): void {
  api.forget()
  keep(null)
}

// A tab that was duplicated has the session too: whoever signs out means both.
const tabs = new BroadcastChannel('console.signed-out')

export async function signOut(): Promise<void> {
  const id = current.value?.id
  await api.signOut()
  keep(null)
  if (id) tabs.postMessage(id)
}

/** Calls back when this person has signed out in another tab; then the session is over in this one. */
export function whenSignedOutElsewhere(then: () => void): void {
  tabs.onmessage = ({ data }: MessageEvent<string>) => {
    if (current.value?.id !== data) return
    void api.signOut().then(() => {
      keep(null)
      then()
    })
  }
}

/** The applicant's client: the key of the application stands for an access token, and lives as long as the browser's tab. */
import { ref } from 'vue'
import { Api, Problem, type Answer } from '@shared/api'
import { overFetch } from '@/api'

export type Application = Answer<'get', '/member-application'>

const KEY = 'console.application'
const key = ref(sessionStorage.getItem(KEY) ?? '')

/** Opens the application that a key belongs to; an empty one closes it here. */
export function useKey(next: string): void {
  key.value = next
  if (next) sessionStorage.setItem(KEY, next)
  else sessionStorage.removeItem(KEY)
}
export const hasKey = (): boolean => key.value !== ''

/** In the header alone: an address is kept in histories and logs. */
export const keyHeader = (): Record<string, string> => (key.value ? { Authorization: `Bearer ${key.value}` } : {})

// A key is never renewed: the client is told of no tokens, and a wrong key is a refusal like any other.
const clientOf = (headers: () => Record<string, string>): Api =>
  new Api((wire) => overFetch({ ...wire, headers: { ...wire.headers, ...headers() } }), { load: () => null, save: () => {} })

export const applicant = clientOf(keyHeader)

/**
 * Whether a key opens an application.
 *
 * @throws Problem, Offline: it can't be said.
 */
export async function opens(tried: string): Promise<boolean> {
  try {
    await clientOf(() => ({ Authorization: `Bearer ${tried}` })).get('/member-application')
    return true
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return false
    throw error
  }
}

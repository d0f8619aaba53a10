/** Who works here: what the sign-in's answer said, the store that is chosen, and how this desk likes to work. */
import { computed, ref, watch } from 'vue'
import type { Answer } from '@shared/api'
import { begin, staff } from '@/session'

type SignedIn = Answer<'post', '/auth/staff'>
export type Me = SignedIn['staff']

const ME = 'xinyi.staff.me'
const STORE = 'xinyi.staff.store'
// Of the desk, not of the person: it stays when somebody else signs in.
const DESK = 'xinyi.desk'

interface Desk {
  /** Redeem at once where nothing is to decide. */
  direct: boolean
  sound: boolean
}

const kept = <T>(key: string): T | null => (uni.getStorageSync(key) as T | '') || null

export const me = ref<Me | null>(kept<Me>(ME))
const chosen = ref(kept<string>(STORE) ?? '')
export const desk = ref<Desk>(kept<Desk>(DESK) ?? { direct: false, sound: true })
watch(desk, (now) => uni.setStorageSync(DESK, now), { deep: true })

/** The store of this desk: the chosen one, as long as it is one of the person's; else his first. */
export const store = computed(() => {
  const stores = me.value?.stores ?? []
  return stores.find((one) => one.id === chosen.value) ?? stores[0] ?? null
})

export function chooseStore(id: string): void {
  chosen.value = id
  uni.setStorageSync(STORE, id)
}

/** A store's name; empty for one that is no longer mine. */
export const storeName = (id: string): string => me.value?.stores.find((one) => one.id === id)?.name ?? ''

/** Begins the clerk's session with a sign-in's answer. */
export async function startWork(answer: SignedIn): Promise<void> {
  await begin('staff', answer, answer.staff.id)
  keepMe(answer.staff)
  chosen.value = kept<string>(STORE) ?? ''
}

function keepMe(now: Me): void {
  me.value = now
  uni.setStorageSync(ME, now)
}

/** Reads role and stores anew: a manager may have given or taken some. Without an answer what was known stays. */
export async function readMe(): Promise<void> {
  const known = me.value
  const now = await staff.get('/staff/me').catch(() => null)
  // Meanwhile somebody else may work here. What is the same stays as it is: screens read anew when it changes.
  if (now && me.value?.id === now.id && JSON.stringify(now) !== JSON.stringify(known)) keepMe(now)
}

/** Whether the page may stay; without a session it gives way to the sign-in. */
export function staysIn(isSignedIn: boolean): boolean {
  if (isSignedIn && (me.value ??= kept<Me>(ME))) return true
  uni.reLaunch({ url: '/pages/staff/sign-in' })
  return false
}

/**
 * 代办: whoever acts for a child or a relative goes on using the same screens. While `acting.now` names somebody, the
 * citizen's requests carry a short token for that person; the helper's own session stays as it is and only asks for a
 * fresh token when one has ended. Nothing is ever repeated under the other of the two names.
 */
import { reactive } from 'vue'
import { Problem, problemOf, type Transport, type Wire, type WireAnswer } from '@shared/api'
import { words } from '@shared/words'

export interface Acting {
  /** The other's id. */
  for: string
  maskedName: string
  role: 'guardian' | 'helper'
}

const KEPT = 'xinyi.citizen.acting'
const t = words({
  over: ['代办已经结束，这一步没有办。请用自己的账户继续。', 'You no longer act for somebody, and this was not done. Go on with your own account.'],
})

export const acting = reactive<{ now: Acting | null }>({ now: (uni.getStorageSync(KEPT) as Acting | '') || null })

/** Who may do something for a citizen besides himself: nobody, his guardian, or a helper too (the server's `for_agents`). */
export type Agents = 'none' | 'guardian' | 'all'

/** Whether this phone may do it now: what the server would refuse is not offered. */
export const mayNow = (agents: Agents): boolean => !acting.now || agents === 'all' || agents === acting.now.role

let token = ''
let asking: Promise<WireAnswer | null> | null = null
let askAs: (id: string) => Promise<{ access_token: string; acts_as: Acting['role'] }>

/** Begins to act for somebody, on the first screen: nothing of one's own stays in sight. */
export async function beginActing(whom: { for: string; maskedName: string }): Promise<void> {
  const answer = await askAs(whom.for)
  leaveNothing()
  token = answer.access_token
  acting.now = { for: whom.for, maskedName: whom.maskedName, role: answer.acts_as }
  uni.setStorageSync(KEPT, acting.now)
  void uni.reLaunch({ url: '/pages/home/index' })
}

/** Ends it on this phone. `over`: the server ended it, or the other did. */
export function endActing(over = false): void {
  leaveNothing()
  forgetActing()
  void uni.reLaunch({ url: `/pages/family/index${over ? '?over=1' : ''}` })
}

/** Only forgets, as when the session has ended. */
export function forgetActing(): void {
  token = ''
  acting.now = null
}

/**
 * Sends what the citizen asks for under the other's token while somebody is acted for.
 *
 * @param askForToken asks for one with the citizen's own session.
 */
export function actingTransport(send: Transport, askForToken: typeof askAs): Transport {
  askAs = askForToken
  return async (wire) => {
    const whom = acting.now
    // Renewing, signing out and asking for a token are one's own.
    if (!whom || wire.url.includes('/api/v1/auth/')) return send(wire)
    const refused = token ? null : await freshToken(whom)
    if (refused) return refused
    let answer = await send(underToken(wire))
    if (answer.status === 401) {
      const refusedNow = await freshToken(whom)
      if (refusedNow) return refusedNow
      answer = await send(underToken(wire))
    }
    // A 401 that went on to the citizen's own session would be repeated under his own name.
    if (answer.status === 401 || isOver(answer)) return over(whom, isOver(answer) ? answer : undefined)
    return answer
  }
}

/**
 * The header for a request that goes its own way, as for a file, while somebody is acted for.
 *
 * @param isRefused the one that was given before was not taken.
 */
export async function actingHeader(whom: Acting, isRefused: boolean): Promise<Record<string, string>> {
  const refused = token && !isRefused ? null : await freshToken(whom)
  if (refused) throw problemOf(refused)
  return { Authorization: `Bearer ${token}` }
}

const underToken = (wire: Wire): Wire => ({ ...wire, headers: { ...wire.headers, Authorization: `Bearer ${token}` } })

/** Asks once for all who wait; the refusal if there is none to be had. */
function freshToken(whom: Acting): Promise<WireAnswer | null> {
  asking ??= ask(whom).finally(() => (asking = null))
  return asking
}

async function ask(whom: Acting): Promise<WireAnswer | null> {
  try {
    const answer = await askAs(whom.for)
    if (acting.now !== whom) return over(whom)
    token = answer.access_token
    return null
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem
    if (problem.status === 401 || problem.code === 'acting_ended') return over(whom, answerOf(403, problem.code, problem.message))
    return answerOf(problem.status, problem.code, problem.message)
  }
}

function over(whom: Acting, said = answerOf(403, 'acting_ended', t.over)): WireAnswer {
  if (acting.now === whom) endActing(true)
  return said
}

const answerOf = (status: number, code: string, detail: string): WireAnswer => ({
  status,
  header: () => null,
  text: JSON.stringify({ code, detail }),
})
const isOver = (answer: WireAnswer): boolean => answer.status === 403 && /"code": ?"acting_ended"/.test(answer.text)

// What screens keep on the phone belongs to one of the two.
function leaveNothing(): void {
  for (const key of uni.getStorageInfoSync().keys) if (key.startsWith('xinyi.citizen.')) uni.removeStorageSync(key)
}

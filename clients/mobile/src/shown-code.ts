/**
 * The code that a page shows: asked of the server, then made on the phone step by step; where the offer forbids that,
 * asked anew for each step. As text it stands still as long as the server takes it, so that it can be typed.
 */
import { ref, shallowRef } from 'vue'
import { Offline, Problem, type Answer } from '@shared/api'
import { endOf, makeCode, ServerClock, stepAt, STEP_MS, stepOf, stepToShow, stepToType } from './codes'
import { forgetKept, keep, kept, type About, type Source } from './coupons'
import { citizen } from './session'

type Handed = Answer<'get', '/coupons/{coupon_id}/code'>

/** After these the coupon shows no code any more. */
const FINAL = ['already_redeemed', 'coupon_expired', 'coupon_revoked', 'not_found']
const PAUSE_MS = 3_000

export function useShownCode(id: string) {
  const code = ref('')
  const secondsLeft = ref(0)
  /** After several scans in one step the next code is of a step to come: until then it can't be scanned. */
  const secondsToWait = ref(0)
  /** What the clerk types where the camera fails; empty while nobody asked for it. */
  const text = ref('')
  /** When the server takes that text no longer, by its own clock. */
  const textUntil = ref(0)
  const textSecondsLeft = ref(0)
  /** Whether the last question found no server and the phone goes on by itself. */
  const isOffline = ref(false)
  /** Why there is no code. */
  const problem = shallowRef<unknown>(null)
  const clock = new ServerClock()
  /** Steps that the coupon may have been redeemed with. */
  const burnt = new Set<number>()
  // The last that was kept, also while the phone may not make codes itself.
  const before = kept(id)
  let about: About | null = before && before.about
  let source: Source | null = before && before.source
  let shownUntil = 0
  let goodUntil = 0
  let askAfter = 0
  let ticking: ReturnType<typeof setInterval> | undefined
  // An answer to a question from before a pause is thrown away.
  let run = 0
  let isAsking = false
  let isKeyRefused = false
  let isTextWanted = false
  if (before) clock.restore(before.skew)

  async function handed(): Promise<Handed> {
    const path = { coupon_id: id }
    try {
      if (isKeyRefused) return await citizen.get('/coupons/{coupon_id}/code', { path })
      return await citizen.get('/coupons/{coupon_id}/code', { path, query: { renewal: 'client' } })
    } catch (refused) {
      if (!(refused instanceof Problem && refused.code === 'renewal_not_allowed')) throw refused
      isKeyRefused = true
      return await citizen.get('/coupons/{coupon_id}/code', { path })
    }
  }

  async function ask(): Promise<void> {
    if (isAsking || !ticking) return
    isAsking = true
    const asked = run
    try {
      const answer = await handed()
      if (asked === run) take(answer)
    } catch (refused) {
      if (asked === run) refuse(refused)
    } finally {
      if (asked === run) isAsking = false
    }
  }

  function take(answer: Handed): void {
    clock.set(Date.parse(answer.server_time))
    const keyBefore = source?.renewalKey
    source = answer.renewal_key ? { code: answer.code, renewalKey: answer.renewal_key } : null
    save()
    code.value = answer.code
    shownUntil = clock.now() + answer.refresh_after_s * 1000
    goodUntil = Date.parse(answer.expires_at)
    isOffline.value = false
    problem.value = null
    // What was made with another key is taken no longer.
    if (source?.renewalKey !== keyBefore) takeText()
    tick()
  }

  function refuse(refused: unknown): void {
    isOffline.value = refused instanceof Offline && source !== null
    if (refused instanceof Problem && FINAL.includes(refused.code)) {
      end()
      problem.value = refused
      return
    }
    askAfter = clock.now() + PAUSE_MS
    if (!source && clock.now() >= goodUntil) {
      code.value = ''
      problem.value = refused
    }
  }

  function make(from: Source): void {
    const now = clock.now()
    if (about && now >= Date.parse(about.validUntil)) {
      end()
      problem.value = new Problem(410, 'coupon_expired', '')
      return
    }
    const step = stepToShow(stepAt(now), burnt)
    code.value = makeCode(from.code, from.renewalKey, step)
    shownUntil = (Math.max(step, stepAt(now)) + 1) * STEP_MS
    problem.value = null
  }

  function tick(): void {
    if (clock.now() >= shownUntil) {
      if (source) make(source)
      else if (clock.now() >= askAfter) void ask()
    }
    if (!source && clock.now() >= goodUntil) code.value = ''
    // Back from where there was no network: another phone may have got the key meanwhile.
    if (isOffline.value && clock.now() >= askAfter) void ask()
    if (isTextWanted && (clock.now() >= textUntil.value || !code.value)) takeText()
    textSecondsLeft.value = secondsUntil(textUntil.value)
    secondsLeft.value = secondsUntil(shownUntil)
    secondsToWait.value = code.value ? secondsUntil((stepOf(code.value) - 1) * STEP_MS) : 0
  }

  /** Another text, or none. What the server alone may make is good for what is left of it. */
  function takeText(): void {
    const isShown = isTextWanted && code.value !== ''
    const step = source && isShown ? stepToType(stepAt(clock.now()), burnt) : 0
    text.value = !isShown ? '' : source ? makeCode(source.code, source.renewalKey, step) : code.value
    textUntil.value = !isShown ? 0 : source ? endOf(step) : goodUntil
    textSecondsLeft.value = secondsUntil(textUntil.value)
  }

  function secondsUntil(ms: number): number {
    return Math.max(0, Math.ceil((ms - clock.now()) / 1000))
  }

  function save(): void {
    if (source && about) keep(id, { about, source, skew: clock.skew })
    else forgetKept(id)
  }

  function start(): void {
    if (ticking) return
    clock.wake()
    shownUntil = askAfter = 0
    ticking = setInterval(tick, 500)
    // What the phone can make itself is there at once; the server is asked all the same.
    if (source) make(source)
    void ask()
  }

  function stop(): void {
    clearInterval(ticking)
    ticking = undefined
    isAsking = false
    run++
  }

  function end(): void {
    stop()
    code.value = ''
    source = null
    takeText()
    forgetKept(id)
  }

  /** What is shown is not shown again. */
  function burn(): void {
    if (!code.value) return
    burnt.add(stepOf(code.value))
    if (text.value) burnt.add(stepOf(text.value))
    if (source) make(source)
    takeText()
  }

  return {
    code,
    secondsLeft,
    secondsToWait,
    text,
    textUntil,
    textSecondsLeft,
    isOffline,
    problem,
    /** Begins, or goes on after a pause. */
    start,
    stop,
    /** The coupon gives no more codes: nothing of it stays on the phone. */
    end,
    /** The coupon was redeemed and has uses left: the server knows which step is next. */
    async next(): Promise<void> {
      burn()
      await ask()
    },
    /** Another code at once: the server's, or without it the one of the step to come. */
    async fresh(): Promise<void> {
      await ask()
      if (isOffline.value) burn()
      takeText()
    },
    /** Shows the code as text too, or no longer. */
    showText(wanted: boolean): void {
      isTextWanted = wanted
      takeText()
    },
    /** What to keep beside the key, so that the page says it without a network. */
    describe(what: About): void {
      if (JSON.stringify(what) === JSON.stringify(about)) return
      about = what
      if (source) save()
    },
  }
}

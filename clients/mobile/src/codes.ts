/**
 * 券码 made on the phone, without a network: the same bytes as the server's `benefits/codes.py`.
 *
 * A code is `R1` and the base32 of 30 bytes: 0 type and version, 1 id of the master key, 2–9 number of the coupon,
 * 10–13 step (unix seconds // 15, big-endian), 14–29 the first half of HMAC-SHA-256(key, "R1" + bytes 0–13).
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

export const STEP_MS = 15_000

const PREFIX = 'R1'
const HEAD_BYTES = 14
const MAC_BYTES = 16
const STEP_AT = 10
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The step that a moment of the server's clock lies in. */
export const stepAt = (ms: number): number => Math.floor(ms / STEP_MS)

/** The step that a code was made for. */
export function stepOf(code: string): number {
  const raw = bytesOf(code.slice(PREFIX.length), BASE32)
  return raw.slice(STEP_AT, HEAD_BYTES).reduce((step, byte) => step * 256 + byte, 0)
}

/** This step, or the nearest one that is good now and was not redeemed with; at worst the one to come. */
export function stepToShow(step: number, burnt: ReadonlySet<number>): number {
  return [step, step + 1, step - 1].find((near) => !burnt.has(near)) ?? step + 2
}

/** The step of a code that is typed by hand: the one to come is taken already, and for the longest time. */
export function stepToType(step: number, burnt: ReadonlySet<number>): number {
  return burnt.has(step + 1) ? stepToShow(step, burnt) : step + 1
}

/** When the last moment of a code is over: it is taken in its step and in one on either side. */
export const endOf = (step: number): number => (step + 2) * STEP_MS

/**
 * One coupon's code of one step.
 * @param code any code of this coupon that the server handed out together with the key: it names master key and coupon.
 */
export function makeCode(code: string, renewalKey: string, step: number): string {
  const head = bytesOf(code.slice(PREFIX.length), BASE32).slice(0, HEAD_BYTES)
  head.splice(STEP_AT, 4, (step >>> 24) & 255, (step >>> 16) & 255, (step >>> 8) & 255, step & 255)
  const prefix = Array.from(PREFIX, (letter) => letter.charCodeAt(0))
  const key = Uint8Array.from(bytesOf(renewalKey, BASE64URL))
  const mac = hmac(sha256, key, Uint8Array.from([...prefix, ...head])).slice(0, MAC_BYTES)
  return PREFIX + textOf([...head, ...mac], BASE32)
}

/** `R1CE AQAA …`: what a person can read out or type. */
export const inFours = (code: string): string[] => code.match(/.{1,4}/g) ?? []

/**
 * The server's clock on a phone whose own may be wrong: what the server said, and the time that has passed since by a
 * clock that nobody sets.
 */
export class ServerClock {
  private base = { server: 0, wall: 0, passed: 0 }

  constructor(
    private readonly wall: () => number = Date.now,
    private readonly passed: () => number = monotonic,
  ) {
    this.restore(0)
  }

  /** Takes what the server said just now. */
  set(serverMs: number): void {
    this.base = { server: serverMs, wall: this.wall(), passed: this.passed() }
  }

  /** How far the phone's own clock is behind, in ms: all that outlives the page. */
  get skew(): number {
    return this.now() - this.wall()
  }

  /** Begins from a kept skew, as long as the server can't be asked. */
  restore(skew: number): void {
    this.set(this.wall() + skew)
  }

  /** After a pause: a phone that slept may have stopped the clock that nobody sets, but never its own. */
  wake(): void {
    const slept = Math.max(this.wall() - this.base.wall, this.passed() - this.base.passed)
    this.set(this.base.server + slept)
  }

  now(): number {
    return this.base.server + this.passed() - this.base.passed
  }
}

function monotonic(): number {
  // Some mini-programs have no such clock: there the phone's own has to do between two answers of the server.
  return typeof performance === 'undefined' ? Date.now() : performance.now()
}

/** Bits left over at the end are the padding that both texts leave out. */
function bytesOf(text: string, alphabet: string): number[] {
  const width = Math.log2(alphabet.length)
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const letter of text) {
    held = (held << width) | alphabet.indexOf(letter)
    bits += width
    if (bits < 8) continue
    bits -= 8
    bytes.push(held >> bits)
    held &= (1 << bits) - 1
  }
  return bytes
}

/** Only for lengths that need no padding, as 30 bytes in base32. */
function textOf(bytes: number[], alphabet: string): string {
  const width = Math.log2(alphabet.length)
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= width) {
      bits -= width
      text += alphabet[held >> bits]
      held &= (1 << bits) - 1
    }
  }
  return text
}

/**
 * Checks what the service says against the roots that it published, in the reader's own browser (docs/ledger.md).
 * Every check is true, false, or null where this browser can't make it.
 */
import type { Answer } from '@shared/api'
import { api } from '@/api'

export type Book = 'ledger' | 'audit'
export type Seal = Answer<'get', '/audit/roots'>['items'][number]
type Proof = Answer<'get', '/admin/audit/{audit_id}/proof'>

/** A record's proof; an exported line names its seal by the number alone. */
export interface AnyProof {
  record: string
  leaf_index: number
  path: readonly string[]
  seal: Seal | number
}
export interface Check {
  what: 'root' | 'range' | 'published' | 'signature' | 'screen'
  isGood: boolean | null
}
export interface Verdict {
  seal: Seal
  leaf: string
  checks: Check[]
  isGood: boolean
}
/** Why nothing could be compared at all. */
export class NotCheckable extends Error {
  constructor(readonly why: 'insecure' | 'unreadable' | 'unsealed') {
    super(why)
  }
}

const SIGNED = ['format', 'number', 'first_entry', 'last_entry', 'records', 'root', 'previous', 'sealed_at', 'public_key'] as const
const LETTERS: Record<string, string> = { redemption: 'R', reversal: 'V', audit: 'A' }

type Bytes = Uint8Array<ArrayBuffer>

const utf8 = (text: string): Bytes => new TextEncoder().encode(text)
const hex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function bytesOf(digits: string): Bytes {
  if (digits.length % 2 || /[^0-9a-f]/.test(digits)) throw new NotCheckable('unreadable')
  return Uint8Array.from({ length: digits.length / 2 }, (_, place) => parseInt(digits.slice(2 * place, 2 * place + 2), 16))
}

function joined(...parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  // A page that came over plain http from another machine has no WebCrypto.
  if (!globalThis.crypto?.subtle) throw new NotCheckable('insecure')
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)))
}

/** The text that a seal's signature is over. */
const signedText = (seal: Seal): Bytes => utf8(JSON.stringify(Object.fromEntries(SIGNED.map((name) => [name, seal[name]]))))

async function isSigned(seal: Seal): Promise<boolean | null> {
  try {
    const key = await crypto.subtle.importKey('raw', bytesOf(seal.public_key), 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, bytesOf(seal.signature), signedText(seal))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') return null
    return false
  }
}

/** The 57 bytes of a record's leaf. */
async function leafOf(record: string): Promise<{ leaf: Bytes; entry: number; letter: string }> {
  let facts: unknown
  try {
    facts = JSON.parse(record)
  } catch {
    throw new NotCheckable('unreadable')
  }
  const { kind, entry, id } = (facts ?? {}) as Record<string, unknown>
  const letter = typeof kind === 'string' ? LETTERS[kind] : undefined
  if (!letter || typeof entry !== 'number' || typeof id !== 'string') throw new NotCheckable('unreadable')
  const place = new Uint8Array(8)
  new DataView(place.buffer).setBigUint64(0, BigInt(entry))
  const leaf = joined(utf8(letter), place, bytesOf(id.replaceAll('-', '')), await sha256(utf8(record)))
  return { leaf, entry, letter }
}

/** Up from a leaf to the root (RFC 9162, section 2.1.3.2); null where the path has the wrong length. */
async function rootFrom(leafHash: Bytes, index: number, size: number, path: readonly string[]): Promise<string | null> {
  if (index >= size) return null
  const [LEAF_SIDE, half] = [Uint8Array.of(1), (n: number) => Math.floor(n / 2)]
  let [place, last, hash] = [index, size - 1, leafHash]
  for (const node of path) {
    if (last === 0) return null
    if (place % 2 || place === last) {
      hash = await sha256(LEAF_SIDE, bytesOf(node), hash)
      while (place && place % 2 === 0) [place, last] = [half(place), half(last)]
    } else hash = await sha256(LEAF_SIDE, hash, bytesOf(node))
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 ? hex(hash) : null
}

const pageOfRoots = (book: Book, query: { after?: number; limit?: number; cursor?: string }) =>
  api.get(book === 'audit' ? '/audit/roots' : '/ledger/roots', { query })

const isSame = (one: Seal, other: Seal): boolean => [...SIGNED, 'signature' as const].every((name) => one[name] === other[name])

/** Checks one record by its proof and by the root that is published for everybody. */
export async function checkProof(proof: AnyProof): Promise<Verdict> {
  const { leaf, entry, letter } = await leafOf(proof.record)
  const number = typeof proof.seal === 'number' ? proof.seal : proof.seal.number
  const found = await pageOfRoots(letter === 'A' ? 'audit' : 'ledger', { after: number - 1, limit: 1 })
  const published = found.items[0]?.number === number ? found.items[0] : null
  const seal = typeof proof.seal === 'number' ? published : proof.seal
  if (!seal) throw new NotCheckable('unsealed')
  const root = await rootFrom(await sha256(Uint8Array.of(0), leaf), proof.leaf_index, seal.records, proof.path)
  const checks: Check[] = [
    { what: 'root', isGood: root === seal.root },
    { what: 'range', isGood: seal.first_entry <= entry && entry <= seal.last_entry },
    { what: 'published', isGood: published !== null && isSame(published, seal) },
    { what: 'signature', isGood: await isSigned(seal) },
  ]
  return { seal, leaf: hex(leaf), checks, isGood: checks.every((check) => check.isGood !== false) }
}

/** The proofs in a file or a pasted text: of a redemption with its reversal, of one record, or lines of an export. */
export function proofsIn(text: string): AnyProof[] {
  const whole = text.trim()
  try {
    return proofsOf(JSON.parse(whole))
  } catch {
    try {
      return whole.split('\n').flatMap((line) => proofsOf(JSON.parse(line)))
    } catch {
      throw new NotCheckable('unreadable')
    }
  }
}

function proofsOf(value: unknown): AnyProof[] {
  const facts = (value ?? {}) as Record<string, unknown>
  if (facts['redemption']) return [facts['redemption'], facts['reversal']].filter(Boolean).flatMap(proofsOf)
  if (typeof facts['record'] === 'string' && facts['seal'] === null) throw new NotCheckable('unsealed')
  const isProof = typeof facts['record'] === 'string' && typeof facts['leaf_index'] === 'number' && Array.isArray(facts['path'])
  if (!isProof || !facts['seal']) throw new NotCheckable('unreadable')
  return [value as Proof]
}

export interface Chain {
  seals: number
  records: number
  last: Seal | null
  keys: string[]
  /** Number of a seal and what is wrong with it; at most twenty. */
  faults: { number: number; what: 'order' | 'previous' | 'signature' }[]
  isSignatureChecked: boolean
}

/** Goes through every published root of a book, each of which names the one before it. */
export async function checkChain(book: Book, tell: (chain: Chain) => void, isStopped: () => boolean): Promise<Chain> {
  const chain: Chain = { seals: 0, records: 0, last: null, keys: [], faults: [], isSignatureChecked: true }
  let previous = '0'.repeat(64)
  await eachPage(book, isStopped, async (items) => {
    for (const seal of items) {
      const before = chain.last
      const isNext = seal.number === (before?.number ?? 0) + 1 && seal.first_entry === (before?.last_entry ?? 0) + 1
      const signed = await isSigned(seal)
      if (signed === null) chain.isSignatureChecked = false
      const wrong = { order: !isNext, previous: seal.previous !== previous, signature: signed === false }
      for (const what of ['order', 'previous', 'signature'] as const)
        if (wrong[what] && chain.faults.length < 20) chain.faults.push({ number: seal.number, what })
      previous = hex(await sha256(signedText(seal)))
      if (!chain.keys.includes(seal.public_key)) chain.keys.push(seal.public_key)
      chain.seals++
      chain.records += seal.records
      chain.last = seal
    }
    tell({ ...chain })
  })
  return chain
}

/** The published roots as the verifier wants them: a page a line. */
export async function rootsFile(book: Book): Promise<string> {
  const pages: string[] = []
  await eachPage(book, () => false, (items) => void pages.push(JSON.stringify({ items })))
  return pages.join('\n') + '\n'
}

async function eachPage(book: Book, isStopped: () => boolean, then: (items: readonly Seal[]) => unknown): Promise<void> {
  let cursor: string | undefined
  do {
    const page = await pageOfRoots(book, { limit: 100, cursor })
    await then(page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor && !isStopped())
}

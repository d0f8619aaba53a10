/** The one client of the API in this console; tokens live as long as the browser's tab. */
import { Api, Offline, problemOf, type Session, type Tokens, type Transport, type WireAnswer } from '@shared/api'
import { language } from '@shared/words'

const KEY = 'console.tokens'

export const overFetch: Transport = async ({ method, url, headers, body }) => {
  const answer = await fetch(url, { method, headers, body, cache: 'no-store', credentials: 'omit' })
  return { status: answer.status, header: (name) => answer.headers.get(name), text: await answer.text() }
}

const store = {
  load(): Session | null {
    const text = sessionStorage.getItem(KEY)
    return text ? (JSON.parse(text) as Session) : null
  },
  save(session: Session | null): void {
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session))
    else sessionStorage.removeItem(KEY)
  },
}

let ended = () => {}
/** What happens when the session ended for good; the router says. */
export function whenEnded(then: () => void): void {
  ended = then
}

export const api = new Api(overFetch, store, () => ended())

/** Tells the server that a session which a sign-in has just given is not wanted. */
export async function decline(tokens: Tokens): Promise<void> {
  const other = new Api(overFetch, { load: () => null, save: () => {} })
  other.signIn(tokens, '')
  await other.signOut()
}

/**
 * Fetches a file under `/api/v1` with the Bearer header; a token is never part of an address.
 *
 * @throws Problem the server said no; Offline no answer came.
 */
export async function fetchFile(path: string): Promise<{ blob: Blob; name: string | null }> {
  const once = () =>
    fetch(`/api/v1${path}`, {
      headers: { ...api.authorization(), 'Accept-Language': language.value },
      cache: 'no-store',
      credentials: 'omit',
    }).catch(() => {
      throw new Offline('offline')
    })
  let answer = await once()
  if (answer.status === 401 && (await api.renew())) answer = await once()
  if (!answer.ok) throw problemOf(await wireAnswer(answer))
  return { blob: await answer.blob(), name: fileName(answer.headers.get('Content-Disposition')) }
}

/**
 * Sends one file as the whole body of a request under `/api/v1`, as the API takes evidence and documents.
 *
 * @throws Problem the server said no; Offline no answer came.
 */
export async function sendFile<T>(path: string, file: File, headers: () => Record<string, string> = () => api.authorization()): Promise<T> {
  const once = () =>
    fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: { ...headers(), 'Accept-Language': language.value, 'Content-Type': file.type },
      body: file,
      cache: 'no-store',
      credentials: 'omit',
    }).catch(() => {
      throw new Offline('offline')
    })
  let answer = await once()
  if (answer.status === 401 && api.isSignedIn && (await api.renew())) answer = await once()
  const wire = await wireAnswer(answer)
  if (!answer.ok) throw problemOf(wire)
  return JSON.parse(wire.text) as T
}

async function wireAnswer(answer: Response): Promise<WireAnswer> {
  return { status: answer.status, header: (name) => answer.headers.get(name), text: await answer.text() }
}

function fileName(header: string | null): string | null {
  const long = /filename\*=UTF-8''([^;]+)/i.exec(header ?? '')?.[1]
  if (long) return decodeURIComponent(long)
  return /filename="?([^";]+)"?/i.exec(header ?? '')?.[1] ?? null
}

/**
 * Who uses this phone. A citizen and a clerk may be the same person: each keeps a session of its own, and no page
 * ever uses the other's.
 */
import { reactive } from 'vue'
import { Api, type Tokens, type TokenStore, type Transport, type Wire, type WireAnswer } from '@shared/api'
import { actingTransport, forgetActing } from './acting'

/** The server's address: the page's own in a browser; mini-programs are built with `VITE_SERVER`. */
export const SERVER = import.meta.env.VITE_SERVER ?? ''

const transport: Transport = (wire) => {
  // #ifdef H5
  if (wire.onSent) return sendWatched(wire)
  return fetch(wire.url, { method: wire.method, headers: wire.headers, body: wire.body ?? null, cache: 'no-store' }).then(
    async (answer) => ({ status: answer.status, header: (name: string) => answer.headers.get(name), text: await answer.text() }),
  )
  // #endif
  // #ifndef H5
  return new Promise((resolve, reject) => {
    uni.request({
      url: wire.url,
      method: wire.method as 'GET',
      header: wire.headers,
      ...(wire.body === undefined ? {} : { data: wire.body as string | ArrayBuffer }),
      dataType: 'text',
      success: (answer) =>
        resolve({
          status: answer.statusCode,
          header: (name: string) => headerOf(answer.header as Record<string, string>, name),
          text: typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data ?? ''),
        }),
      fail: () => reject(new Error('no answer')),
    })
  })
  // #endif
}

// #ifdef H5
/** fetch does not say how much of a file has gone out; the older way does. */
function sendWatched(wire: Wire): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(wire.method, wire.url)
    for (const [name, value] of Object.entries(wire.headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => wire.onSent?.(total ? loaded / total : 0)
    request.onload = () =>
      resolve({ status: request.status, header: (name) => request.getResponseHeader(name), text: request.responseText })
    request.onerror = request.onabort = request.ontimeout = () => reject(new Error('no answer'))
    request.send(wire.body ?? null)
  })
}
// #endif

// #ifndef H5
function headerOf(headers: Record<string, string>, name: string): string | null {
  const found = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase())
  return found ? (headers[found] ?? null) : null
}
// #endif

class PhoneStore implements TokenStore {
  constructor(private readonly key: string) {}
  load(): Tokens | null {
    return (uni.getStorageSync(this.key) as Tokens | '') || null
  }
  save(tokens: Tokens | null): void {
    if (tokens) uni.setStorageSync(this.key, tokens)
    else uni.removeStorageSync(this.key)
  }
}

/** What pages show of the two sessions; the tokens stay in the clients below. */
export const signedIn = reactive({ citizen: false, staff: false })

/** Whoever acts for somebody (代办) does it through this one too: see `acting`. */
export const citizen: Api = new Api(
  actingTransport(transport, (id) => citizen.post('/auth/acting', { body: { for: id } })),
  new PhoneStore('xinyi.citizen'),
  () => ended('citizen'),
  SERVER,
)
export const staff = new Api(transport, new PhoneStore('xinyi.staff'), () => ended('staff'), SERVER)
signedIn.citizen = citizen.isSignedIn
signedIn.staff = staff.isSignedIn

/** Begins a session: the tokens of a sign-in's answer. */
export function begin(audience: 'citizen' | 'staff', tokens: Tokens): void {
  api(audience).signIn(tokens)
  signedIn[audience] = true
}

/** Ends a session on this phone and tells the server. */
export async function end(audience: 'citizen' | 'staff'): Promise<void> {
  await api(audience).signOut()
  forget(audience)
}

function api(audience: 'citizen' | 'staff'): Api {
  return audience === 'citizen' ? citizen : staff
}

function ended(audience: 'citizen' | 'staff'): void {
  forget(audience)
  uni.reLaunch({ url: audience === 'citizen' ? '/pages/sign-in/index?ended=1' : '/pages/staff/sign-in?ended=1' })
}

// What belonged to the person leaves the phone with the session; the language and the type size stay.
function forget(audience: 'citizen' | 'staff'): void {
  signedIn[audience] = false
  if (audience === 'citizen') forgetActing()
  for (const key of uni.getStorageInfoSync().keys)
    if (key.startsWith(`xinyi.${audience}.`)) uni.removeStorageSync(key)
}

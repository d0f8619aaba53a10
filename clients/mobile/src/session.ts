/**
 * Who uses this phone. A citizen and a clerk may be the same person: each keeps a session of its own, and no page
 * ever uses the other's.
 */
import { reactive } from 'vue'
import { Api, type Session, type SessionStore, type Tokens, type Transport, type Wire, type WireAnswer } from '@shared/api'
import { acting, actingHeader, actingTransport, forgetActing } from './acting'

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

type Audience = 'citizen' | 'staff'

class PhoneStore implements SessionStore {
  constructor(private readonly audience: Audience) {}
  load(): Session | null {
    return (uni.getStorageSync(`xinyi.${this.audience}`) as Session | '') || null
  }
  save(session: Session | null): void {
    if (session) uni.setStorageSync(`xinyi.${this.audience}`, session)
    else uni.removeStorageSync(`xinyi.${this.audience}`)
  }
}

/** What pages show of the two sessions; the tokens stay in the clients below. */
export const signedIn = reactive({ citizen: false, staff: false })

/** Whoever acts for somebody (代办) does it through this one too: see `acting`. */
export const citizen: Api = new Api(
  actingTransport(transport, (id) => citizen.post('/auth/acting', { body: { for: id } })),
  new PhoneStore('citizen'),
  (isTaken) => ended('citizen', isTaken),
  SERVER,
)
export const staff = new Api(transport, new PhoneStore('staff'), (isTaken) => ended('staff', isTaken), SERVER)
signedIn.citizen = citizen.isSignedIn
signedIn.staff = staff.isSignedIn

/** Begins a session with a sign-in's answer; of somebody else who was here before nothing is left. */
export async function begin(audience: Audience, tokens: Tokens, person: string): Promise<void> {
  if (!api(audience).isOf(person)) await end(audience)
  api(audience).signIn(tokens, person)
  signedIn[audience] = true
}

/**
 * The citizen's header for a request that goes its own way, as for a file: the other's while somebody is acted for.
 * `isRefused`: that of before was not taken; null if there is none any more.
 */
export async function headerFor(isRefused: boolean): Promise<Record<string, string> | null> {
  if (acting.now) return actingHeader(acting.now, isRefused)
  return !isRefused || (await citizen.renew()) ? citizen.authorization() : null
}

/** Tells the server that a session which a sign-in has just given is not wanted. */
export async function decline(tokens: Tokens): Promise<void> {
  const other = new Api(transport, { load: () => null, save: () => {} }, () => {}, SERVER)
  other.signIn(tokens, '')
  await other.signOut()
}

/** Ends a session on this phone and tells the server. */
export async function end(audience: Audience): Promise<void> {
  await api(audience).signOut()
  forget(audience)
}

function api(audience: Audience): Api {
  return audience === 'citizen' ? citizen : staff
}

function ended(audience: Audience, isTaken: boolean): void {
  // #ifdef H5
  if (isTaken) {
    // What is kept is the other's already; what this window shows is not his.
    location.hash = audience === 'citizen' ? '#/' : '#/pages/staff/scan'
    return location.reload()
  }
  // #endif
  forget(audience)
  uni.reLaunch({ url: audience === 'citizen' ? '/pages/sign-in/index?ended=1' : '/pages/staff/sign-in?ended=1' })
}

// #ifdef H5
// Another window of this browser changed the session; one that slept is told nothing, and looks when it wakes.
for (const [audience, one] of [['citizen', citizen], ['staff', staff]] as const) {
  window.addEventListener('storage', ({ key }) => (key === null || key === `xinyi.${audience}`) && one.follow())
  document.addEventListener('visibilitychange', () => !document.hidden && one.follow())
  window.addEventListener('pageshow', () => one.follow())
}
// #endif

// What belonged to the person leaves the phone with the session; the language and the type size stay.
function forget(audience: Audience): void {
  signedIn[audience] = false
  if (audience === 'citizen') forgetActing()
  for (const key of uni.getStorageInfoSync().keys)
    if (key.startsWith(`xinyi.${audience}.`)) uni.removeStorageSync(key)
}

/*
 * Keeps the pages themselves (index.html and the hashed files of this release) on the phone, so that a coupon's code
 * opens in a cellar. Never an answer of the API: what is personal is kept by the pages and leaves with the session.
 */
/* global self, caches, crypto, fetch, Request, URL, setTimeout */
const RELEASE = '__RELEASE__'
const PAGE_SHA256 = '__PAGE_SHA256__'
const FILES = ['__FILES__']
// What only a clerk needs, the decoder of pictures among it: kept as soon as one of them is asked for.
const CLERKS_FILES = ['__CLERKS_FILES__']
const PREFIX = 'xinyi-pages-'
// A network that gives no answer in this time is as good as none.
const PATIENCE_MS = 3000
// A browser opens six connections to a server: the pages' own questions come first.
const LANES = 2

const addressOf = (name) => new URL(name, self.location.href).href
const scope = addressOf('./')

self.addEventListener('install', (event) => {
  event.waitUntil(keepRelease().then(() => self.skipWaiting()))
})

// All or nothing: with a file missing there is no new worker, and the release before goes on.
async function keepRelease() {
  const wasClerks = (await allKept()).some(({ url }) => url.startsWith(addressOf('./assets/pages-staff-')))
  const page = await pageOfThisRelease()
  await caches.open(PREFIX + RELEASE).then((cache) => cache.put(scope, page))
  await keep(wasClerks ? [...FILES, ...CLERKS_FILES] : FILES)
}

async function allKept() {
  const ours = (await caches.keys()).filter((name) => name.startsWith(PREFIX))
  return (await Promise.all(ours.map(async (name) => (await caches.open(name)).keys()))).flat()
}

// A release that goes out this minute, or two servers of two releases, must not leave one's page with the other's files.
async function pageOfThisRelease() {
  const answer = await fetch(new Request(scope, { cache: 'reload' }))
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await answer.clone().arrayBuffer()))
  const hash = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (hash !== PAGE_SHA256) throw new Error('another release')
  return answer
}

async function keep(names) {
  const cache = await caches.open(PREFIX + RELEASE)
  const waiting = [...names]
  const lane = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      // A hashed file of a release before is the same file.
      const kept = await caches.match(addressOf(name))
      if (kept) await cache.put(addressOf(name), kept)
      else await cache.add(addressOf(name))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()))
})

// The release before stays: a page that is still open may yet need a file of it.
async function forgetOld() {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== PREFIX + RELEASE)
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const address = request.url.split(/[?#]/)[0]
  if (request.method !== 'GET') return
  if (address.startsWith(addressOf('./assets/'))) {
    event.respondWith(file(request))
    if (isClerks(address)) event.waitUntil(keepClerks().catch(() => {}))
  } else if (request.mode === 'navigate' && [scope, addressOf('./index.html')].includes(address)) {
    event.respondWith(page(request))
  }
})

const isClerks = (address) => CLERKS_FILES.some((name) => addressOf(name) === address)

let keepingClerks = null
/** Once while this worker is awake; what could not be had is asked for again by the next page. */
function keepClerks() {
  keepingClerks ??= keep(CLERKS_FILES).catch(() => (keepingClerks = null))
  return keepingClerks
}

async function file(request) {
  return (await caches.match(request.url)) ?? fetch(request)
}

/** The newest page where there is a network, else the kept one. */
async function page(request) {
  const kept = caches.open(PREFIX + RELEASE).then((cache) => cache.match(scope))
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
  const fresh = fetch(request)
  try {
    const answer = await Promise.race([fresh, late])
    if (answer && answer.status < 500) return answer
  } catch {
    // no network
  }
  return (await kept) ?? fresh
}

/*
 * Keeps the pages themselves (index.html and the hashed files of this release) on the phone, so that a coupon's code
 * opens in a cellar. Never an answer of the API: what is personal is kept by the pages and leaves with the session.
 */
/* global self, caches, fetch, URL, setTimeout */
const RELEASE = '__RELEASE__'
const FILES = ['__FILES__']
const PREFIX = 'xinyi-pages-'
// A network that gives no answer in this time is as good as none.
const PATIENCE_MS = 3000

self.addEventListener('install', (event) => {
  event.waitUntil(keepRelease().then(() => self.skipWaiting()))
})

async function keepRelease() {
  const cache = await caches.open(PREFIX + RELEASE)
  await Promise.all(
    FILES.map(async (file) => {
      // A hashed file of a release before is the same file.
      const kept = file === './' ? undefined : await caches.match(new URL(file, self.location.href).href)
      if (kept) await cache.put(file, kept)
      else await cache.add(new Request(file, { cache: file === './' ? 'reload' : 'default' }))
    }),
  )
}

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()))
})

// The release before stays: a page that is still open may yet need a file of it.
async function forgetOld() {
  const ours = (await caches.keys()).filter((name) => name.startsWith(PREFIX))
  await Promise.all(ours.slice(0, -2).map((name) => caches.delete(name)))
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const scope = new URL('./', self.location.href)
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== scope.origin) return
  if (url.pathname.startsWith(`${scope.pathname}assets/`)) event.respondWith(file(request))
  else if (request.mode === 'navigate' && [scope.pathname, `${scope.pathname}index.html`].includes(url.pathname))
    event.respondWith(page(request, scope.href))
})

async function file(request) {
  return (await caches.match(request.url)) ?? fetch(request)
}

/** The newest page where there is a network, else the kept one. */
async function page(request, address) {
  const kept = caches.open(PREFIX + RELEASE).then((cache) => cache.match(address))
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

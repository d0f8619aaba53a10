/** Lets the pages open again without a network (H5; a mini-program is on the phone anyway). */
export function openWithoutNetwork(): void {
  // Missing on plain http and in private windows: then the pages need a network, as pages do.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  // The first page comes first: what is kept for later is loaded when there is nothing else to do.
  if (document.readyState === 'complete') whenIdle(register)
  else window.addEventListener('load', () => whenIdle(register), { once: true })
}

const LATEST_MS = 5000

function whenIdle(then: () => void): void {
  if ('requestIdleCallback' in window) window.requestIdleCallback(then, { timeout: LATEST_MS })
  else setTimeout(then, LATEST_MS)
}

function register(): void {
  navigator.serviceWorker.register('./sw.js').catch(() => {})
}

/** Lets the pages open again without a network (H5; a mini-program is on the phone anyway). */
export function openWithoutNetwork(): void {
  // Missing on plain http and in private windows: then the pages need a network, as pages do.
  if (import.meta.env.PROD && 'serviceWorker' in navigator) navigator.serviceWorker.register('./sw.js').catch(() => {})
}

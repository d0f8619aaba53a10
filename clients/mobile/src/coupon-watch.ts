/**
 * Tells the page that something may have happened to a coupon: by the server's stream within a second of the scan,
 * and by asking every two seconds where there is none (mini-programs, a broken stream). A hint, never the truth.
 */
import { citizen, SERVER } from './session'

const ASK_EVERY_MS = 2_000

/**
 * @param look reads the coupon, and says whether it could: a hint that came while there was no network is kept.
 * @returns what ends the watch.
 */
export function watchCoupon(id: string, look: () => Promise<boolean>): () => void {
  let isStreaming = false
  let isOwed = false
  const hint = async () => {
    isOwed = true
    isOwed = !(await look())
  }
  const asking = setInterval(() => {
    if (!isStreaming || isOwed) void hint()
  }, ASK_EVERY_MS)
  // #ifdef H5
  const stopped = new AbortController()
  void stream(id, stopped.signal, () => void hint(), (open) => (isStreaming = open))
  // #endif
  return () => {
    clearInterval(asking)
    // #ifdef H5
    stopped.abort()
    // #endif
  }
}

// #ifdef H5
const LONGEST_PAUSE_MS = 30_000
// The server speaks at least every 15 s; a phone that changed networks would wait for ever otherwise.
const SILENT_AFTER_MS = 20_000

async function stream(id: string, stopped: AbortSignal, hint: () => void, opened: (open: boolean) => void): Promise<void> {
  for (let pause = 1_000; !stopped.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const connection = new AbortController()
    const leave = () => connection.abort()
    stopped.addEventListener('abort', leave)
    let silence = setTimeout(leave, SILENT_AFTER_MS)
    try {
      const used = citizen.authorization()
      const answer = await fetch(`${SERVER}/api/v1/coupons/${encodeURIComponent(id)}/events`, {
        headers: { ...used, Accept: 'text/event-stream' },
        cache: 'no-store',
        signal: connection.signal,
      })
      // Another request may have renewed it meanwhile.
      const isStale = used['Authorization'] !== citizen.authorization()['Authorization']
      if (answer.status === 401 && !isStale && !(await citizen.renew())) return
      // Not his, or not for who acts for him: asking is all there is.
      if (answer.status === 403 || answer.status === 404) return
      if (answer.ok && answer.body) {
        const reader = answer.body.getReader()
        while (!(await reader.read()).done) {
          clearTimeout(silence)
          silence = setTimeout(leave, SILENT_AFTER_MS)
          opened(true)
          pause = 1_000
          // Whatever was said, the coupon itself tells what happened. A sign of life too is an occasion to see what no
          // event is for: a coupon that was revoked, or given back on another phone.
          hint()
        }
      }
    } catch {
      // No network, or silence: come back after a pause, and ask meanwhile.
    } finally {
      opened(false)
      clearTimeout(silence)
      stopped.removeEventListener('abort', leave)
    }
    if (!stopped.aborted) await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
// #endif

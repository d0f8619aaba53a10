/** Times are RFC 3339 on the wire and shown in Asia/Shanghai, wherever the reader's clock is set. */

// China has had no summer time since 1991, and mini-programs have no Intl: eight hours are the whole rule.
const SHANGHAI_MS = 8 * 3600 * 1000

function parts(at: string | number): string {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  return Number.isNaN(ms) ? '' : new Date(ms + SHANGHAI_MS).toISOString()
}

/** `2026-11-27`. */
export const day = (at: string | number): string => parts(at).slice(0, 10)

/** `2026-11-27 09:05`. */
export const minute = (at: string | number): string => parts(at).slice(0, 16).replace('T', ' ')

/** `09:05:07`. */
export const second = (at: string | number): string => parts(at).slice(11, 19)

/** The last day of a time limit that ends, as all of the API's do, where the next day begins. */
export const lastDay = (until: string): string => day(Date.parse(until) - 1)

/** Money is integer fen on the wire and in the code; yuan only on the screen. */

/** As books have it, so that amounts below each other line up: `12345` → `¥123.45`, `12300` → `¥123.00`. */
export function exactYuan(fen: number): string {
  const sign = fen < 0 ? '-' : ''
  const whole = Math.floor(Math.abs(fen) / 100)
  const grouped = String(whole).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${sign}¥${grouped}.${String(Math.abs(fen) % 100).padStart(2, '0')}`
}

/** As people say it, without needless zeros: `12345` → `¥123.45`, `12300` → `¥123`. */
export const yuan = (fen: number): string => exactYuan(fen).replace(/\.00$/, '')

/** What a person typed, in fen: `"128"`, `"128.5"`, `"128.50"`; `null` where it is no amount of up to ten million yuan. */
export function fenOf(typed: string): number | null {
  const match = /^(\d{1,8})(?:\.(\d{1,2}))?$/.exec(typed.trim())
  if (!match) return null
  const fen = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
  return fen <= 1_000_000_000 ? fen : null
}

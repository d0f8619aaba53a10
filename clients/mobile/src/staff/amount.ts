/** An order's amount as it is keyed in: up to seven digits (the service takes no larger order), then at most two decimals. */
export function withKey(typed: string, key: string): string {
  if (key === 'Backspace') return typed.slice(0, -1)
  if (key === '.') return typed.includes('.') ? typed : `${typed || '0'}.`
  const next = typed === '0' ? key : typed + key
  return /^\d{1,7}(\.\d{0,2})?$/.test(next) ? next : typed
}

/** A dot without decimals is a number still being typed. */
export const asNumber = (typed: string): string => typed.replace(/\.$/, '')

/** Until when somebody has to answer, as people say it. */
import { minute } from '@shared/times'
import { language } from '@shared/words'

/** The server's limits end where the next day begins: the end of the day before is easier to grasp. */
export function before(at: string): string {
  if (!minute(at).endsWith('00:00')) return minute(at)
  return `${minute(Date.parse(at) - 1).slice(0, 10)} 24:00`
}

/** The server's note in both languages, in the one that is read. */
export const dueNote = (note: string | null): string => note?.split(' / ')[language.value === 'en' ? 1 : 0] ?? ''

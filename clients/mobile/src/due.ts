/** Until when somebody has to answer, as people say it. */
import { minute } from '@shared/times'

/** The server's limits end where the next day begins: the end of the day before is easier to grasp. */
export function before(at: string): string {
  if (!minute(at).endsWith('00:00')) return minute(at)
  return `${minute(Date.parse(at) - 1).slice(0, 10)} 24:00`
}

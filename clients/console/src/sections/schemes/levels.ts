/** The common ladder that every scheme's bands stand on. */
import { words } from '@shared/words'

const LEVELS = words({ 1: ['差', 'Bad'], 2: ['较差', 'Poor'], 3: ['中等', 'Fair'], 4: ['良好', 'Good'], 5: ['优秀', 'Excellent'] })

export const LADDER = [1, 2, 3, 4, 5] as const
export const levelName = (level: number): string => {
  const name = (LEVELS as Readonly<Record<string, string>>)[String(level)]
  return name ? `${level} ${name}` : String(level)
}

/** Which offices review an application, as the server does it (`alliance/application_reviews.py`); it decides anyway. */
export type Step = 'county_review' | 'city_review'

/** The reviews that a region's applications go through: one of a city or of the province skips the county. */
export function stepsOf(region: string, reviewLevels: number): Step[] {
  if (region.endsWith('00')) return ['city_review']
  return (['county_review', 'city_review'] as const).slice(0, reviewLevels)
}

/** Whose office acts in a state. */
export function officeOf(region: string, state: string): string {
  return state === 'city_review' && !region.endsWith('00') ? `${region.slice(0, 4)}00` : region
}

/** Whether an admin of a region may act for that office: its own, or the province's. */
export const actsFor = (mine: string | null, office: string): boolean => mine === office || mine === `${office.slice(0, 2)}0000`

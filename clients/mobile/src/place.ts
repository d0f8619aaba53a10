/** Where the phone is, only if its owner asked for what is near; kept in memory, never on the phone. */
import { ref, type Ref } from 'vue'
import { fill, words } from '@shared/words'

export interface Place {
  lat: number
  lng: number
}

export const here: Ref<Place | null> = ref(null)

/** Asks the phone; false if its owner or the phone said no, which is fine. */
export function findHere(): Promise<boolean> {
  return new Promise((resolve) => {
    void uni.getLocation({
      type: 'wgs84',
      highAccuracyExpireTime: 8000,
      success: ({ latitude, longitude }) => {
        // About a hundred metres: enough to sort shops by, and no more than that leaves the phone.
        here.value = { lat: rounded(latitude), lng: rounded(longitude) }
        resolve(true)
      },
      fail: () => resolve(false),
    })
  })
}

const rounded = (degrees: number): number => Math.round(degrees * 1000) / 1000

const EARTH_KM = 6371

/** Kilometres as the crow flies. */
export function kmBetween(a: Place, b: Place): number {
  const rad = Math.PI / 180
  const lat = Math.sin(((b.lat - a.lat) * rad) / 2)
  const lng = Math.sin(((b.lng - a.lng) * rad) / 2)
  const part = lat * lat + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * lng * lng
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(part)))
}

const t = words({
  m: ['{n} 米', '{n} m'],
  km: ['{n} 公里', '{n} km'],
})

/** `0.34` → `340 米`, `3.21` → `3.2 公里`; in English m and km. */
export function distanceText(km: number): string {
  if (km < 1) return fill(t.m, { n: Math.max(10, Math.round(km * 100) * 10) })
  return fill(t.km, { n: km < 100 ? km.toFixed(1) : Math.round(km) })
}

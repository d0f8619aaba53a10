/** A bright screen that stays awake while a code is shown, where the phone lets a page ask for it. */

// #ifdef H5
let lock: WakeLockSentinel | null = null
let isWanted = false
// #endif
// #ifndef H5
let before: number | null = null
// #endif

export function makeBright(): void {
  // #ifdef H5
  isWanted = true
  // Missing on plain http and in old browsers; refused on a low battery: then the screen dims as it always does.
  navigator.wakeLock?.request('screen').then(
    (granted) => {
      if (isWanted) lock = granted
      else void granted.release()
    },
    () => {},
  )
  // #endif
  // #ifndef H5
  uni.setKeepScreenOn({ keepScreenOn: true })
  uni.getScreenBrightness({
    success: ({ value }) => {
      before ??= value
      uni.setScreenBrightness({ value: 1 })
    },
  })
  // #endif
}

/** As it was before. */
export function makeNormal(): void {
  // #ifdef H5
  isWanted = false
  void lock?.release()
  lock = null
  // #endif
  // #ifndef H5
  uni.setKeepScreenOn({ keepScreenOn: false })
  if (before !== null) uni.setScreenBrightness({ value: before })
  before = null
  // #endif
}

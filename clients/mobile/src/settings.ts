/** What a person chose on this phone: language and elder mode. Kept on the phone, never sent. */
import { ref, watch } from 'vue'
import { language, type Language } from '@shared/words'

const KEPT = 'xinyi.settings'

interface Kept {
  language: Language
  elder: boolean
}

/** 长辈模式: type of 24 px and more, fewer things on a screen, nothing that times out on the reader. */
export const elder = ref(false)

/** Takes what was chosen before; on the first start the phone's own language and type size speak. */
export function loadSettings(): void {
  const kept = uni.getStorageSync(KEPT) as Kept | ''
  language.value = kept ? kept.language : firstLanguage()
  elder.value = kept ? kept.elder : isLargeType()
  follow()
}

watch([language, elder], () => {
  uni.setStorageSync(KEPT, { language: language.value, elder: elder.value } satisfies Kept)
  follow()
})

function follow(): void {
  // #ifdef H5
  document.documentElement.lang = language.value
  // #endif
}

function firstLanguage(): Language {
  return uni.getLocale().startsWith('en') ? 'en' : 'zh-CN'
}

// A phone whose own type is set large starts in elder mode.
function isLargeType(): boolean {
  let factor = 1
  // #ifdef MP-WEIXIN
  factor = wx.getAppBaseInfo().fontSizeScaleFactor ?? 1
  // #endif
  return factor >= 1.3
}

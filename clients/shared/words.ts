/** Words in Chinese and English, kept beside the screen that shows them; the language is one reactive value. */
import { reactive, ref, type Ref } from 'vue'

export type Language = 'zh-CN' | 'en'

/** Chinese first, English second. */
type Words = Record<string, readonly [zh: string, en: string]>

export const language: Ref<Language> = ref('zh-CN')

/**
 * The words of one screen in the language of the moment: `const t = words({ title: ['我的券', 'My coupons'] })`,
 * then `t.title`. `{name}` in a sentence is filled by `fill(t.sentence, { name })`.
 */
export function words<W extends Words>(both: W): Readonly<Record<keyof W, string>> {
  const place = () => (language.value === 'en' ? 1 : 0)
  const found = {} as Record<keyof W, string>
  for (const key of Object.keys(both) as (keyof W)[]) {
    Object.defineProperty(found, key, { enumerable: true, get: () => both[key]![place()] })
  }
  return reactive(found) as Readonly<Record<keyof W, string>>
}

/** Puts values into a sentence: `fill('还剩 {n} 份', { n: 3 })`. A name that is not given stays visible. */
export function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

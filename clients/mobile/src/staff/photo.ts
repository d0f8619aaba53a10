/** A code out of a photo, where the camera itself can't be had: an address without https, or one not allowed. */
// #ifdef H5
import { read, warmUp } from './reader'

// Enough for a code that fills a tenth of the picture, and quick on a weak phone.
const LARGEST_PX = 1600

/** Lets the person take or choose a photo; `null` where there is no code in it. Never settles when he cancels. */
export function pickPhoto(): Promise<string | null> {
  warmUp()
  return new Promise((resolve, reject) => {
    const input = document.createElement('input')
    input.type = 'file'
    input.accept = 'image/*'
    input.setAttribute('capture', 'environment')
    input.onchange = () => {
      const file = input.files?.[0]
      if (file) decode(file).then(resolve, reject)
    }
    input.click()
  })
}

async function decode(file: File): Promise<string | null> {
  const whole = await createImageBitmap(file).catch(() => null)
  // No picture at all has no code either.
  if (!whole) return null
  const scale = Math.min(1, LARGEST_PX / Math.max(whole.width, whole.height))
  if (scale === 1) return read(whole)
  const small = await createImageBitmap(file, { resizeWidth: Math.round(whole.width * scale), resizeHeight: Math.round(whole.height * scale), resizeQuality: 'high' })
  return (await read(small)) ?? read(whole)
}
// #endif
export {}

/**
 * Reads a QR code out of a picture. Browser only (mini-programs scan by themselves); loaded when the first picture is
 * there to be read, because the decoder is a megabyte. Its wasm lies beside our own files: no other host is asked.
 */
// #ifdef H5
import wasm from 'zxing-reader-wasm?url'

let reader: Promise<{ detect(picture: ImageBitmapSource): Promise<{ rawValue: string }[]> }> | null = null

async function load() {
  const { BarcodeDetector, prepareZXingModule } = await import('./decoder')
  // Awaited here, so that a wasm that did not come is asked for again by the next picture.
  await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true })
  return new BarcodeDetector({ formats: ['qr_code'] })
}

/** Begins to fetch the decoder while the camera warms up. */
export function warmUp(): void {
  reader ??= load().catch((error: unknown) => {
    reader = null
    throw error
  })
  reader.catch(() => {})
}

/** The text of the first code in the picture, or `null`. Rejects where the decoder could not be loaded. */
export async function read(picture: ImageBitmapSource): Promise<string | null> {
  warmUp()
  const found = await (await reader!).detect(picture)
  return found[0]?.rawValue ?? null
}
// #endif
// Keeps the file a module where the browser's part is left out.
export {}

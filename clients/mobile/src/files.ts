/** Files that are sent in as evidence and fetched back, in a browser and in the mini-programs. */
import { Offline, Problem, problemOf, type RawFile } from '@shared/api'
import { words } from '@shared/words'
import { headerFor, SERVER } from './session'

/** What the server takes; it looks at the content too. */
export const TAKEN = ['application/pdf', 'image/jpeg', 'image/png'] as const
const MOST_MB = 10

export interface Chosen {
  bytes: Blob | ArrayBuffer
  type: (typeof TAKEN)[number]
  /** What it will be called: its own name may tell more than it should, and stays on the phone. */
  name: string
}
/** A file that the server would not take either: says at once what to do instead. */
export class NotTaken extends Error {}

const t = words({
  large: ['文件太大，最多 10 MB。请换一张小一点的照片，或分成几份。', 'The file is too large; 10 MB at most. Take a smaller photo, or split it.'],
  empty: ['文件是空的。请换一个文件。', 'The file is empty. Choose another one.'],
  kind: ['只收照片（JPG、PNG）和 PDF 文件。请换一个文件，或拍一张照片。', 'Photos (JPG, PNG) and PDF files only. Choose another file, or take a photo.'],
  unread: ['读不到这个文件。请再选一次。', 'The file could not be read. Choose it again.'],
  name: ['材料', 'evidence'],
})
const ENDINGS = { 'application/pdf': 'pdf', 'image/jpeg': 'jpg', 'image/png': 'png' } as const

function checked(bytes: Blob | ArrayBuffer, size: number, said: string, number: number): Chosen {
  const type = TAKEN.find((taken) => taken === said)
  if (!type) throw new NotTaken(t.kind)
  if (size === 0) throw new NotTaken(t.empty)
  if (size > MOST_MB * 1024 * 1024) throw new NotTaken(t.large)
  return { bytes, type, name: `${t.name}${number}.${ENDINGS[type]}` }
}

/** What one upload hands to the API client. */
export const rawOf = (file: Chosen, onSent: (share: number) => void): RawFile => ({ bytes: file.bytes, type: file.type, onSent })

/**
 * Fetches a file of the citizen's: a browser gets it to keep, a mini-program shows it, a picture in full and a PDF in
 * the platform's reader.
 */
export function fetchFile(path: string, name: string): Promise<void> {
  // #ifdef H5
  return handOver(path, name)
  // #endif
  // #ifndef H5
  return show(path, name)
  // #endif
}

// #ifdef H5
/** A file of an `<input type="file">`; `number` is its place among those that are there. */
export const chosenOf = (file: File, number: number): Chosen => checked(file, file.size, file.type, number)

async function handOver(path: string, name: string): Promise<void> {
  const answer = await asked(path)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await answer.blob())
  link.download = name
  link.click()
  // The browser has it once the click is over; the page lets go of it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

async function asked(path: string): Promise<Response> {
  let answer = await once(path, await headerFor(false))
  if (answer.status === 401) answer = await once(path, await headerFor(true))
  if (answer.ok) return answer
  const text = await answer.text()
  throw problemOf({ status: answer.status, header: (name) => answer.headers.get(name), text })
}

function once(path: string, used: Record<string, string> | null): Promise<Response> {
  const headers = { ...used, 'Accept-Language': document.documentElement.lang }
  return fetch(`${SERVER}/api/v1${path}`, { headers, cache: 'no-store' }).catch(() => {
    throw new Offline('offline')
  })
}
// #endif

// #ifndef H5
/** Takes a photo or chooses one; null if its owner thought better of it. */
export async function choosePicture(number: number): Promise<Chosen | null> {
  const path = await new Promise<string | null>((resolve) => {
    void uni.chooseImage({
      count: 1,
      sizeType: ['compressed'],
      success: ({ tempFilePaths }) => resolve([tempFilePaths].flat()[0] ?? null),
      fail: () => resolve(null),
    })
  })
  if (path === null) return null
  const bytes = await new Promise<ArrayBuffer>((resolve, reject) => {
    uni.getFileSystemManager().readFile({
      filePath: path,
      success: ({ data }) => resolve(data as ArrayBuffer),
      fail: () => reject(new NotTaken(t.unread)),
    })
  })
  return checked(bytes, bytes.byteLength, typeOf(new Uint8Array(bytes.slice(0, 4))), number)
}

/** A temporary file's name says nothing certain of it; how it begins does. */
function typeOf(first: Uint8Array): string {
  if (first[0] === 0xff && first[1] === 0xd8) return 'image/jpeg'
  return first[0] === 0x89 && first[1] === 0x50 ? 'image/png' : ''
}

async function show(path: string, name: string): Promise<void> {
  let answer = await download(path, await headerFor(false))
  if (answer.statusCode === 401) answer = await download(path, await headerFor(true))
  if (answer.statusCode !== 200) throw new Problem(answer.statusCode, 'unknown', '')
  if (/\.(jpg|png)$/.test(name)) void uni.previewImage({ urls: [answer.tempFilePath] })
  else void uni.openDocument({ filePath: answer.tempFilePath, fileType: 'pdf', showMenu: true })
}

function download(path: string, used: Record<string, string> | null): Promise<UniApp.DownloadSuccessData> {
  return new Promise((resolve, reject) => {
    void uni.downloadFile({
      url: `${SERVER}/api/v1${path}`,
      header: used ?? {},
      success: resolve,
      fail: () => reject(new Offline('offline')),
    })
  })
}
// #endif

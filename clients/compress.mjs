// node compress.mjs FOLDER: a .br and a .gz beside every file of a build that gets smaller by it. Its index.html is
// touched last: for make the build is done then, and the service reads it.
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { promisify } from 'node:util'

const KINDS = new Set(['.html', '.js', '.mjs', '.css', '.json', '.svg', '.txt', '.webmanifest', '.wasm', '.ttf'])
const SMALLEST = 1024 // bytes

const folder = process.argv[2]
const files = readdirSync(folder, { recursive: true })
  .map((name) => join(folder, name))
  .filter((path) => KINDS.has(extname(path)) && statSync(path).size > SMALLEST)

await Promise.all(
  files.map(async (path) => {
    const body = readFileSync(path)
    const forms = {
      '.br': await promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
      '.gz': await promisify(gzip)(body, { level: 9 }),
    }
    for (const [suffix, form] of Object.entries(forms)) {
      if (form.length < body.length) writeFileSync(path + suffix, form)
    }
  }),
)
const now = new Date()
utimesSync(join(folder, 'index.html'), now, now)

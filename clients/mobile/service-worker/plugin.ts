/** Puts the service worker of a release beside its pages: `sw.js`, which knows the files by name. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

export function serviceWorker(): Plugin {
  let folder = ''
  return {
    name: 'xinyi-service-worker',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      folder = config.build.outDir
    },
    closeBundle: {
      // Only when every file is written can they be named.
      sequential: true,
      order: 'post',
      handler() {
        if (process.env['UNI_PLATFORM'] !== 'h5') return
        const files = ['./', ...readdirSync(join(folder, 'assets')).sort().map((name) => `./assets/${name}`)]
        // The names carry the content of all but the page itself.
        const release = createHash('sha256')
          .update(files.join('\n'))
          .update(readFileSync(join(folder, 'index.html')))
          .digest('hex')
          .slice(0, 12)
        const source = readFileSync(new URL('./sw.js', import.meta.url), 'utf8')
        writeFileSync(
          join(folder, 'sw.js'),
          source.replace('__RELEASE__', release).replace("['__FILES__']", JSON.stringify(files, null, 2)),
        )
      },
    },
  }
}

/** Puts the service worker of a release beside its pages: `sw.js`, which knows the files by name. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin, Rollup } from 'vite'

const FOLDER = 'assets'

export function serviceWorker(): Plugin {
  let folder = ''
  let clerks = new Set<string>()
  return {
    name: 'xinyi-service-worker',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      folder = config.build.outDir
    },
    writeBundle(_options, bundle) {
      clerks = onlyForClerks(bundle)
    },
    closeBundle: {
      // Only when every file is written can they be named.
      sequential: true,
      order: 'post',
      handler() {
        if (process.env['UNI_PLATFORM'] !== 'h5') return
        const names = readdirSync(join(folder, FOLDER)).sort().map((name) => `${FOLDER}/${name}`)
        writeFileSync(join(folder, 'sw.js'), worker(names, readFileSync(join(folder, 'index.html'))))
      },
    },
  }

  function worker(names: string[], page: Buffer): string {
    const source = readFileSync(new URL('./sw.js', import.meta.url), 'utf8')
    const hash = (...parts: (string | Buffer)[]) => parts.reduce((all, part) => all.update(part), createHash('sha256')).digest('hex')
    const list = (some: string[]) => JSON.stringify(some.map((name) => `./${name}`), null, 2)
    return (
      source
        // The names carry the content of all but the page and the worker themselves.
        .replace('__RELEASE__', hash(names.join('\n'), page, source).slice(0, 12))
        .replace('__PAGE_SHA256__', hash(page))
        .replace("['__FILES__']", list(names.filter((name) => !clerks.has(name))))
        .replace("['__CLERKS_FILES__']", list(names.filter((name) => clerks.has(name))))
    )
  }
}

/** The files that only the clerk's pages lead to. */
function onlyForClerks(bundle: Rollup.OutputBundle): Set<string> {
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
  const isClerks = (chunk: Rollup.OutputChunk) => /\/src\/(pages\/)?staff\//.test(chunk.facadeModuleId ?? '')
  const everybodys = reachable(chunks.filter((chunk) => chunk.isEntry), isClerks)
  return new Set([...reachable(chunks.filter(isClerks), () => false)].filter((name) => !everybodys.has(name)))

  function reachable(from: Rollup.OutputChunk[], isLeftOut: typeof isClerks): Set<string> {
    const found = new Set<string>()
    const waiting = [...from]
    for (let chunk = waiting.pop(); chunk; chunk = waiting.pop()) {
      if (found.has(chunk.fileName) || isLeftOut(chunk)) continue
      found.add(chunk.fileName)
      for (const name of [...(chunk.viteMetadata?.importedCss ?? []), ...(chunk.viteMetadata?.importedAssets ?? [])]) found.add(name)
      for (const name of [...chunk.imports, ...chunk.dynamicImports]) {
        const next = bundle[name]
        if (next?.type === 'chunk') waiting.push(next)
      }
    }
    return found
  }
}

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import uniModule from '@dcloudio/vite-plugin-uni'
import { defineConfig, type Plugin } from 'vite'
import { onlyOwnHost } from './only-own-host'
import { serviceWorker } from './service-worker/plugin'

// The plugin is CommonJS: a module loader hands over its exports object.
const uni = ((uniModule as unknown as { default?: unknown }).default ?? uniModule) as () => Plugin[]

// The decoder's wasm must be of the very version that barcode-detector was built for: its own dependency, wherever
// npm laid it. Only the browser's pages import it.
const detector = createRequire(createRequire(import.meta.url).resolve('barcode-detector'))

export default defineConfig({
  base: './',
  plugins: [uni(), onlyOwnHost(), serviceWorker()],
  resolve: {
    alias: [
      { find: '@shared', replacement: fileURLToPath(new URL('../shared', import.meta.url)) },
      { find: /^zxing-reader-wasm/, replacement: detector.resolve('zxing-wasm/reader/zxing_reader.wasm') },
    ],
  },
  build: { target: 'es2018', sourcemap: false },
  server: { port: 5173, proxy: { '/api': process.env.SERVER ?? 'http://127.0.0.1:8000' } },
})

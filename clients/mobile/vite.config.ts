import { fileURLToPath } from 'node:url'
import uniModule from '@dcloudio/vite-plugin-uni'
import { defineConfig, type Plugin } from 'vite'
import { onlyOwnHost } from './only-own-host'
import { serviceWorker } from './service-worker/plugin'

// The plugin is CommonJS: a module loader hands over its exports object.
const uni = ((uniModule as unknown as { default?: unknown }).default ?? uniModule) as () => Plugin[]

export default defineConfig({
  base: './',
  plugins: [uni(), onlyOwnHost(), serviceWorker()],
  resolve: { alias: { '@shared': fileURLToPath(new URL('../shared', import.meta.url)) } },
  build: { target: 'es2018', sourcemap: false },
  server: { port: 5173, proxy: { '/api': process.env.SERVER ?? 'http://127.0.0.1:8000' } },
})

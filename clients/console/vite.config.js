import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig } from 'vite'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const server = { target: 'http://127.0.0.1:8000' }

export default defineConfig({
  base: '/console/',
  plugins: [
    vue(),
    // Only <el-…> comes by itself; our own components are imported by name, so that a reader finds them.
    Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver()] }),
  ],
  resolve: {
    alias: { '@': here('./src'), '@shared': here('../shared') },
    // shared/ has no node_modules of its own
    dedupe: ['vue'],
  },
  server: { proxy: { '/api': server, '/healthz': server }, fs: { allow: [here('..')] } },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The Content-Security-Policy has no data: for fonts and scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
  },
})

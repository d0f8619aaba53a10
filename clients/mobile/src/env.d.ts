/// <reference types="vite/client" />
declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent
  export default component
}

interface ImportMetaEnv {
  /** The server's address for mini-programs, which have no page of their own to ask. */
  readonly VITE_SERVER?: string
}
/** The part of WeChat's own interface that uni-app does not pass on. */
declare const wx: { getAppBaseInfo(): { fontSizeScaleFactor?: number } }
/** The address of the decoder's wasm in the build (an alias in vite.config.ts). */
declare module 'zxing-reader-wasm?url' {
  const url: string
  export default url
}

/// <reference types="vite/client" />
import type { Words2 } from '@/sections'

declare module 'vue-router' {
  interface RouteMeta {
    /** Heading of the browser's tab, Chinese and English. */
    title?: Words2
    /** The right that the page needs (`rights.ts`); without one, whoever is signed in. */
    may?: string
    /** What counts in the whole province: of the office, only its admins are answered. */
    isProvinces?: boolean
    /** For whom: the alliance office (the default) or a member's people. */
    audience?: 'admin' | 'member'
    /** Open to everybody: the sign-in page and its like. */
    open?: boolean
  }
}

import { createSSRApp } from 'vue'
import App from './App.vue'

/** What uni-app calls once on every platform. */
export function createApp() {
  return { app: createSSRApp(App) }
}

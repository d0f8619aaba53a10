import { createApp, watch } from 'vue'
import { language } from '@shared/words'
import '@shared/tokens.css'
import 'element-plus/es/components/base/style/css'
import './style.css'
import App from './App.vue'
import { router, showTitle } from './router'
import { readAccount } from './session'

const KEY = 'console.language'
if (localStorage.getItem(KEY) === 'en') language.value = 'en'
watch(
  language,
  (now) => {
    localStorage.setItem(KEY, now)
    document.documentElement.lang = now
    showTitle()
  },
  { immediate: true },
)

createApp(App).use(router).mount('#app')
// Not before the first page is known: if the session is over, the wish to come back names it.
void router.isReady().then(readAccount)

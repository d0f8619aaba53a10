import { nextTick } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { language } from '@shared/words'
import { api, whenEnded } from './api'
import { sections } from './sections'
import { forget, keepsOut, whenSignedOutElsewhere, who } from './session'

const open: RouteRecordRaw[] = [
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('./pages/SignInPage.vue'),
    meta: { open: true, title: ['登录', 'Sign in'] },
  },
  {
    path: '/invitation',
    name: 'invitation',
    component: () => import('./pages/EnrolPage.vue'),
    props: { purpose: 'invitation' },
    meta: { open: true, title: ['接受邀请', 'Accept an invitation'] },
  },
  {
    path: '/reset',
    name: 'reset',
    component: () => import('./pages/EnrolPage.vue'),
    props: { purpose: 'reset' },
    meta: { open: true, title: ['重设密码和验证器', 'Reset password and authenticator'] },
  },
]

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  scrollBehavior: (to, from, saved) => saved ?? (to.name === from.name ? false : { top: 0 }),
  routes: [
    ...open,
    ...sections.flatMap((section) => section.routes),
    {
      path: '/no-right',
      name: 'no-right',
      component: () => import('./pages/NothingHerePage.vue'),
      props: (route) => ({ why: route.query['why'] === 'provinceAlone' ? 'provinceAlone' : 'noRight' }),
      meta: { title: ['没有权限', 'Not allowed'] },
    },
    {
      path: '/:rest(.*)*',
      name: 'missing',
      component: () => import('./pages/NothingHerePage.vue'),
      props: { why: 'missing' },
      meta: { title: ['找不到页面', 'Page not found'] },
    },
  ],
})

router.beforeEach((to) => {
  if (to.meta.open) return true
  if (!api.isSignedIn || !who.value) return { name: 'sign-in', query: to.path === '/' ? {} : { to: to.fullPath } }
  const why = keepsOut(to.meta)
  return why ? { name: 'no-right', query: why === 'provinceAlone' ? { why } : {} } : true
})

/** Where the wish to come back may lead: a path of this console and no other place. */
export const wishedFor = (to: unknown): string => (typeof to === 'string' && /^\/(?![/\\])/.test(to) ? to : '/')

export function showTitle(): void {
  const title = router.currentRoute.value.meta.title?.[language.value === 'en' ? 1 : 0]
  const house = language.value === 'en' ? 'Xinyi Alliance console' : '信惠联管理台'
  document.title = title ? `${title} · ${house}` : house
}

router.afterEach(async (to, from) => {
  showTitle()
  if (to.name === from.name || !from.name) return
  // Whoever can't see the change hears it: the new page's heading takes the focus.
  await nextTick()
  focusHeading()
})

/** After a change that took away the button it was made with: the focus must not be lost. */
export function keepFocus(): void {
  if (document.activeElement === null || document.activeElement === document.body) focusHeading()
}

/** Moves the focus to the heading of the page, waiting a moment for a page that is still being loaded. */
export function focusHeading(tries = 10): void {
  const heading = document.querySelector<HTMLElement>('main h1')
  if (heading) {
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  } else if (tries > 0) {
    setTimeout(() => focusHeading(tries - 1), 50)
  }
}

whenEnded(leave)
whenSignedOutElsewhere(leave)

function leave(): void {
  forget()
  const here = router.currentRoute.value
  if (!here.meta.open) void router.push({ name: 'sign-in', query: { to: here.fullPath, ended: '1' } })
}

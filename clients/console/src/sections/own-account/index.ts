import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/account',
      name: 'own-account',
      component: () => import('./AccountPage.vue'),
      meta: { title: ['我的账号', 'My account'], audience: 'member' },
    },
  ],
  menu: [{ group: 'own', order: 90, to: 'own-account', label: ['我的账号', 'My account'], audience: 'member' }],
}

import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/account',
      name: 'account',
      component: () => import('./AccountPage.vue'),
      meta: { title: ['我的账号', 'My account'], audience: 'admin', may: 'account.own' },
    },
  ],
  menu: [{ group: 'system', order: 90, to: 'account', label: ['我的账号', 'My account'], may: 'account.own' }],
}

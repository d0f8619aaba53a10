import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/numbers',
      name: 'own-numbers',
      component: () => import('./NumbersPage.vue'),
      meta: { title: ['经营数据', 'Figures'], audience: 'member', may: 'numbers.read' },
    },
  ],
  menu: [{ group: 'own', order: 15, to: 'own-numbers', label: ['经营数据', 'Figures'], audience: 'member', may: 'numbers.read' }],
}

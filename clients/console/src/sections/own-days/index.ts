import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/days',
      name: 'own-days',
      component: () => import('./DaysPage.vue'),
      meta: { title: ['日结', 'Day-closes'], audience: 'member', may: 'day_close.read' },
    },
  ],
  menu: [{ group: 'own', order: 48, to: 'own-days', label: ['日结', 'Day-closes'], audience: 'member', may: 'day_close.read' }],
}

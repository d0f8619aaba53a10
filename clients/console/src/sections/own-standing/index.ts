import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/standing',
      name: 'own-standing',
      component: () => import('./StandingPage.vue'),
      meta: { title: ['成员资格', 'Standing'], audience: 'member', may: 'membership.read' },
    },
  ],
  menu: [{ group: 'own', order: 10, to: 'own-standing', label: ['成员资格', 'Standing'], audience: 'member', may: 'membership.read' }],
}

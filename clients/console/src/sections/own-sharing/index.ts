import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/sharing/:id?',
      name: 'own-sharing',
      component: () => import('./SharingPage.vue'),
      meta: { title: ['优惠分担', 'Shares to bear'], audience: 'member', may: 'share_consent.read' },
    },
  ],
  menu: [{ group: 'own', order: 25, to: 'own-sharing', label: ['优惠分担', 'Shares to bear'], audience: 'member', may: 'share_consent.read' }],
}

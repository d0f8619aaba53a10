import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/sharing/:id?',
      name: 'own-sharing',
      component: () => import('./SharingPage.vue'),
      meta: { title: ['待同意的承担', 'Shares to agree to'], audience: 'member', may: 'share_consent.read' },
    },
  ],
  menu: [{ group: 'own', order: 25, to: 'own-sharing', label: ['待同意的承担', 'Shares to agree to'], audience: 'member', may: 'share_consent.read' }],
}

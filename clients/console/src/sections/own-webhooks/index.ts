import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/webhooks/:id?',
      name: 'own-webhooks',
      component: () => import('./WebhooksPage.vue'),
      meta: { title: ['收银系统推送', 'Webhooks'], audience: 'member', may: 'webhook.read' },
    },
  ],
  menu: [{ group: 'own', order: 80, to: 'own-webhooks', label: ['收银系统推送', 'Webhooks'], audience: 'member', may: 'webhook.read' }],
}

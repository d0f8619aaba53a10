import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/objections/:id?',
      name: 'own-objections',
      component: () => import('./ObjectionsPage.vue'),
      meta: { title: ['我的异议与信用修复', 'Objections and repairs'], audience: 'member', may: 'objection.read' },
    },
  ],
  menu: [{ group: 'own', order: 15, to: 'own-objections', label: ['我的异议与信用修复', 'Objections and repairs'], audience: 'member', may: 'objection.read' }],
}

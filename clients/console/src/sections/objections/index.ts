import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/objections/:id?',
      name: 'objections',
      component: () => import('./ObjectionsPage.vue'),
      meta: { title: ['异议与信用修复', 'Objections and repairs'], may: 'objection.read' },
    },
  ],
  menu: [{ group: 'citizens', order: 30, to: 'objections', label: ['异议与信用修复', 'Objections and repairs'], may: 'objection.read' }],
}

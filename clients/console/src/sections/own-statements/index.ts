import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/statements/:id?',
      name: 'own-statements',
      component: () => import('./StatementsPage.vue'),
      meta: { title: ['对账单', 'Statements'], audience: 'member', may: 'statement.read' },
    },
  ],
  menu: [{ group: 'own', order: 50, to: 'own-statements', label: ['对账单', 'Statements'], audience: 'member', may: 'statement.read' }],
}

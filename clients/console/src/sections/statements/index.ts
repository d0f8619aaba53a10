import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/statements/:id?',
      name: 'statements',
      component: () => import('./StatementsPage.vue'),
      meta: { title: ['对账单', 'Statements'], may: 'statement.read' },
    },
    {
      path: '/statement-sums',
      name: 'statement-sums',
      component: () => import('./SumsPage.vue'),
      meta: { title: ['对账汇总', 'Sums of statements'], may: 'statement.read' },
    },
    {
      path: '/statement-exports',
      name: 'statement-exports',
      component: () => import('./ExportsPage.vue'),
      meta: { title: ['对账导出', 'Exports of statements'], may: 'export.read' },
    },
  ],
  menu: [
    { group: 'statements', order: 10, to: 'statements', label: ['对账单', 'Statements'], may: 'statement.read' },
    { group: 'statements', order: 20, to: 'statement-sums', label: ['对账汇总', 'Sums'], may: 'statement.read' },
    { group: 'statements', order: 30, to: 'statement-exports', label: ['对账导出', 'Exports'], may: 'export.read' },
  ],
}

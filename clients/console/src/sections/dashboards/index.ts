import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/numbers',
      name: 'numbers',
      component: () => import('./DashboardPage.vue'),
      meta: { title: ['数据概览', 'Figures'], may: 'numbers.read' },
    },
  ],
  menu: [{ group: 'numbers', order: 10, to: 'numbers', label: ['数据概览', 'Figures'], may: 'numbers.read' }],
}

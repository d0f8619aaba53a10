import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/policies/:code?',
      name: 'policies',
      component: () => import('./PolicyPage.vue'),
      meta: { title: ['入盟规则', 'Policies'], may: 'policy.read' },
    },
  ],
  menu: [{ group: 'members', order: 40, to: 'policies', label: ['地区入盟规则', 'Policies'], may: 'policy.read' }],
}

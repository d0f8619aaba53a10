import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/approvals/:id?',
      name: 'approvals',
      component: () => import('./ApprovalsPage.vue'),
      meta: { title: ['两人审批', 'Second admin'], may: 'approval.read' },
    },
  ],
  menu: [{ group: 'work', order: 5, to: 'approvals', label: ['两人审批', 'Second admin'], may: 'approval.read' }],
}

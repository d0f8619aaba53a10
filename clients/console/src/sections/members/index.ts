import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/members/:id?',
      name: 'members',
      component: () => import('./MembersPage.vue'),
      meta: { title: ['成员', 'Members'], may: 'member.read' },
    },
  ],
  menu: [{ group: 'members', order: 10, to: 'members', label: ['成员名录', 'Members'], may: 'member.read' }],
}

import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/staff/:id?',
      name: 'own-staff',
      component: () => import('./StaffPage.vue'),
      meta: { title: ['人员', 'People'], audience: 'member', may: 'staff.read' },
    },
  ],
  menu: [{ group: 'own', order: 40, to: 'own-staff', label: ['人员', 'People'], audience: 'member', may: 'staff.read' }],
}

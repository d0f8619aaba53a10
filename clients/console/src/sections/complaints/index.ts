import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/complaints/:id?',
      name: 'complaints',
      component: () => import('./ComplaintsPage.vue'),
      meta: { title: ['投诉', 'Complaints'], may: 'complaint.read' },
    },
  ],
  menu: [{ group: 'citizens', order: 5, to: 'complaints', label: ['投诉', 'Complaints'], may: 'complaint.read' }],
}

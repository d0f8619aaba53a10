import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/complaints/:id?',
      name: 'own-complaints',
      component: () => import('./ComplaintsPage.vue'),
      meta: { title: ['收到的投诉', 'Complaints'], audience: 'member', may: 'complaint.read' },
    },
  ],
  menu: [{ group: 'own', order: 60, to: 'own-complaints', label: ['收到的投诉', 'Complaints'], audience: 'member', may: 'complaint.read' }],
}

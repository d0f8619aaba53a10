import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/guardianships/:id?',
      name: 'guardianships',
      component: () => import('./GuardianshipsPage.vue'),
      meta: { title: ['监护关系', 'Guardianships'], may: 'guardianship.read' },
    },
  ],
  menu: [{ group: 'citizens', order: 50, to: 'guardianships', label: ['监护关系', 'Guardianships'], may: 'guardianship.read' }],
}

import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/declarations/:id?',
      name: 'declarations',
      component: () => import('./DeclarationsPage.vue'),
      meta: { title: ['自主申报', 'Declarations'], may: 'declaration.read' },
    },
  ],
  menu: [{ group: 'citizens', order: 40, to: 'declarations', label: ['自主申报', 'Declarations'], may: 'declaration.read' }],
}

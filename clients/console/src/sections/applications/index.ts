import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/applications',
      meta: { title: ['入盟申请', 'Applications'], may: 'application.read' },
      children: [
        { path: '', name: 'applications', component: () => import('./ApplicationsPage.vue') },
        { path: ':id', name: 'application', component: () => import('./ApplicationPage.vue'), props: true },
      ],
    },
  ],
  menu: [{ group: 'members', order: 5, to: 'applications', label: ['入盟申请', 'Applications'], may: 'application.read' }],
}

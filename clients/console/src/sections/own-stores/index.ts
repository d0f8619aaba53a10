import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/stores/:id?',
      name: 'own-stores',
      component: () => import('./StoresPage.vue'),
      meta: { title: ['门店', 'Stores'], audience: 'member', may: 'store.read' },
    },
  ],
  menu: [{ group: 'own', order: 30, to: 'own-stores', label: ['门店', 'Stores'], audience: 'member', may: 'store.read' }],
}

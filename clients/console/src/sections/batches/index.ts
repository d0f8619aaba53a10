import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/credit-batches/:id?',
      name: 'batches',
      component: () => import('./BatchesPage.vue'),
      meta: { title: ['信用数据批次', 'Credit batches'], may: 'credit_batch.read', isProvinces: true },
    },
  ],
  menu: [{ group: 'credit', order: 30, to: 'batches', label: ['信用数据批次', 'Credit batches'], may: 'credit_batch.read' }],
}

import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/data-quality',
      name: 'quality',
      component: () => import('./QualityPage.vue'),
      meta: { title: ['数据质量', 'Data quality'], may: 'credit_batch.read', isProvinces: true },
    },
  ],
  menu: [{ group: 'credit', order: 40, to: 'quality', label: ['数据质量', 'Data quality'], may: 'credit_batch.read' }],
}

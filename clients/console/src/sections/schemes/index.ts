import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/tier-schemes/:code?/:version?',
      name: 'schemes',
      component: () => import('./SchemesPage.vue'),
      meta: { title: ['信用等级方案', 'Tier schemes'], may: 'tier_scheme.read' },
    },
    {
      path: '/tier-scheme-draft',
      name: 'scheme-draft',
      component: () => import('./DraftPage.vue'),
      meta: { title: ['提请方案新版本', 'A new version of a scheme'], may: 'tier_scheme.ask', isProvinces: true },
    },
    {
      path: '/tier-mappings/:id?',
      name: 'mappings',
      component: () => import('./MappingsPage.vue'),
      meta: { title: ['外地等级互认', 'Recognised schemes'], may: 'tier_mapping.read', isProvinces: true },
    },
  ],
  menu: [
    { group: 'credit', order: 10, to: 'schemes', label: ['信用等级方案', 'Tier schemes'], may: 'tier_scheme.read' },
    { group: 'credit', order: 20, to: 'mappings', label: ['外地等级互认', 'Recognised schemes'], may: 'tier_mapping.read' },
  ],
}

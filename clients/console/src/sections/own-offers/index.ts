import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/own/offers/new',
      name: 'own-offer-new',
      component: () => import('./OfferFormPage.vue'),
      meta: { title: ['新建优惠', 'New offer'], audience: 'member', may: 'offer.write' },
    },
    {
      path: '/own/offers/:id/edit',
      name: 'own-offer-edit',
      component: () => import('./OfferFormPage.vue'),
      meta: { title: ['修改优惠', 'Change an offer'], audience: 'member', may: 'offer.write' },
    },
    {
      path: '/own/offers/:id?',
      name: 'own-offers',
      component: () => import('./OffersPage.vue'),
      meta: { title: ['本单位的优惠', 'Our offers'], audience: 'member', may: 'offer.read' },
    },
  ],
  menu: [{ group: 'own', order: 20, to: 'own-offers', label: ['优惠', 'Offers'], audience: 'member', may: 'offer.read' }],
}

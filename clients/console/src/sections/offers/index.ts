import type { Section } from '..'

export const section: Section = {
  routes: [
    {
      path: '/offers',
      meta: { title: ['优惠', 'Offers'], may: 'offer.read' },
      children: [
        { path: '', name: 'offers', component: () => import('./OffersPage.vue') },
        { path: ':id', name: 'offer', component: () => import('./OfferPage.vue'), props: true },
      ],
    },
    {
      path: '/offer-versions',
      name: 'offer-versions',
      component: () => import('./VersionsPage.vue'),
      meta: { title: ['优惠审核', 'Review of offers'], may: 'offer.read' },
    },
    {
      path: '/coupon-revocation',
      name: 'coupon-revocation',
      component: () => import('./RevokeCouponPage.vue'),
      meta: { title: ['作废单张优惠券', 'Revoke one coupon'], may: 'coupon.revoke' },
    },
  ],
  menu: [
    { group: 'offers', order: 5, to: 'offer-versions', label: ['优惠审核', 'Review'], may: 'offer.read' },
    { group: 'offers', order: 10, to: 'offers', label: ['全部优惠', 'All offers'], may: 'offer.read' },
    { group: 'offers', order: 90, to: 'coupon-revocation', label: ['作废单张优惠券', 'Revoke one coupon'], may: 'coupon.revoke' },
  ],
}
